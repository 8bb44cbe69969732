import { generateSigningKey } from "../../src/owner/identity.ts";
import { concatBytes, fromBase64, toBase64, utf8Bytes } from "../../src/protocol/bytes.ts";
import type { Json } from "../../src/protocol/canonical-json.ts";
import type { Terms } from "../../src/protocol/decision.ts";
import { PAYLOAD_TYPES } from "../../src/protocol/envelope.ts";
import type { RequestRecord } from "../../src/protocol/request.ts";
import { recipientWords } from "../../src/protocol/words.ts";
import type { AnyEntry, Lies } from "./forged-house.ts";
import { signDecision } from "./test-approval.ts";
import { NOW_MS } from "./test-household.ts";

const YEAR_10000_MS = 253_402_300_800_000;
const LATEST_MS = Number.MAX_SAFE_INTEGER;

/** Other members of the signed terms. */
export const terms = (
  change: Record<string, Json> | ((terms: Terms) => Record<string, Json>),
): Lies => ({
  terms: (honest) => ({ ...honest, ...(typeof change === "function" ? change(honest) : change) }),
});
/** Other members of the entries of a kind. */
export const entry = (kind: string, change: Record<string, Json>): Lies => ({
  entries: (all) => all.map((one) => (one["kind"] === kind ? { ...one, ...change } : one)),
});
const file = (change: Record<string, Json>): Lies => ({
  ...terms(({ clips }) => ({
    clips: clips.map((clip) => ({
      ...clip,
      files: clip.files.map((each, at) => (at === 0 ? { ...each, ...change } : each)),
    })),
  })),
});
/** The same of the ledger's clip and of the terms. */
const bothFiles = (change: Record<string, Json>): Lies => ({
  ...file(change),
  entries: (all) =>
    all.map((one) =>
      one["kind"] === "clip"
        ? {
            ...one,
            files: (one["files"] as AnyEntry[]).map((each, at) =>
              at === 0 ? { ...each, ...change } : each,
            ),
          }
        : one,
    ),
});
/** Other members of the request record. */
export const record = (change: (record: RequestRecord) => object): Lies => ({
  record: (honest) => ({ ...honest, ...change(honest) }) as Json,
});
const header = (change: (header: Uint8Array) => Uint8Array): Lies => ({
  release: (release) =>
    release.map((each) => ({ ...each, header: toBase64(change(fromBase64(each.header, "h"))) })),
});
const edited = (edit: (text: string) => string): Lies =>
  header(
    (bytes) => new Uint8Array(Buffer.from(edit(Buffer.from(bytes).toString("latin1")), "latin1")),
  );
const more = (entries: readonly AnyEntry[]): Lies => ({ entries: (all) => [...all, ...entries] });

/** What a house may say and still be believed. */
export const HONEST: Readonly<Record<string, Lies>> = {
  "nothing but the truth": {},
  "a viewer of its own": { viewer: utf8Bytes("<!doctype html>") },
  "an older entry of a decision": {
    entries: (all) =>
      all.map((one) => {
        const { secondsGranted: _s, clearFaces: _c, audio: _a, ...rest } = one;
        return one["kind"] === "decision" ? { ...rest, v: 1 } : one;
      }),
  },
  "a purpose of several lines": terms({ purpose: "a\nb\u2028\u0000\u0007c \u00e9 \ud83d\ude00" }),
  "no purpose": terms({ purpose: "" }),
  "a time to fetch": terms({ availableUntilMs: NOW_MS + 366 * 86_400_000 }),
  "times of the last year": record(() => ({ expiresAtMs: YEAR_10000_MS - 1 })),
  "a request of a year": record(({ asked }) => ({
    asked: { ...asked, deadline: "2026-12-31T23:59:59.123456789+14:00" },
  })),
};

