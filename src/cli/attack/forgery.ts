import {
  createPrivateKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  type KeyObject,
} from "node:crypto";
import type BetterSqlite3 from "better-sqlite3";
import { VerifiedApproval, type DecisionContext } from "../../protocol/approval.ts";
import { fromBase64, sha256Hex, toBase64, toHex, utf8Bytes } from "../../protocol/bytes.ts";
import { canonicalJson, parseCanonicalJson, type Json } from "../../protocol/canonical-json.ts";
import { impliedRedactions, type Terms } from "../../protocol/decision.ts";
import { deviceIdOf, PAYLOAD_TYPES, signedBytes } from "../../protocol/envelope.ts";
import { HubError } from "../../protocol/errors.ts";
import { parseCameraId, parseRequestId, parseSha256Hex } from "../../protocol/ids.ts";
import { extendKeyring, verifyKeyring, type Keyring } from "../../protocol/keyring.ts";
import { listedFile } from "../../protocol/listed-files.ts";
import { recipientWords } from "../../protocol/words.ts";
import { generateReader } from "../../owner/identity.ts";
import { continuesKeyring } from "../../owner/witness.ts";
import { attempt, type Attempt } from "./attempt.ts";

/** A key pair of the attacker, or the hub's own: neither is an owner's. */
export interface Forger {
  readonly name: string;
  readonly privateKey: KeyObject;
  readonly publicKey: Uint8Array;
}

/**
 * What somebody with the database and the hub's own keys could put in front of the checks that hub,
 * recorder and devices make. Nothing of it touches the installation.
 */
export async function attackWithForgeries(
  database: BetterSqlite3.Database,
  ledgerPem: string,
): Promise<Attempt[]> {
  const statements = database
    .prepare<[], string>("SELECT envelope FROM keyring_statements ORDER BY epoch")
    .pluck()
    .all()
    .map((text) => JSON.parse(text) as Json);
  const keyring = verifyKeyring(statements);
  const stranger = await generateReader(keyring.readers.kind);
  const forgers = [
    forger("a new key", generateKeyPairSync("ed25519").privateKey),
    forger("the ledger's key", createPrivateKey(ledgerPem)),
  ];
  return [
    swapReaders(statements, stranger.recipient),
    rollBack(statements, keyring),
    ...forgers.map((by) => admitByForgery(keyring, by)),
    ...forgers.map((by) => approveByForgery(database, keyring, by, stranger.recipient)),
    replay(database, statements),
  ];
}

export function forger(name: string, privateKey: KeyObject): Forger {
  const { d, x } = privateKey.export({ format: "jwk" });
  if (d === undefined || x === undefined) throw new Error("not an Ed25519 key");
  return { name, privateKey, publicKey: new Uint8Array(Buffer.from(x, "base64url")) };
}

/** 1 when `work` was let through, 0 when it was refused by name. */
function succeeds(work: () => void): number {
  try {
    work();
    return 1;
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    return 0;
  }
}

/** The chain with the reader of genesis replaced, as whoever can write into the rows would do it. */
export function chainWithReader(statements: readonly Json[], recipient: string): Json[] {
  const [genesis, ...rest] = statements as readonly { payload: string }[];
  if (!genesis) throw new Error("a keyring without genesis");
  const content = JSON.stringify(parseCanonicalJson(fromBase64(genesis.payload, "payload"), "k"));
  const reader = (JSON.parse(content) as { change: { readers: { originals: string } } }).change
    .readers.originals;
  const forged = canonicalJson(JSON.parse(content.replace(reader, recipient)) as Json);
  return [{ ...genesis, payload: toBase64(forged) }, ...rest];
}

function swapReaders(statements: readonly Json[], recipient: string): Attempt {
  const chain = chainWithReader(statements, recipient);
  const opened = succeeds(() => verifyKeyring(chain));
  return attempt("a reader put into the keyring's rows by SQL", opened, "chain verified again");
}

/** Shorter, it may be a valid chain: then it is the devices that notice, by what they remember. */
function rollBack(statements: readonly Json[], keyring: Keyring): Attempt {
  const shorter = statements.slice(0, -1);
  const seen = { epoch: keyring.epoch, keyringHead: keyring.head };
  const opened = succeeds(() => {
    if (!continuesKeyring(verifyKeyring(shorter, keyring.genesis), seen))
      throw new HubError("KEYRING_ROLLED_BACK", "Cannot accept keyring: a device has seen more");
  });
  return attempt("a keyring with its last statement removed", opened, `${shorter.length} left`);
}

export function envelopeBy(by: Forger, payloadType: string, content: Json): Json {
  const payload = canonicalJson(content);
  const signature = sign(null, signedBytes(payloadType, payload), by.privateKey);
  return {
    payloadType,
    payload: toBase64(payload),
    signatures: [{ keyid: deviceIdOf(by.publicKey), sig: toBase64(new Uint8Array(signature)) }],
  };
}

export function forgeAdmission(keyring: Keyring, by: Forger): Json {
  return envelopeBy(by, PAYLOAD_TYPES.keyring, {
    v: 1,
    epoch: keyring.epoch + 1,
    previous: keyring.head,
    atMs: Date.now(),
    change: {
      kind: "admit",
      person: toHex(randomBytes(16)),
      role: "owner",
      device: { signingKey: toBase64(by.publicKey), labelSha256: sha256Hex(utf8Bytes(" ")) },
    },
  });
}

