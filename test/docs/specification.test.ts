import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { requireAgeHeader } from "../../src/protocol/age-header.ts";
import { VerifiedApproval, type DecisionContext } from "../../src/protocol/approval.ts";
import { fromBase64, sha256Hex, toHex, utf8Bytes } from "../../src/protocol/bytes.ts";
import { parseCanonicalJson } from "../../src/protocol/canonical-json.ts";
import { checkShape } from "../../src/protocol/check.ts";
import { verifyCheckpoint, verifyCosignature } from "../../src/protocol/checkpoint.ts";
import { cosignerKey } from "../../src/protocol/cosigner.ts";
import { bundleReadme } from "../../src/protocol/bundle.ts";
import { statementText } from "../../src/protocol/statement-text.ts";
import { DecisionSchema, filesOfTerms, type Decision } from "../../src/protocol/decision.ts";
import { PAYLOAD_TYPES, type Envelope, type PayloadType } from "../../src/protocol/envelope.ts";
import { parseCameraId, parseRequestId, parseSha256Hex } from "../../src/protocol/ids.ts";
import { verifyKeyring, type Keyring } from "../../src/protocol/keyring.ts";
import { LEDGER_ENTRY_SCHEMAS } from "../../src/protocol/ledger-entry.ts";
import { listedFile } from "../../src/protocol/listed-files.ts";
import { hashLeaf, verifyInclusion } from "../../src/protocol/merkle.ts";
import { requestSha256, RequestRecordSchema } from "../../src/protocol/request.ts";
import { RevocationSchema } from "../../src/protocol/revocation.ts";
import { secretOfFragment, shareKeys, shareTokenSha256 } from "../../src/protocol/share.ts";
import { statusTokenOf } from "../../src/protocol/status-token.ts";
import { recipientWords } from "../../src/protocol/words.ts";
import { combineSheets } from "../../src/owner/sheet-split.ts";
import { toBase64 } from "../../src/protocol/bytes.ts";
import { projectRoot } from "../support/requirements.ts";

/**
 * The examples of src/protocol/README.md that it calls exact, held to the code: whoever writes a
 * verifier from the text may use them as test vectors.
 */
const specification = readFileSync(path.join(projectRoot, "src/protocol/README.md"), "utf8");

/** The fenced block of this name, without its final newline. */
function example(name: string): string {
  const block = new RegExp(`^\`\`\`\\w+ ${name}\\n([^]*?)\\n\`\`\`$`, "m").exec(specification)?.[1];
  if (block === undefined) throw new Error(`the specification has no example "${name}"`);
  return block;
}

test.each(["en", "fr"] as const)("the words of a monthly statement in %s", (language) => {
  expect(example(`statement-${language}`)).toBe(statementText({ language, month: "2026-11" }));
});

test("the README of a bundle, with everything that may stand in it", () => {
  const { terms, release } = checkShape(
    DecisionSchema,
    JSON.parse(example("decision-payload")),
    "x",
  );
  const [clip] = terms.clips;
  const [file] = clip?.files ?? [];
  if (!clip || !file) throw new Error("the example has no file");
  const blurred = { ...file, rendition: "blurred" as const, derivedFrom: "0".repeat(64) };
  const files = [blurred, { ...blurred, pixelated: "whole" as const }];
  const viewerSha256 = "1".repeat(64);
  const values = [
    ...[terms.request, terms.origin, terms.recipientWords.join(" "), terms.redactions.faces],
    ...[
      "1",
      "left out",
      "a b",
      clip.camera,
      "2026-11-21T21:09:16.788Z",
      "2026-11-21T21:09:20.788Z",
    ],
    ...["2", viewerSha256, "1"],
  ];
  const expected = example("readme")
    .replaceAll(/^\[\d\]/gm, "")
    .replaceAll(/<[^>\n]+>/g, () => values.shift() ?? "");
  const made = bundleReadme({
    terms: { ...terms, purpose: "a\r\n\u2028b", clips: [{ ...clip, files }], viewerSha256 },
    release,
  });
  expect(made).toBe(`${expected}\n`);
  expect(values).toEqual([]);
});

