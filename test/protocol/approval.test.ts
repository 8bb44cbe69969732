import { beforeAll, describe, expect, test } from "vitest";
import { generateReader, generateSigningKey, envelopeSigner } from "../../src/owner/identity.ts";
import { rotateReaders } from "../../src/owner/rotate.ts";
import { openSealedFile } from "../../src/owner/open-clip.ts";
import { releaseHeader, openFileKey } from "../../src/owner/release.ts";
import { parseRecipient, requireAgeHeader } from "../../src/protocol/age-header.ts";
import { VerifiedApproval, type VerifiedRefusal } from "../../src/protocol/approval.ts";
import { BUNDLE_MAX_BYTES } from "../../src/protocol/bundle.ts";
import { concatBytes, fromBase64, toBase64, utf8Bytes } from "../../src/protocol/bytes.ts";
import { fileName, type Decision, type Terms } from "../../src/protocol/decision.ts";
import { PAYLOAD_TYPES } from "../../src/protocol/envelope.ts";
import { recipientWords } from "../../src/protocol/words.ts";
import {
  approvalCase,
  approvalOutcome,
  refusalOutcome,
  signDecision,
  type ApprovalCase,
} from "../support/test-approval.ts";
import { newDevice, signRaw } from "../support/test-household.ts";

let one: ApprovalCase;
beforeAll(async () => {
  one = await approvalCase();
});

/** Signs the good decision with changes and says what becomes of it. */
async function outcomeWith(
  changes: { terms?: Partial<Terms>; release?: Decision["release"] },
  context: Partial<ApprovalCase["context"]> = {},
): Promise<string> {
  const terms = { ...one.terms, ...changes.terms };
  const release = changes.release ?? one.release;
  const envelope = await signDecision({ terms, release }, [one.chain.founder]);
  return approvalOutcome(envelope, { ...one.context, ...context });
}

describe("an approval that holds", () => {
  test("is accepted, and gives headers that open exactly these files for the recipient", async () => {
    const decision = { terms: one.terms, release: one.release };
    const envelope = await signDecision(decision, [one.chain.founder]);
    const approval = VerifiedApproval.verify(envelope, one.context);
    expect(approval.files).toHaveLength(6);
    expect(approval.signers).toEqual([one.chain.founder.device]);
    for (const { clip, file, header } of approval.files) {
      const sealed = one.sealed.get(fileName(clip, file)) ?? new Uint8Array();
      const payload = sealed.subarray(requireAgeHeader(sealed).payloadOffset);
      const opened = await openSealedFile(
        concatBytes(header, payload),
        [one.recipientIdentity],
        file.payloadSha256,
      );
      expect(Buffer.from(opened).toString()).toContain(`${file.track} of segment ${file.segment}`);
    }
  });

  test.each([
    ["x25519", "pq"],
    ["pq", "x25519"],
    ["pq", "pq"],
  ] as const)(
    "holds for readers of kind %s and a recipient of kind %s",
    async (kind, recipientKind) => {
      const mixed = await approvalCase({ kind, recipientKind });
      const decision = { terms: mixed.terms, release: mixed.release };
      const envelope = await signDecision(decision, [mixed.chain.founder]);
      expect(approvalOutcome(envelope, mixed.context)).toBe("accepted");
    },
  );

  test("lets the owner choose the recipient only where the request names none", async () => {
    const free = await approvalCase({ requestNamesRecipient: false });
    const chosen = (await generateReader("x25519")).recipient;
    const terms = free.draft({ recipient: chosen });
    const envelope = await signDecision({ terms, release: await free.headers(terms) }, [
      free.chain.founder,
    ]);
    expect(approvalOutcome(envelope, free.context)).toBe("accepted");
    expect(terms.recipient).toBe(chosen);
  });
});

/** The same recordings, the first file of them larger. */
function oversized(clips: Terms["clips"], sizeBytes: number): Terms["clips"] {
  return clips.map((clip) => ({
    ...clip,
    files: clip.files.map((file, index) => (index === 0 ? { ...file, sizeBytes } : file)),
  }));
}