function admitByForgery(keyring: Keyring, by: Forger): Attempt {
  const statement = forgeAdmission(keyring, by);
  const opened = succeeds(() => extendKeyring(keyring, statement));
  return attempt(`an owner admitted by a statement signed with ${by.name}`, opened, "epoch + 1");
}

export interface FileRow {
  readonly clip: string;
  readonly camera: string;
  readonly segment: number;
  readonly track: "video";
  readonly rendition: "original" | "blurred";
  readonly size_bytes: number;
  readonly payload_sha256: string;
  readonly from_ms: number;
  readonly to_ms: number;
}

/** What an approval has to fit in with; all of it is known to whoever has the database. */
export interface ForgedApproval {
  readonly keyring: Keyring;
  readonly by: Forger;
  readonly recipient: string;
  readonly row: FileRow;
  readonly request: { readonly id: string; readonly sha256: string };
  readonly nonce: string;
  readonly checkpoint: Terms["checkpoint"];
  readonly nowMs: number;
  /** In the place of a header that only a device with a reader could make. */
  readonly header: Uint8Array;
}

/** A recording that the ledger lists, if there is one. */
export function anyRecording(database: BetterSqlite3.Database): FileRow | undefined {
  return database
    .prepare<[], FileRow>(
      "SELECT f.*, c.camera FROM clip_files f JOIN clips c ON c.id = f.clip WHERE f.track = 'video' AND c.state = 'closed' ORDER BY c.sequence DESC, f.name DESC LIMIT 1",
    )
    .get();
}

/** A perfect approval of a real recording, but for whose key signed it and whose header it has. */
export function forgeApproval(forged: ForgedApproval): Json {
  const { keyring, by, recipient, row, request, header, nowMs } = forged;
  const file = fileOf(row);
  const clips = [
    { clip: row.clip, camera: row.camera, fromMs: file.fromMs, toMs: file.toMs, files: [file] },
  ];
  const terms: Terms = {
    v: 1,
    origin: keyring.origin,
    request: request.id,
    requestSha256: request.sha256,
    outcome: "approved",
    clips,
    redactions: impliedRedactions(clips),
    recipient,
    recipientWords: recipientWords(recipient),
    purpose: "none",
    notBeforeMs: nowMs,
    notAfterMs: nowMs + 60_000,
    nonce: forged.nonce,
    checkpoint: forged.checkpoint,
    keyringEpoch: keyring.epoch,
    keyringHead: keyring.head,
  };
  const release = [{ clip: row.clip, ...fileKeyOf(file), header: toBase64(header) }];
  return envelopeBy(by, PAYLOAD_TYPES.decision, { terms, release } as Json);
}

function approveByForgery(
  database: BetterSqlite3.Database,
  keyring: Keyring,
  by: Forger,
  recipient: string,
): Attempt {
  const name = `an approval of a recording signed with ${by.name}`;
  const row = anyRecording(database);
  if (!row) return attempt(name, 0, "there is no recording yet");
  const context = contextFor(keyring, row, fileOf(row));
  const decision = forgeApproval({
    ...{ keyring, by, recipient, row, request: context.request },
    nonce: context.nonce ?? "",
    checkpoint: { size: 1, root: "00".repeat(32) },
    nowMs: context.nowMs,
    header: randomBytes(300),
  });
  const opened = succeeds(() => VerifiedApproval.verify(decision, context));
  return attempt(name, opened, `clip ${row.clip.slice(0, 8)}`);
}

function fileOf(row: FileRow) {
  return {
    segment: row.segment,
    track: row.track,
    rendition: row.rendition,
    sizeBytes: row.size_bytes,
    payloadSha256: parseSha256Hex(row.payload_sha256),
    fromMs: row.from_ms,
    toMs: row.to_ms,
  };
}

function fileKeyOf({ segment, track, rendition }: Terms["clips"][number]["files"][number]) {
  return { segment, track, rendition };
}

function contextFor(
  keyring: Keyring,
  row: FileRow,
  file: Parameters<DecisionContext["findFile"]>[1] & Terms["clips"][number]["files"][number],
): DecisionContext {
  const nowMs = Date.now();
  return {
    keyring,
    request: {
      id: parseRequestId(toHex(randomBytes(16))),
      sha256: parseSha256Hex(toHex(randomBytes(32))),
      recipient: null,
      expiresAtMs: nowMs + 3_600_000,
    },
    nonce: toHex(randomBytes(32)),
    nowMs,
    findFile: () => ({
      camera: parseCameraId(row.camera),
      file: listedFile(file),
    }),
    knowsCheckpoint: () => true,
  };
}

/** A decision that the owner really signed, for another request. */
function replay(database: BetterSqlite3.Database, statements: readonly Json[]): Attempt {
  const decisions = database
    .prepare<[], string>("SELECT decision FROM requests WHERE decision IS NOT NULL LIMIT 100")
    .pluck()
    .all();
  const nowMs = Date.now();
  let opened = 0;
  for (const text of decisions)
    opened += succeeds(() =>
      VerifiedApproval.verify(JSON.parse(text), {
        keyring: verifyKeyring(statements),
        request: {
          id: parseRequestId(toHex(randomBytes(16))),
          sha256: parseSha256Hex(toHex(randomBytes(32))),
          recipient: null,
          expiresAtMs: nowMs + 3_600_000,
        },
        nonce: toHex(randomBytes(32)),
        nowMs,
        findFile: () => null,
        knowsCheckpoint: () => true,
      }),
    );
  return attempt("signed decisions replayed for another request", opened, `${decisions.length}`);
}
