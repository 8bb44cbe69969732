import BetterSqlite3 from "better-sqlite3";
import { createPrivateKey, sign } from "node:crypto";
import type { HubDatabase } from "../../src/base/database.ts";
import { createDecisions, type Decisions } from "../../src/consent/decisions.ts";
import { RequestHandling } from "../../src/consent/handling.ts";
import type { StoredRequest } from "../../src/consent/request-rows.ts";
import { RequestStore } from "../../src/consent/requests.ts";
import { Ledger } from "../../src/ledger/ledger.ts";
import { approvalTerms, refusalTerms } from "../../src/owner/decide.ts";
import { fromBase64, sha256Hex, toBase64, toHex, utf8Bytes } from "../../src/protocol/bytes.ts";
import { canonicalJson, type Json } from "../../src/protocol/canonical-json.ts";
import type { Terms, TermsClip } from "../../src/protocol/decision.ts";
import {
  PAYLOAD_TYPES,
  signedBytes,
  type Envelope,
  type PayloadType,
} from "../../src/protocol/envelope.ts";
import {
  parseCameraId,
  parseClipId,
  parseRequestId,
  parseSha256Hex,
} from "../../src/protocol/ids.ts";
import type { Keyring } from "../../src/protocol/keyring.ts";
import { decisionLifetimeMs } from "../../src/protocol/decision.ts";
import type { RequestChannel } from "../../src/protocol/request.ts";
import { readRequestDocument } from "../../src/owner/requests.ts";
import { requestDocument } from "../support/test-consent.ts";
import { summaryOf } from "../support/test-approval.ts";
import { hubInfo, LEDGER_SECRET, NOW_MS } from "../support/test-household.ts";
import type { DeviceName, Ground } from "./ground.ts";

const CLIP = parseClipId("c".repeat(32));
const CAMERA = parseCameraId("front");
const HOUR_MS = 3_600_000;
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

/** How a decision can be wrong although everything else of it is right. */
export const FLAWS = [
  "wrong nonce",
  "old keyring",
  "wrong file",
  "wrong recipient",
  "bad signature",
  "two headers",
] as const;
export type Flaw = (typeof FLAWS)[number] | null;

/** The real consent code over a real database, with clocks that a test moves. */
export class World {
  readonly ground: Ground;
  readonly clock = { nowMs: NOW_MS, countedMs: 0 };
  epoch: number;
  readonly ids: string[] = [];
  /** The nonce that a device would use: the newest it was given. */
  readonly nonces: string[] = [];
  readonly #reload: ((before: HubDatabase) => HubDatabase) | null;
  #database: HubDatabase;
  ledger!: Ledger;
  requests!: RequestStore;
  decisions!: Decisions;
  handling!: RequestHandling;

  /** @param files - Where the database is in a file; by default it is in memory. */
  constructor(
    ground: Ground,
    epoch: number,
    files: { database: HubDatabase; reload: (before: HubDatabase) => HubDatabase } | null = null,
  ) {
    this.ground = ground;
    this.epoch = epoch;
    this.#reload = files?.reload ?? null;
    this.#database = files?.database ?? this.#load(ground.template);
    this.#open();
  }