describe("an approval is refused", () => {
  const wrongTerms: [string, () => Partial<Terms>, string][] = [
    ["it was made for another household", () => ({ origin: "doorward/else" }), "WRONG_ORIGIN"],
    ["it names another request", () => ({ request: "0".repeat(32) }), "WRONG_REQUEST"],
    ["the request was edited since", () => ({ requestSha256: "0".repeat(64) }), "WRONG_REQUEST"],
    [
      "it was signed under another keyring",
      () => ({ keyringHead: "0".repeat(64) }),
      "WRONG_KEYRING",
    ],
    ["it claims another epoch", () => ({ keyringEpoch: 1 }), "WRONG_KEYRING"],
    [
      "the signer has seen another ledger",
      () => ({ checkpoint: { size: 7, root: "0".repeat(64) } }),
      "UNKNOWN_CHECKPOINT",
    ],
    ["its nonce was never issued", () => ({ nonce: "0".repeat(64) }), "BAD_NONCE"],
    ["it is dated in the future", () => ({ notBeforeMs: one.context.nowMs + 120_001 }), "NOT_YET"],
    ["its time is over", () => ({ notAfterMs: one.context.nowMs - 1 }), "EXPIRED"],
    [
      "it is to outlive the request",
      () => ({ notAfterMs: one.context.request.expiresAtMs + 1 }),
      "EXPIRED",
    ],
    ["it names no recipient", () => ({ recipient: null, recipientWords: [] }), "WRONG_RECIPIENT"],
    [
      "its words are not those of its recipient",
      () => ({ recipientWords: one.terms.recipientWords.toReversed() }),
      "WRONG_RECIPIENT",
    ],
    ["it shows fewer words", () => ({ recipientWords: [] }), "WRONG_RECIPIENT"],
    [
      "it says that faces are blurred, and they are not",
      () => ({ redactions: { ...one.terms.redactions, faces: "blurred" as const } }),
      "WRONG_REDACTIONS",
    ],
    [
      "it says that sound was left out, and it was not",
      () => ({ redactions: { ...one.terms.redactions, audio: "left_out" as const } }),
      "WRONG_REDACTIONS",
    ],
    ["it names no file", () => ({ clips: [] }), "MALFORMED"],
    [
      "its files are too large to be fetched",
      () => ({ clips: oversized(one.terms.clips, BUNDLE_MAX_BYTES) }),
      "TOO_LARGE",
    ],
  ];
  test.each(wrongTerms)("when %s", async (_what, terms, code) => {
    expect(await outcomeWith({ terms: terms() })).toBe(`DECISION_${code}`);
  });

  test("when its nonce was spent", async () => {
    expect(await outcomeWith({}, { nonce: null })).toBe("DECISION_BAD_NONCE");
  });

  test("when clocks differ by more than two minutes, and not when by less", async () => {
    const notBeforeMs = one.context.nowMs + 119_000;
    const release = await one.headers({ ...one.terms, notBeforeMs });
    expect(await outcomeWith({ terms: { notBeforeMs }, release })).toBe("accepted");
  });

  test("when its recipient is not the request's, though words and headers fit", async () => {
    const { recipient } = await generateReader("x25519");
    const terms = one.draft({ recipient });
    expect(terms.recipientWords).toEqual(recipientWords(recipient));
    const release = await one.headers(terms);
    expect(await outcomeWith({ terms, release })).toBe("DECISION_WRONG_RECIPIENT");
  });

  test("when its recipient is no age key", async () => {
    const free = await approvalCase({ requestNamesRecipient: false });
    const recipient = "age1someone";
    const terms = { ...free.terms, recipient, recipientWords: recipientWords(recipient) };
    const envelope = await signDecision({ terms, release: free.release }, [free.chain.founder]);
    expect(approvalOutcome(envelope, free.context)).toBe("DECISION_WRONG_RECIPIENT");
  });
});