/** Lines of `name value`. */
function fields(name: string): Record<string, string> {
  return Object.fromEntries(
    example(name)
      .split("\n")
      .map((line) => line.split(/\s+/, 2)),
  ) as Record<string, string>;
}

function envelopeOf(payloadType: PayloadType, payload: string, signature: string): Envelope {
  const { keyid = "", sig = "" } = fields(signature);
  return { payloadType, payload: toBase64(utf8Bytes(payload)), signatures: [{ keyid, sig }] };
}

/** The words of a block, each with its number: a sheet as somebody types it. */
function numbered(name: string): string {
  const words = example(name).split(/\s+/);
  return words.map((word, index) => `${index + 1} ${word}`).join("\n");
}

test("three parts of a sheet, of which any two give it back", () => {
  const sheet = example("sheet").split(/\s+/);
  const parts = [1, 2, 3].map((number) => numbered(`sheet-part-${number}`));
  const [one = "", two = "", three = ""] = parts;
  for (const pair of [
    [one, two],
    [two, three],
    [three, one],
  ]) {
    const text = combineSheets(pair);
    expect(text).toContain("kind: x25519");
    expect([...text.matchAll(/\d+ ([a-z]+)/g)].map(([, word]) => word)).toEqual(sheet);
  }
});

const keyringEnvelope = envelopeOf(
  PAYLOAD_TYPES.keyring,
  example("keyring-payload"),
  "keyring-signature",
);
const decisionPayload = example("decision-payload");

function exampleKeyring(): Keyring {
  return verifyKeyring([keyringEnvelope]);
}

function exampleDecision(): Decision {
  const value = parseCanonicalJson(utf8Bytes(decisionPayload), "decision");
  return checkShape(DecisionSchema, value, "decision");
}

function exampleContext(): DecisionContext {
  const { terms } = exampleDecision();
  const [named] = filesOfTerms(terms);
  return {
    keyring: exampleKeyring(),
    request: {
      id: parseRequestId(terms.request),
      sha256: parseSha256Hex(example("request-sha256")),
      recipient: terms.recipient,
      expiresAtMs: terms.notAfterMs,
    },
    nonce: terms.nonce,
    nowMs: terms.notBeforeMs,
    findFile: () =>
      named
        ? {
            camera: parseCameraId(named.clip.camera),
            file: listedFile(named.file),
          }
        : null,
    knowsCheckpoint: () => true,
  };
}