  #load(bytes: Buffer): HubDatabase {
    const database = new BetterSqlite3(bytes);
    database.pragma("foreign_keys = ON");
    database.pragma("recursive_triggers = ON");
    database.pragma("secure_delete = ON");
    rememberStatements(database);
    return Object.assign(database, { [Symbol.asyncDispose]: async () => void database.close() });
  }

  /** What a restart keeps is what is in the database. */
  restart(): void {
    if (this.#reload) this.#database = this.#reload(this.#database);
    else {
      const bytes = this.#database.serialize();
      this.#database.close();
      this.#database = this.#load(bytes);
    }
    this.#open();
    this.settle();
  }

  get database(): HubDatabase {
    return this.#database;
  }

  close(): void {
    this.#database.close();
  }

  #open(): void {
    const { ground, clock } = this;
    const database = this.#database;
    this.ledger = Ledger.open({
      ...{ database, origin: hubInfo.origin },
      publicKey: fromBase64(hubInfo.ledgerKey, "key"),
      sign: (message) => signBytes(LEDGER_SECRET, message),
    });
    const options = {
      database,
      appendEntry: (entry: Parameters<Ledger["append"]>[0]) => this.ledger.append(entry),
      nowMs: () => clock.nowMs,
      countedMs: () => clock.countedMs,
      isClockBelieved: () => true,
      keyring: () => this.keyring,
    };
    this.requests = new RequestStore(options);
    const { file } = ground;
    this.decisions = createDecisions({
      ...{ ...options, requests: this.requests },
      keyringStatements: () => ground.statements.slice(0, this.epoch + 1),
      findFile: (clip, wanted) =>
        clip === CLIP && wanted.segment === file.segment ? { camera: CAMERA, file } : null,
      knowsCheckpoint: (size, root) =>
        size <= this.ledger.size() && toHex(this.ledger.root(size)) === root,
    });
    this.handling = new RequestHandling({
      ...{ ...options, requests: this.requests },
      hasClip: (clip) => clip === CLIP,
    });
  }

  get keyring(): Keyring {
    const keyring = this.ground.keyrings[this.epoch];
    if (!keyring) throw new Error(`no epoch ${this.epoch}`);
    return keyring;
  }

  /** What the hub's timers do. */
  settle(): void {
    this.decisions.settle();
    this.requests.expireDue(this.keyring.head);
  }

  /** @returns The token of the form that came back, where it was one. */
  request(channel: RequestChannel, isEmergency: boolean): string {
    const token = `form ${this.ids.length}`;
    if (channel === "typed_by_owner")
      this.#taken(this.requests.receiveTyped(this.#intake(channel, isEmergency)));
    else {
      this.form(token);
      this.sendForm(token, channel, isEmergency);
    }
    return token;
  }

  form(token: string): void {
    this.requests.createForm(tokenSha256(token), this.clock.nowMs + HOUR_MS);
  }

  sendForm(token: string, channel: RequestChannel, isEmergency = false): void {
    const sent = sha256Hex(utf8Bytes(token));
    this.#taken(this.requests.receiveForm(sent, this.#intake(channel, isEmergency)));
  }

  #intake(channel: RequestChannel, isEmergency: boolean) {
    const { asked } = readRequestDocument(
      requestDocument({
        urgency: isEmergency ? "emergency" : "normal",
        kind: isEmergency ? "police_emergency" : "other",
        recipient: this.ground.recipient,
      }),
    );
    return { asked, personal: utf8Bytes("sealed to the owners"), channel };
  }

  #taken({ id }: StoredRequest): void {
    this.ids.push(id);
    this.nonces.push("0".repeat(64));
  }

  idOf(index: number) {
    return parseRequestId(this.ids[index] ?? "");
  }

  /** As it stands in the database now. */
  stored(index: number) {
    const request = this.requests.get(this.idOf(index));
    if (!request) throw new Error(`request ${index} is gone`);
    return request;
  }

  /** What lies in the database, not asked through the code that is tested. */
  look(index: number): { state: string; hasDecision: number; signatures: number | null } {
    const row = this.#database
      .prepare<[string], { state: string; hasDecision: number; signatures: number | null }>(
        `SELECT state, decision IS NOT NULL AS hasDecision,
           (SELECT json_array_length(envelope, '$.signatures') FROM proposals WHERE request = id)
             AS signatures
         FROM requests WHERE id = ?`,
      )
      .get(this.ids[index] ?? "");
    if (!row) throw new Error(`request ${index} is gone`);
    return row;
  }

  entryKinds(): string {
    const rows = this.#database
      .prepare<[], { kind: string }>("SELECT kind FROM ledger_entries ORDER BY idx")
      .all();
    return rows.map(({ kind }) => kind).join(" ");
  }

  nonce(index: number): boolean {
    const lifetimeMs = decisionLifetimeMs(this.keyring.policy);
    const issued = this.requests.issueNonce(this.idOf(index), lifetimeMs);
    if (issued) this.nonces[index] = issued.nonce;
    return issued !== null;
  }

  /** Terms as a device makes them now, and what is wrong with them on purpose. */
  terms(index: number, outcome: "approved" | "refused", flaw: Flaw): Terms {
    const { record, recordSha256, nonceExpiresAtMs } = this.stored(index);
    const size = this.ledger.size();
    const wrong = flaw === "wrong nonce" ? "f".repeat(64) : null;
    const ground = {
      keyring:
        flaw === "old keyring"
          ? (this.ground.keyrings[this.epoch - 1] ?? this.keyring)
          : this.keyring,
      request: { ...summaryOf(record), recordSha256 },
      nonce: {
        nonce: wrong ?? this.nonces[index] ?? "",
        expiresAtMs: nonceExpiresAtMs ?? Number.MAX_SAFE_INTEGER,
      },
      checkpoint: { size, root: toHex(this.ledger.root(size)) },
      nowMs: this.clock.nowMs,
    };
    if (outcome === "refused") return refusalTerms(ground);
    return approvalTerms(ground, {
      clips: [this.#clip(flaw === "wrong file")],
      recipient: this.ground.recipient,
      purpose: "a model",
      isPart: false,
    });
  }

  #clip(isWrong: boolean): TermsClip {
    const { file } = this.ground;
    const other = { ...file, payloadSha256: parseSha256Hex("cd".repeat(32)) };
    const range = { fromMs: file.fromMs, toMs: file.toMs };
    return { clip: CLIP, camera: CAMERA, ...range, files: [isWrong ? other : file] };
  }

  decision(terms: Terms, devices: readonly DeviceName[], flaw: Flaw): Envelope {
    const { header, file } = this.ground;
    const recipient = flaw === "wrong recipient" ? `${terms.recipient ?? ""}q` : terms.recipient;
    const { segment, track, rendition } = file;
    const headers = flaw === "two headers" ? [header, header] : [header];
    const release =
      terms.outcome === "refused"
        ? []
        : headers.map((one) => ({ clip: CLIP, segment, track, rendition, header: one }));
    const envelope = this.sign(
      PAYLOAD_TYPES.decision,
      { terms: { ...terms, recipient }, release },
      devices,
    );
    if (flaw !== "bad signature") return envelope;
    return {
      ...envelope,
      signatures: envelope.signatures.map((one) => ({ ...one, sig: toBase64(new Uint8Array(64)) })),
    };
  }

  sign(type: PayloadType, content: unknown, devices: readonly DeviceName[]): Envelope {
    const payload = canonicalJson(content as Json);
    return {
      payloadType: type,
      payload: toBase64(payload),
      signatures: devices.map((device) => this.signature(type, payload, device)),
    };
  }

  signature(type: PayloadType, payload: Uint8Array, name: DeviceName) {
    const signer = this.ground.signers.get(name);
    if (!signer) throw new Error(`no device ${name}`);
    const bytes = signBytes(signer.key.secret, signedBytes(type, payload));
    return { keyid: signer.key.device, sig: toBase64(bytes) };
  }

  personOf(name: DeviceName): string {
    return this.ground.signers.get(name)?.person ?? "";
  }

  statement(index: number, type: "assurance" | "hold", device: DeviceName): Envelope {
    const { record, recordSha256 } = this.stored(index);
    const { nowMs } = this.clock;
    const common = {
      ...{
        v: 1,
        origin: this.keyring.origin,
        request: record.request,
        requestSha256: recordSha256,
      },
      number: this.handling.statements(this.idOf(index), type).length,
      ...{ atMs: nowMs, keyringHead: this.keyring.head },
    };
    const content =
      type === "assurance"
        ? { ...common, level: "met" }
        : { ...common, action: "hold", untilMs: nowMs + 30 * 24 * HOUR_MS, clips: [CLIP] };
    return this.sign(PAYLOAD_TYPES[type], content, [device]);
  }

  revocation(index: number, device: DeviceName): Envelope {
    const { record, decisionSha256 } = this.stored(index);
    const { origin, epoch, head } = this.keyring;
    const content = {
      ...{
        v: 1,
        origin,
        request: record.request,
        decisionSha256: decisionSha256 ?? "0".repeat(64),
      },
      ...{ keyringEpoch: epoch, keyringHead: head, atMs: this.clock.nowMs },
    };
    return this.sign(PAYLOAD_TYPES.revocation, content, [device]);
  }
}

/** What the hub keeps of a form: the hash of the token that is sent back. */
function tokenSha256(token: string) {
  return sha256Hex(utf8Bytes(sha256Hex(utf8Bytes(token))));
}

/** Preparing the same few statements again in each of a million runs would take a third of the time. */
function rememberStatements(database: BetterSqlite3.Database): void {
  const known = new Map<string, BetterSqlite3.Statement>();
  const prepare = database.prepare.bind(database) as (sql: string) => BetterSqlite3.Statement;
  const remembering = (sql: string): BetterSqlite3.Statement => {
    const statement = known.get(sql) ?? prepare(sql);
    known.set(sql, statement);
    return statement;
  };
  Object.defineProperty(database, "prepare", { value: remembering });
}

function signBytes(seed: Uint8Array, message: Uint8Array): Uint8Array {
  const key = Buffer.concat([PKCS8_PREFIX, seed]);
  const privateKey = createPrivateKey({ key, format: "der", type: "pkcs8" });
  return new Uint8Array(sign(null, message, privateKey));
}