describe("an approval is refused when a file in it", () => {
  const clip = (): Terms["clips"][number] => {
    const [first] = one.terms.clips;
    if (!first) throw new Error("no clip");
    return first;
  };
  const withFile = (change: Partial<Terms["clips"][number]["files"][number]>): Partial<Terms> => ({
    clips: [
      {
        ...clip(),
        files: clip().files.map((file, index) => (index === 1 ? { ...file, ...change } : file)),
      },
    ],
  });

  test.each([
    ["has another hash", { payloadSha256: "0".repeat(64) }, "WRONG_FILE"],
    ["has another size", { sizeBytes: 1 }, "WRONG_FILE"],
    ["begins at another time", { fromMs: 0 }, "WRONG_FILE"],
    ["ends at another time", { toMs: 1e13 }, "WRONG_FILE"],
    ["is of a segment that is not there", { segment: 77 }, "UNKNOWN_FILE"],
    ["is of a rendition that is not there", { rendition: "blurred" as const }, "UNKNOWN_FILE"],
  ])("%s", async (_what, change, code) => {
    expect(await outcomeWith({ terms: withFile(change) })).toBe(`DECISION_${code}`);
  });

  test("is of another clip or another camera", async () => {
    const other = { clips: [{ ...clip(), clip: "0".repeat(32) }] };
    expect(await outcomeWith({ terms: other })).toBe("DECISION_UNKNOWN_FILE");
    const moved = { clips: [{ ...clip(), camera: "garden" }] };
    expect(await outcomeWith({ terms: moved })).toBe("DECISION_WRONG_FILE");
  });

  test("is named twice", async () => {
    const [first, ...rest] = clip().files;
    if (!first) throw new Error("no file");
    const terms = { clips: [{ ...clip(), files: [first, first, ...rest] }] };
    const [header, ...headers] = one.release;
    if (!header) throw new Error("no header");
    const release = [header, header, ...headers];
    expect(await outcomeWith({ terms, release })).toBe("DECISION_MALFORMED");
    const twoClips = { clips: [clip(), clip()] };
    const doubled = [...one.release, ...one.release];
    expect(await outcomeWith({ terms: twoClips, release: doubled })).toBe("DECISION_MALFORMED");
  });

  test("makes the range longer or shorter than what an owner reads", async () => {
    const { fromMs, toMs } = clip();
    for (const range of [{ fromMs: fromMs + 1 }, { toMs: toMs - 1 }, { toMs: toMs + 1 }])
      expect(await outcomeWith({ terms: { clips: [{ ...clip(), ...range }] } })).toBe(
        "DECISION_WRONG_FILE",
      );
  });
});

describe("an approval is refused when a header", () => {
  const changed = (index: number, header: Uint8Array): Decision["release"] =>
    one.release.map((each, at) => (at === index ? { ...each, header: toBase64(header) } : each));
  const bytesOf = (index: number): Uint8Array =>
    fromBase64(one.release[index]?.header ?? "", "header");
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

  test("has two stanzas, the second for whoever else holds the key", async () => {
    const sealed = [...one.sealed.values()][0] ?? new Uint8Array();
    const fileKey = await openFileKey(sealed, [one.chain.originalsIdentity]);
    const stranger = parseRecipient((await generateReader("x25519")).recipient);
    const second = text(releaseHeader(fileKey, stranger, new Uint8Array(32), "x"));
    const extra = /-> [^]*?\n(?=---)/.exec(second)?.[0] ?? "";
    const both = text(bytesOf(0)).replace("\n---", `\n${extra}---`);
    expect(requireAgeHeader(Buffer.from(both, "latin1")).stanzas).toHaveLength(2);
    const release = changed(0, Buffer.from(both, "latin1"));
    expect(await outcomeWith({ release })).toBe("DECISION_BAD_HEADER");
  });

  test("is followed by more bytes, even by one or by a whole file", async () => {
    const tails = [utf8Bytes("\n"), Uint8Array.of(0), bytesOf(1), new Uint8Array(100)];
    for (const tail of tails) {
      const release = changed(0, concatBytes(bytesOf(0), tail));
      expect(await outcomeWith({ release })).toBe("DECISION_BAD_HEADER");
    }
  });

  test("is cut short, empty, or no age header", async () => {
    for (const bytes of [bytesOf(0).slice(0, -1), bytesOf(0).slice(0, 40), new Uint8Array()])
      expect(await outcomeWith({ release: changed(0, bytes) })).toBe("DECISION_BAD_HEADER");
    const foreign = Buffer.from(text(bytesOf(0)).replace("/v1", "/v2"), "latin1");
    expect(await outcomeWith({ release: changed(0, foreign) })).toBe("DECISION_MALFORMED");
  });

  test("is of another kind than its recipient", async () => {
    const { recipient } = await generateReader("pq");
    const header = releaseHeader(
      new Uint8Array(16),
      parseRecipient(recipient),
      new Uint8Array(32),
      "x",
    );
    expect(await outcomeWith({ release: changed(0, header) })).toBe("DECISION_BAD_HEADER");
  });

  test("stands at another file's place, is missing, or is one too many", async () => {
    const [first, second, ...rest] = one.release;
    if (!first || !second) throw new Error("no headers");
    for (const release of [
      [second, first, ...rest],
      [first, ...rest],
      [...one.release, first],
      [first, first, ...rest],
      [],
    ])
      expect(await outcomeWith({ release })).toBe("DECISION_BAD_HEADER");
  });
});