describe("in the specification there verifies", () => {
  test("a keyring of one statement, and the ledger's name follows from its key", () => {
    const keyring = exampleKeyring();
    expect(keyring.epoch).toBe(0);
    expect(keyring.origin).toBe(`doorward/${sha256Hex(keyring.ledgerKey).slice(0, 32)}`);
    expect([...keyring.devices.keys()]).toEqual([fields("keyring-signature")["keyid"]]);
  });

  test("a request record with its hash, and a form's token with its address", () => {
    const record = parseCanonicalJson(utf8Bytes(example("request-record")), "request");
    const request = checkShape(RequestRecordSchema, record, "request");
    expect(requestSha256(request)).toBe(example("request-sha256"));
    const { token = "", status } = fields("status-token");
    expect(statusTokenOf(token)).toBe(status);
  });

  test("the token that follows from a link's secret", () => {
    const { secret, token, sha256 } = fields("share-secret");
    const bytes = secretOfFragment(`#${secret ?? ""}`);
    if (bytes === null) throw new Error("no secret");
    expect(shareKeys(bytes).token).toBe(token);
    expect(shareTokenSha256(token ?? "")).toBe(sha256);
  });

  test("a decision that an owner signed, under the keyring and request of the examples", () => {
    const { sha256 } = fields("decision-signature");
    const envelope = envelopeOf(PAYLOAD_TYPES.decision, decisionPayload, "decision-signature");
    const approval = VerifiedApproval.verify(envelope, exampleContext());
    expect(approval.decisionSha256).toBe(sha256);
    expect(approval.files).toHaveLength(1);
  });

  test("a revocation, of that very decision", () => {
    const text = example("revocation-payload");
    const value = parseCanonicalJson(utf8Bytes(text), "revocation");
    const revocation = checkShape(RevocationSchema, value, "revocation");
    const { terms } = exampleDecision();
    expect(revocation).toMatchObject({
      decisionSha256: fields("decision-signature")["sha256"],
      ...{ request: terms.request, origin: terms.origin },
      ...{ keyringEpoch: terms.keyringEpoch, keyringHead: terms.keyringHead },
    });
  });

  test("no decision with one character of the example changed", () => {
    const changed = decisionPayload.replace("parcel", "parcal");
    expect(changed).not.toBe(decisionPayload);
    const envelope = envelopeOf(PAYLOAD_TYPES.decision, changed, "decision-signature");
    expect(() => VerifiedApproval.verify(envelope, exampleContext())).toThrow("does not verify");
  });

  test("a release header of one stanza, as the decision carries it", () => {
    const header = `${example("release-header")}\n`;
    const [released] = exampleDecision().release;
    expect(released?.header).toBe(toBase64(utf8Bytes(header)));
    expect(requireAgeHeader(utf8Bytes(header)).stanzas.map(({ args }) => args[0])).toEqual([
      "X25519",
    ]);
  });

  test("a checkpoint with its device's cosignature, and an entry's place under it", () => {
    const { origin, ledgerKey, devices } = exampleKeyring();
    const note = `${example("checkpoint")}\n`;
    const checkpoint = verifyCheckpoint(note, { origin, publicKey: ledgerKey });
    const [device] = devices.values();
    const key = cosignerKey(origin, fromBase64(device?.record.signingKey ?? "", "signingKey"));
    const cosignature = checkpoint.note.signatures.find(({ name }) => name === key.name);
    if (!cosignature) throw new Error("the example has no cosignature of the device");
    expect(verifyCosignature(checkpoint.note.text, cosignature, key)).not.toBeNull();

    const entry = utf8Bytes(example("ledger-entry"));
    checkShape(LEDGER_ENTRY_SCHEMAS.release, parseCanonicalJson(entry, "entry"), "entry");
    const claim = {
      leafIndex: 9,
      leafHash: hashLeaf(entry),
      treeSize: checkpoint.size,
      proof: example("inclusion-proof")
        .split("\n")
        .map((hash) => fromBase64(hash, "proof")),
      root: checkpoint.root,
    };
    expect(verifyInclusion(claim), toHex(checkpoint.root)).toBe(true);
    expect(verifyInclusion({ ...claim, leafIndex: 8 })).toBe(false);
  });

  test("a recipient's eight words", () => {
    const [recipient = "", words] = example("words").split("\n");
    expect(recipientWords(recipient).join(" ")).toBe(words);
  });
});

test("the specification lists every kind of ledger entry, with its members", () => {
  const section = /^## 9\. Ledger$[^]*?^## 10\./m.exec(specification)?.[0] ?? "";
  for (const [kind, schema] of Object.entries(LEDGER_ENTRY_SCHEMAS)) {
    const row = new RegExp(`^\\| \`${kind}\` \\| (.*) \\|$`, "m").exec(section)?.[1];
    expect(row, `${kind} is not listed`).toBeDefined();
    const versions = "anyOf" in schema ? schema.anyOf : [schema];
    for (const member of versions.flatMap(({ properties }) => Object.keys(properties)))
      if (!["v", "kind", "atMs"].includes(member)) expect(row, kind).toContain(`\`${member}\``);
  }
});
