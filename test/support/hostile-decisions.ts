import { generateSigningKey, type ReaderKey, type SigningKey } from "../../src/owner/identity.ts";
import { openFileKey, releaseHeader } from "../../src/owner/release.ts";
import { parseRecipient } from "../../src/protocol/age-header.ts";
import { concatBytes, fromBase64, toBase64 } from "../../src/protocol/bytes.ts";
import { sealedFileName } from "../../src/protocol/clip.ts";
import type { Decision, Terms } from "../../src/protocol/decision.ts";
import type { Envelope } from "../../src/protocol/envelope.ts";
import { recipientWords } from "../../src/protocol/words.ts";
import { signDecision } from "./test-approval.ts";
import { draftApproval, signTerms } from "./test-consent.ts";
import type { TestDevice, TestHub } from "./test-hub.ts";

/** Where hostile decisions are made: a hub, who may sign, and what was accepted before. */
export interface Battlefield {
  readonly hub: TestHub;
  readonly owner: TestDevice;
  /** A second owner where the household wants two; null where one is enough. */
  readonly partner: TestDevice | null;
  readonly viewer: TestDevice;
  readonly removed: SigningKey;
  /** A key that no request names. */
  readonly stranger: ReaderKey;
  /** Decisions that the hub has accepted, newest last. */
  readonly accepted: readonly Envelope[];
}

type Made = Envelope | null;
type Hostile = (field: Battlefield, request: string, good: Good) => Promise<Made>;

interface Good {
  readonly terms: Terms;
  readonly release: Decision["release"];
}

export function signersOf({ owner, partner }: Battlefield): SigningKey[] {
  return [owner.key, ...(partner ? [partner.key] : [])];
}

const resigned = async (field: Battlefield, good: Good, terms: Partial<Terms>): Promise<Made> =>
  signDecision({ terms: { ...good.terms, ...terms }, release: good.release }, signersOf(field));

function editPayload(envelope: Envelope, edit: (text: string) => string): Envelope {
  const text = Buffer.from(envelope.payload, "base64").toString();
  return { ...envelope, payload: Buffer.from(edit(text)).toString("base64") };
}