describe("a refusal", () => {
  test("needs one owner and is taken as such, never as an approval", async () => {
    const decision = { terms: one.refusal(), release: [] };
    const envelope = await signDecision(decision, [one.chain.founder]);
    expect(refusalOutcome(envelope, one.context)).toBe("accepted");
    expect(approvalOutcome(envelope, one.context)).toBe("DECISION_WRONG_OUTCOME");
  });

  test("is refused with files, headers or a recipient in it", async () => {
    const terms = one.refusal();
    const stuffed: Decision[] = [
      { terms: { ...terms, clips: one.terms.clips }, release: [] },
      { terms, release: one.release },
      { terms: { ...terms, recipient: one.terms.recipient }, release: [] },
    ];
    for (const decision of stuffed) {
      const envelope = await signDecision(decision, [one.chain.founder]);
      expect(refusalOutcome(envelope, one.context)).toBe("DECISION_MALFORMED");
    }
  });

  test("is not what an approval can be passed off as", async () => {
    const decision = { terms: one.terms, release: one.release };
    const envelope = await signDecision(decision, [one.chain.founder]);
    expect(refusalOutcome(envelope, one.context)).toBe("DECISION_WRONG_OUTCOME");
  });
});

describe("an envelope is refused", () => {
  test("when it is not canonical JSON, though the signature holds", async () => {
    const loose = utf8Bytes(JSON.stringify({ terms: one.terms, release: one.release }, null, 1));
    const signer = envelopeSigner(one.chain.founder);
    const envelope = await signRaw(PAYLOAD_TYPES.decision, loose, signer);
    expect(approvalOutcome(envelope, one.context)).toBe("DECISION_MALFORMED");
  });

  test("when it is of another type", async () => {
    const decision = { terms: one.terms, release: one.release };
    const good = await signDecision(decision, [one.chain.founder]);
    const payload = fromBase64(good.payload, "payload");
    const login = await signRaw(PAYLOAD_TYPES.login, payload, envelopeSigner(one.chain.founder));
    for (const envelope of [login, { ...login, payloadType: PAYLOAD_TYPES.decision }])
      expect(approvalOutcome(envelope, one.context)).toMatch(/MALFORMED|BAD_SIGNATURE/);
  });

  test("when it is no envelope at all", () => {
    for (const value of [null, undefined, 1, "", [], {}, { payload: "" }])
      expect(approvalOutcome(value, one.context)).toBe("DECISION_MALFORMED");
  });

  test("when its terms have a member more or less", async () => {
    const { purpose: _purpose, ...less } = one.terms;
    for (const terms of [{ ...one.terms, override: true }, less]) {
      const decision = { terms: terms as Terms, release: one.release };
      const envelope = await signDecision(decision, [one.chain.founder]);
      expect(approvalOutcome(envelope, one.context)).toBe("DECISION_MALFORMED");
    }
  });
});

test("a removed device, a stranger and a member who is no owner sign nothing", async () => {
  const { chain } = await approvalCase();
  const [second, adult] = [newDevice("owner"), newDevice("adult")];
  await chain.add(second.change);
  await chain.add(adult.change);
  const { readers, held } = await rotateReaders(chain.keyring(), []);
  await chain.add({ kind: "remove", device: second.key.device, readers });
  const later = await approvalCase({ chain: { ...chain, originalsIdentity: held.originals } });
  const decision = { terms: later.terms, release: later.release };
  for (const signer of [second.key, adult.key, generateSigningKey()])
    expect(approvalOutcome(await signDecision(decision, [signer]), later.context)).toBe(
      "DECISION_UNKNOWN_KEY",
    );
});

test("nothing but verify() makes an approval or a refusal", () => {
  const lookAlike = { terms: {}, release: [], envelope: {}, files: [], signers: [] };
  const takes = (approval: VerifiedApproval): unknown => approval;
  // @ts-expect-error A look-alike has no #verified and does not compile; `tsc -p .` checks this line.
  takes(lookAlike);
  // @ts-expect-error A refusal is no approval.
  const mistaken = (refusal: VerifiedRefusal): unknown => takes(refusal);
  // @ts-expect-error The constructor is private.
  const built = (): unknown => new VerifiedApproval({});
  expect([typeof mistaken, typeof built]).toEqual(["function", "function"]);
  expect(lookAlike instanceof VerifiedApproval).toBe(false);
});
