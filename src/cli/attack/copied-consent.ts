import { generateKeyPairSync } from "node:crypto";
import type { Hub } from "../../hub/hub.ts";
import { generateReader, type ReaderKey } from "../../owner/identity.ts";
import { openSealedFile } from "../../owner/open-clip.ts";
import { sealBytes } from "../../clips/sealed-file.ts";
import { parseRecipient, requireAgeHeader } from "../../protocol/age-header.ts";
import { VerifiedApproval } from "../../protocol/approval.ts";
import { fromBase64, toBase64, toHex, utf8Bytes } from "../../protocol/bytes.ts";
import { canonicalJson, parseCanonicalJson, type Json } from "../../protocol/canonical-json.ts";
import { openEnvelope, PAYLOAD_TYPES } from "../../protocol/envelope.ts";
import { HubError } from "../../protocol/errors.ts";
import type { Keyring } from "../../protocol/keyring.ts";
import { readZip } from "../../protocol/zip.ts";
import type { Attempt } from "./attempt.ts";
import type { Copies, Judgement } from "./copy.ts";
import { anyRecording, forgeApproval, forger, type FileRow } from "./forgery.ts";
import type BetterSqlite3 from "better-sqlite3";

const BUNDLE_MEMBERS_MAX = 100;
const REPLAYED_MAX = 20;

/** What comes out of a real hub for somebody with its database and no owner's key. */
export async function attackConsentOfCopy(
  copies: Copies,
  database: BetterSqlite3.Database,
  keyring: Keyring,
): Promise<Attempt[]> {
  const row = anyRecording(database);
  const attacker = await generateReader(keyring.readers.kind);
  const untouched = (): void => undefined;
  return [
    await copies.attack("a forged approval handed to a running hub", untouched, (hub) =>
      row === undefined ? nothing() : handInForgery(hub, row, attacker),
    ),
    await copies.attack("an owner's decision replayed for other requests", untouched, (hub) =>
      replay(hub, attacker),
    ),
    await copies.attack(
      "one more reader in the headers of an approval in the database",
      ({ database: altered }) => addStanzas(altered, attacker),
      (hub) => fetchReleased(hub, attacker),
    ),
    await copies.attack(
      "a request set to released by SQL, without a decision",
      ({ database: altered }) => {
        altered.exec("UPDATE requests SET state = 'packaged' WHERE decision IS NULL");
      },
      (hub) => fetchReleased(hub, attacker),
    ),
    await copies.attack(
      "the check of decisions taken out of the hub's code: no approval, no export, whatever the code says",
      untouched,
      (hub) => (row === undefined ? nothing() : withoutPolicy(hub, row, attacker)),
    ),
  ];
}

function nothing(): Judgement {
  return { opened: 0, detail: "there is no recording yet" };
}

/** A request as an owner could have typed it. */
function askFor(hub: Hub, recipient: string) {
  const { services } = hub;
  const request = services.requests.receiveTyped({
    asked: {
      kind: "other",
      urgency: "normal",
      sought: {
        cameras: "unspecified",
        from: "2026-01-01T00:00:00Z",
        to: "2026-01-02T00:00:00Z",
        tracks: ["video"],
        clearFaces: true,
      },
      recipient,
    },
    personal: utf8Bytes("attack"),
    channel: "typed_by_owner",
  });
  const nonce = services.requests.issueNonce(request.id)?.nonce ?? "";
  return { request, nonce };
}

/** Everything right but the key that signs and the header, which is a valid one over another key. */
function forgeFor(hub: Hub, row: FileRow, attacker: ReaderKey) {
  const { household, ledger, nowMs } = hub.services;
  const { keyring } = household;
  if (!keyring) throw new Error("a copy of a claimed hub without keyring");
  const { request, nonce } = askFor(hub, attacker.recipient);
  const size = ledger.size();
  const own = sealBytes(utf8Bytes("nothing"), [parseRecipient(attacker.recipient)]);
  const decision = forgeApproval({
    ...{ keyring, row, nonce, recipient: attacker.recipient, nowMs: nowMs() },
    by: forger("a new key", generateKeyPairSync("ed25519").privateKey),
    request: { id: request.id, sha256: request.recordSha256 },
    checkpoint: { size, root: toHex(ledger.root(size)) },
    header: requireAgeHeader(own).headerBytes,
  });
  return { request, decision };
}

async function handInForgery(hub: Hub, row: FileRow, attacker: ReaderKey): Promise<Judgement> {
  const { request, decision } = forgeFor(hub, row, attacker);
  const refused = refusalOf(() => hub.services.decisions.decide(request.id, decision));
  return { opened: refused === null ? 1 : 0, detail: refused ?? "it was accepted" };
}