/** Everything that somebody could send instead of what the owners decided. */
export const HOSTILE: Readonly<Record<string, Hostile>> = {
  "signed by a stranger": async (_field, _request, good) =>
    signDecision(good, [generateSigningKey()]),
  "signed by a viewer": async ({ viewer }, _request, good) => signDecision(good, [viewer.key]),
  "signed by a removed device": async ({ removed }, _request, good) =>
    signDecision(good, [removed]),
  "an owner's name over a stranger's signature": async ({ owner }, _request, good) => {
    const envelope = await signDecision(good, [generateSigningKey()]);
    const [signature] = envelope.signatures;
    return signature
      ? { ...envelope, signatures: [{ ...signature, keyid: owner.key.device }] }
      : null;
  },
  "one owner twice, or one where two must sign": async ({ owner, partner }, _request, good) =>
    signDecision(good, partner ? [owner.key] : [owner.key, owner.key]),
  "replayed from an accepted one": async ({ accepted }) => accepted.at(-1) ?? null,
  "an accepted one edited to name this request": async ({ accepted }, request) => {
    const last = accepted.at(-1);
    return last
      ? editPayload(last, (text) =>
          text.replace(/"request":"[0-9a-f]{32}"/, `"request":"${request}"`),
        )
      : null;
  },
  "another nonce": (field, _request, good) => resigned(field, good, { nonce: "0".repeat(64) }),
  expired: (field, _request, good) =>
    resigned(field, good, { notBeforeMs: 0, notAfterMs: field.hub.clock.nowMs - 1 }),
  "from the future": (field, _request, good) =>
    resigned(field, good, { notBeforeMs: field.hub.clock.nowMs + 3_600_000 }),
  "for another request": (field, _request, good) =>
    resigned(field, good, { request: "0".repeat(32) }),
  "for an edited request": (field, _request, good) =>
    resigned(field, good, { requestSha256: "0".repeat(64) }),
  "under another keyring": (field, _request, good) =>
    resigned(field, good, { keyringHead: "0".repeat(64) }),
  "for another household": (field, _request, good) =>
    resigned(field, good, { origin: "doorward/another" }),
  "over another ledger": (field, _request, good) =>
    resigned(field, good, { checkpoint: { size: 1, root: "0".repeat(64) } }),
  "for another recipient than the request's": async (field, request, good) => {
    const { recipient } = field.stranger;
    const [clip] = good.terms.clips;
    const terms = await draftApproval(field.hub, request, {
      clip: clip?.clip ?? "",
      recipient,
      by: field.owner,
    });
    const signed = await signTerms(field.hub, terms, field.owner);
    const content = JSON.parse(Buffer.from(signed.payload, "base64").toString()) as Decision;
    return signDecision(content, signersOf(field));
  },
  "with the recipient changed after signing": async (field, _request, good) => {
    const envelope = await signDecision(good, signersOf(field));
    const words = JSON.stringify(recipientWords(field.stranger.recipient));
    return editPayload(envelope, (text) =>
      text
        .replace(/"recipient":"[^"]+"/, `"recipient":"${field.stranger.recipient}"`)
        .replace(/"recipientWords":\[[^\]]+\]/, `"recipientWords":${words}`),
    );
  },
  "with headers of another recipient under the right name": async (field, _request, good) => {
    const recipient = parseRecipient(field.stranger.recipient);
    const fileKey = new Uint8Array(16);
    const header = releaseHeader(fileKey, recipient, new Uint8Array(32), "x");
    // The hub cannot see for whom a header is; a co-signer can. Two in one it must see.
    const double = toBase64(concatBytes(header, header));
    const release = good.release.map((each) => ({ ...each, header: double }));
    return signDecision({ terms: good.terms, release }, signersOf(field));
  },
  "with a second stanza": async (field, _request, good) => {
    const [file] = good.terms.clips[0]?.files ?? [];
    const [first, ...rest] = good.release;
    if (!file || !first) return null;
    const url = `/api/clips/${good.terms.clips[0]?.clip}/files/${sealedFileName(file)}`;
    const sealed = (await field.hub.call("GET", url, { as: field.owner })).rawPayload;
    const { originals = "" } = field.owner.bundle.readers;
    const fileKey = await openFileKey(new Uint8Array(sealed), [originals]);
    const stranger = parseRecipient(field.stranger.recipient);
    const other = Buffer.from(releaseHeader(fileKey, stranger, new Uint8Array(32), "x"));
    const stanza = /-> [^]*?\n(?=---)/.exec(other.toString("latin1"))?.[0] ?? "";
    const own = Buffer.from(fromBase64(first.header, "header")).toString("latin1");
    const both = Buffer.from(own.replace("\n---", `\n${stanza}---`), "latin1");
    const release = [{ ...first, header: toBase64(new Uint8Array(both)) }, ...rest];
    return signDecision({ terms: good.terms, release }, signersOf(field));
  },
  "with bytes after a header": async (field, _request, good) => {
    const [first, ...rest] = good.release;
    if (!first) return null;
    const bytes = concatBytes(fromBase64(first.header, "header"), new Uint8Array(32));
    const release = [{ ...first, header: toBase64(bytes) }, ...rest];
    return signDecision({ terms: good.terms, release }, signersOf(field));
  },
  "with two headers swapped": async (field, _request, good) => {
    const [first, second, ...rest] = good.release;
    if (!first || !second) return null;
    return signDecision({ terms: good.terms, release: [second, first, ...rest] }, signersOf(field));
  },
  "with a header more": async (field, _request, good) => {
    const release = [...good.release, ...good.release.slice(0, 1)];
    return signDecision({ terms: good.terms, release }, signersOf(field));
  },
  "with files of another clip": async (field, _request, good) => {
    const [clip] = good.terms.clips;
    const other = field.hub.clips.find((id) => id !== clip?.clip);
    if (!clip || other === undefined) return null;
    const release = good.release.map((each) => ({ ...each, clip: other }));
    const terms = { ...good.terms, clips: [{ ...clip, clip: other }] };
    return signDecision({ terms, release }, signersOf(field));
  },
  "with one file named twice": async (field, _request, good) => {
    const [clip] = good.terms.clips;
    if (!clip) return null;
    const terms = { ...good.terms, clips: [clip, clip] };
    return signDecision({ terms, release: [...good.release, ...good.release] }, signersOf(field));
  },
  "widened after signing": async (field, _request, good) => {
    const envelope = await signDecision(good, signersOf(field));
    return editPayload(envelope, (text) => text.replaceAll(`"segment":0`, `"segment":2`));
  },
  "with redactions that are not so": (field, _request, good) =>
    resigned(field, good, { redactions: { faces: "blurred", audio: "left_out" } }),
  "in JSON that is not canonical": async (field, _request, good) => {
    const envelope = await signDecision(good, signersOf(field));
    return editPayload(envelope, (text) => `${text} `);
  },
  "with nobody's signature": async (field, _request, good) => {
    const envelope = await signDecision(good, signersOf(field));
    return { ...envelope, signatures: [] };
  },
};