/** What nobody may believe, however well it is signed. */
export const LIES: Readonly<Record<string, Lies>> = {
  "a refusal": terms({ outcome: "refused" }),
  "another outcome in the ledger": entry("decision", { outcome: "approved_in_part" }),
  "an unknown outcome": terms({ outcome: "perhaps" }),
  "another request": terms({ request: "0".repeat(32) }),
  "an edited request": terms({ requestSha256: "0".repeat(64) }),
  "another household": terms({ origin: `doorward/${"0".repeat(32)}` }),
  "another epoch": terms({ keyringEpoch: 1 }),
  "an epoch below the first": terms({ keyringEpoch: -1 }),
  "another keyring": terms({ keyringHead: "0".repeat(64) }),
  "another ledger": terms({ checkpoint: { size: 4, root: "0".repeat(64) } }),
  "an empty ledger": terms({ checkpoint: { size: 0, root: "0".repeat(64) } }),
  "a ledger still to come": terms({ checkpoint: { size: 7, root: "0".repeat(64) } }),
  "a nonce that is none": terms({ nonce: "x".repeat(64) }),
  "a member more in the terms": terms({ comment: "" }),
  "a decision before its time": terms({ notBeforeMs: NOW_MS + 120_001 }),
  "a decision after its time": terms({ notAfterMs: NOW_MS - 1 }),
  "a decision longer than its request": record(() => ({ expiresAtMs: NOW_MS + 1 })),
  "a time to fetch that is over": terms({ availableUntilMs: NOW_MS }),
  "a time to fetch of two years": terms({ availableUntilMs: NOW_MS + 2 * 366 * 86_400_000 }),
  "other words for the recipient": terms(({ recipientWords: words }) => ({
    recipientWords: words.toReversed(),
  })),
  "seven words": terms(({ recipientWords: words }) => ({ recipientWords: words.slice(1) })),
  "a recipient in capitals": terms(({ recipient }) => ({
    recipient: recipient?.toUpperCase() ?? null,
    recipientWords: [...recipientWords(recipient?.toUpperCase() ?? "")],
  })),
  "no recipient": terms({ recipient: null }),
  "no clips": terms({ clips: [] }),
  "a clip without files": terms(({ clips }) => ({
    clips: clips.map((clip) => ({ ...clip, files: [] })),
  })),
  "a clip twice": terms(({ clips }) => ({ clips: [...clips, ...clips] })),
  "another camera": terms(({ clips }) => ({
    clips: clips.map((clip) => ({ ...clip, camera: "back" })),
  })),
  "a longer range": terms(({ clips }) => ({
    clips: clips.map((clip) => ({ ...clip, toMs: clip.toMs + 1 })),
  })),
  "a range beyond every calendar": terms(({ clips }) => ({
    clips: clips.map((clip) => ({ ...clip, toMs: LATEST_MS })),
  })),
  "other faces": terms(({ redactions }) => ({ redactions: { ...redactions, faces: "blurred" } })),
  "no sound": terms(({ redactions }) => ({ redactions: { ...redactions, audio: "left_out" } })),
  "a file of another size": file({ sizeBytes: 1 }),
  "a file of another hash": file({ payloadSha256: "0".repeat(64) }),
  "a file of another time": file({ fromMs: NOW_MS - 1 }),
  "a file made from another": file({ derivedFrom: "0".repeat(64) }),
  "a file that is pixelated": file({ pixelated: "faces" }),
  "a file of another rendition": file({ rendition: "blurred" }),
  "a file of no segment": bothFiles({ segment: null }),
  "a file beyond every calendar": bothFiles({ toMs: LATEST_MS }),
  "a recording beyond every calendar": {
    ...bothFiles({ toMs: LATEST_MS }),
    ...terms(({ clips }) => ({
      clips: clips.map((clip) => ({
        ...clip,
        toMs: LATEST_MS,
        files: clip.files.map((each, at) => (at === 0 ? { ...each, toMs: LATEST_MS } : each)),
      })),
    })),
  },
  "a file of the year 10000": bothFiles({ toMs: YEAR_10000_MS }),
  "a file of half a byte": bothFiles({ sizeBytes: 0.5 }),
  "a file of no byte": bothFiles({ sizeBytes: 0 }),
  "files of more than a bundle has room for": {
    ...bothFiles({ sizeBytes: 2 ** 30 }),
  },
  "a file of two gigabytes": bothFiles({ sizeBytes: 2 ** 31 }),
  "a hash in capitals": bothFiles({ payloadSha256: "A".repeat(64) }),
  "a recording that lists a file twice": {
    entries: (all) =>
      all.map((one) =>
        one["kind"] === "clip"
          ? { ...one, files: [...(one["files"] as Json[]), ...(one["files"] as Json[])] }
          : one,
      ),
  },
  "a recording of two files that are one": {
    entries: (all) =>
      all.map((one) =>
        one["kind"] === "clip"
          ? {
              ...one,
              files: (one["files"] as AnyEntry[]).flatMap((each) => [
                each,
                { ...each, segment: (each["segment"] as number) + 100 },
              ]),
            }
          : one,
      ),
  },
  "a clip whose camera is none": entry("clip", { camera: "Front" }),
  "a clip of an id that is none": entry("clip", { keyringHead: "z".repeat(64) }),
  "a clip with a member more": entry("clip", { note: "" }),
  "a clip of another version": entry("clip", { v: 2 }),
  "an entry of no known kind": more([{ v: 1, kind: "gift", atMs: NOW_MS }]),
  "an entry that is nobody's business": more([
    { v: 1, kind: "software", atMs: NOW_MS, version: "1" },
  ]),
  "a second request": {
    entries: (all) => [...all, ...all.filter(({ kind }) => kind === "request")],
  },
  "a second decision": {
    entries: (all) => [...all, ...all.filter(({ kind }) => kind === "decision")],
  },
  "a second release": {
    entries: (all) => [...all, ...all.filter(({ kind }) => kind === "release")],
  },
  "a second clip": { entries: (all) => [...all, ...all.filter(({ kind }) => kind === "clip")] },
  "no release": { entries: (all) => all.filter(({ kind }) => kind !== "release") },
  "an entry of another length": entry("clip", { event: "x".repeat(21) }),
  "an entry that is too long": entry("release", { files: "x".repeat(300_000) }),
  "another number of files": entry("release", { files: 1 }),
  "a release of another decision": entry("release", { decisionSha256: "0".repeat(64) }),
  "a release of another request": entry("release", { request: "0".repeat(32) }),
  "an entry of another decision": entry("decision", { decisionSha256: "0".repeat(64) }),
  "a decision of nothing": entry("decision", { decisionSha256: null }),
  "a decision under another keyring": entry("decision", { keyringHead: "0".repeat(64) }),
  "other seconds granted": entry("decision", { secondsGranted: 1 }),
  "other sound granted": entry("decision", { audio: false }),
  "no clear faces granted": entry("decision", { clearFaces: false }),
  "a decision that comes too late": entry("decision", { atMs: NOW_MS + 86_400_000 }),
  "other seconds asked": entry("request", { secondsAsked: 1 }),
  "another kind of request": entry("request", { requestKind: "insurer" }),
  "another channel": entry("request", { channel: "sealed_file" }),
  "another urgency": entry("request", { urgency: "emergency" }),
  "a request of no day": record(({ asked }) => ({
    asked: { ...asked, sought: { ...asked.sought, from: "2026-02-30T00:00:00Z" } },
  })),
  "a request of hour 24": record(({ asked }) => ({
    asked: { ...asked, sought: { ...asked.sought, from: "2026-11-20T24:00:00Z" } },
  })),
  "a request of a leap second": record(({ asked }) => ({
    asked: { ...asked, sought: { ...asked.sought, from: "2026-11-20T23:59:60Z" } },
  })),
  "a request without zone": record(({ asked }) => ({
    asked: { ...asked, sought: { ...asked.sought, from: "2026-11-20T23:59:00" } },
  })),
  "a request of zone 99": record(({ asked }) => ({
    asked: { ...asked, sought: { ...asked.sought, from: "2026-11-20T23:59:00+99:00" } },
  })),
  "a request backwards": record(({ asked }) => ({
    asked: { ...asked, sought: { ...asked.sought, from: asked.sought.to, to: asked.sought.from } },
  })),
  "a request of a kind that is none": record(({ asked }) => ({
    asked: { ...asked, kind: "gift" },
  })),
  "a request with a member more": record(() => ({ note: "" })),
  "a request beyond every calendar": record(() => ({ expiresAtMs: LATEST_MS })),
  "a request for another recipient": record(({ asked }) => ({
    asked: { ...asked, recipient: "age1other" },
  })),
  "a header with something after it": header((bytes) => concatBytes(bytes, new Uint8Array(32))),
  "a header twice": header((bytes) => concatBytes(bytes, bytes)),
  "a header cut off": header((bytes) => bytes.subarray(0, -1)),
  "a header of two stanzas": edited((text) => text.replace(/(-> [^]*?\n)(?=---)/, "$1$1")),
  "a header without stanza": edited((text) => text.replace(/-> [^]*?\n(?=---)/, "")),
  "a header of another kind": edited((text) => text.replace("X25519", "scrypt")),
  "a header with a space more": edited((text) => text.replace("-> X25519 ", "-> X25519  ")),
  "a header with a carriage return": edited((text) => text.replaceAll("\n", "\r\n")),
  "a header of another version": edited((text) => text.replace("/v1", "/v2")),
  "a header with trailing bits": edited((text) => text.replace(/.\n$/, "/\n")),
  "headers in another order": { release: (release) => release.toReversed() },
  "a header too few": { release: (release) => release.slice(1) },
  "a viewer that is too large": { viewer: new Uint8Array(256_001) },
  "a keyring of nobody": { keyring: () => [] },
  "a keyring twice": { keyring: (statements) => [...statements, ...statements] },
  "a checkpoint with a line of a stranger": {
    proofs: (proofs) => ({ ...proofs, checkpoint: `${proofs.checkpoint}— stranger AAAAAAAA\n` }),
  },
  "a checkpoint of too many lines": {
    proofs: (proofs) => ({ ...proofs, checkpoint: `x\n${proofs.checkpoint}` }),
  },
  "no proof of what was seen": { proofs: (proofs) => ({ ...proofs, seen: [] }) },
  "a proof that is too long": {
    proofs: (proofs) => ({
      ...proofs,
      entries: proofs.entries.map((each) => ({
        ...each,
        proof: [...each.proof, toBase64(new Uint8Array(32))],
      })),
    }),
  },
  "a place beyond the ledger": {
    proofs: (proofs) => ({
      ...proofs,
      entries: proofs.entries.map((each) => ({ ...each, index: each.index + 100 })),
    }),
  },
  "nobody's signature": { envelope: (envelope) => ({ ...envelope, signatures: [] }) },
  "a signature twice": {
    envelope: ({ signatures, ...rest }) => ({
      ...rest,
      signatures: [...signatures, ...signatures],
    }),
  },
  "another payload type": {
    envelope: (envelope) => ({ ...envelope, payloadType: PAYLOAD_TYPES.report }),
  },
  "a stranger's signature": {
    signed: (decision) => signDecision(decision, [generateSigningKey()]),
  },
  "a decision that is no canonical JSON": {
    envelope: (envelope) => ({
      ...envelope,
      payload: Buffer.from(`${Buffer.from(envelope.payload, "base64").toString()} `).toString(
        "base64",
      ),
    }),
  },
};