function refusalOf(work: () => unknown): string | null {
  try {
    work();
    return null;
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    return error.code;
  }
}

function replay(hub: Hub, attacker: ReaderKey): Judgement {
  const { requests, decisions } = hub.services;
  const signed = requests.list(REPLAYED_MAX).flatMap(({ decision }) => decision ?? []);
  let opened = 0;
  for (const decision of signed) {
    const { request } = askFor(hub, attacker.recipient);
    const envelope = JSON.parse(decision) as unknown;
    if (refusalOf(() => decisions.decide(request.id, envelope)) === null) opened += 1;
  }
  return { opened, detail: `${signed.length} decisions in the database` };
}

/** The signature stays as it is: whoever alters the payload cannot make another. */
function addStanzas(database: BetterSqlite3.Database, attacker: ReaderKey): void {
  const rows = database
    .prepare<[], { id: string; decision: string }>(
      "SELECT id, decision FROM requests WHERE decision IS NOT NULL",
    )
    .all();
  const own = sealBytes(utf8Bytes("x"), [parseRecipient(attacker.recipient)]);
  const [stanzas = ""] = Buffer.from(requireAgeHeader(own).headerBytes)
    .toString("latin1")
    .replace("age-encryption.org/v1\n", "")
    .split("---");
  const update = database.prepare("UPDATE requests SET decision = ? WHERE id = ?");
  for (const { id, decision } of rows) {
    const envelope = JSON.parse(decision) as { payload: string };
    const content = parseCanonicalJson(fromBase64(envelope.payload, "payload"), "decision") as {
      release: { header: string }[];
    };
    for (const release of content.release) {
      const header = Buffer.from(release.header, "base64").toString("latin1");
      release.header = toBase64(Buffer.from(header.replace("\n---", `\n${stanzas}---`), "latin1"));
    }
    const payload = toBase64(canonicalJson(content as unknown as Json));
    update.run(JSON.stringify({ ...envelope, payload }), id);
  }
}

async function fetchReleased(hub: Hub, attacker: ReaderKey): Promise<Judgement> {
  const tokens = hub.services.requests.list(REPLAYED_MAX).map(({ statusToken }) => statusToken);
  let opened = 0;
  let bundles = 0;
  for (const token of tokens) {
    const bundle = await fetchBundle(hub, token);
    if (bundle === null) continue;
    bundles += 1;
    opened += await openMembers(bundle, attacker);
  }
  return { opened, detail: `${tokens.length} requests, ${bundles} bundles handed out` };
}

async function fetchBundle(hub: Hub, token: string): Promise<Uint8Array | null> {
  const url = `/status/${token}`;
  const answer = await hub.server.inject({ url, headers: { host: "localhost" } });
  return answer.statusCode === 200 ? new Uint8Array(answer.rawPayload) : null;
}

async function openMembers(bundle: Uint8Array, { identity }: ReaderKey): Promise<number> {
  let opened = 0;
  for (const [name, bytes] of readZip(bundle, BUNDLE_MEMBERS_MAX)) {
    if (!name.endsWith(".age")) continue;
    try {
      await openSealedFile(bytes, [identity], null);
      opened += 1;
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
    }
  }
  return opened;
}

/**
 * The hub with its policy switched off: it takes the forgery and hands a bundle out. What is in it
 * is the untouched ciphertext, under a header that no reader made.
 */
async function withoutPolicy(hub: Hub, row: FileRow, attacker: ReaderKey): Promise<Judgement> {
  const { request, decision } = forgeFor(hub, row, attacker);
  const verify = VerifiedApproval.verify.bind(VerifiedApproval);
  VerifiedApproval.verify = (value: unknown): VerifiedApproval => {
    const opened = openEnvelope(value, PAYLOAD_TYPES.decision, "decision");
    const parts = { ...opened, decision: opened.content, signers: [] };
    return Reflect.construct(VerifiedApproval, [parts]) as VerifiedApproval;
  };
  try {
    const refused = refusalOf(() => hub.services.decisions.decide(request.id, decision));
    const bundle = refused === null ? await fetchBundle(hub, request.statusToken) : null;
    if (bundle === null)
      return { opened: 0, detail: `no bundle came out (${refused ?? "not handed out"})` };
    const opened = await openMembers(bundle, attacker);
    const how = opened > 0 ? "opens" : "stays shut";
    return { opened, detail: `a bundle of ${bundle.length} bytes came out, and ${how}` };
  } finally {
    VerifiedApproval.verify = verify;
  }
}
