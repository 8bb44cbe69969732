import { ed25519 } from "@noble/curves/ed25519.js";
import { describe, expect, test } from "vitest";
import { envelopeSigner, generateSigningKey, signWith } from "../../src/owner/identity.ts";
import { concatBytes, fromBase64, fromHex, toBase64, utf8Bytes } from "../../src/protocol/bytes.ts";
import { canonicalJson } from "../../src/protocol/canonical-json.ts";
import {
  deviceIdOf,
  openEnvelope,
  PAYLOAD_TYPES,
  signedBytes,
  signEnvelope,
  verifyEd25519,
  verifyEnvelopeSignature,
  type Envelope,
} from "../../src/protocol/envelope.ts";
import { MalformedInput } from "../../src/protocol/errors.ts";
import { createAuthenticator } from "../support/authenticator.ts";
import { signRaw } from "../support/test-household.ts";

const key = generateSigningKey();
const signer = envelopeSigner(key);
const { decision, login, keyring } = PAYLOAD_TYPES;

function holds(envelope: Envelope): boolean {
  const payload = fromBase64(envelope.payload, "payload");
  const [signature] = envelope.signatures;
  return (
    signature !== undefined && verifyEnvelopeSignature(envelope, payload, signature, key.publicKey)
  );
}

describe("what a device signs", () => {
  test("is DSSE's encoding of type and payload, as the specification's example writes it", () => {
    const encoded = signedBytes("http://example.com/HelloWorld", utf8Bytes("hello world"));
    expect(Buffer.from(encoded).toString()).toBe(
      "DSSEv1 29 http://example.com/HelloWorld 11 hello world",
    );
  });

  test("has the assertion as a third element that no payload can imitate", () => {
    const assertion = createAuthenticator("EdDSA").assert(new Uint8Array(32));
    const third = canonicalJson(assertion);
    const payload = utf8Bytes("{}");
    const withAssertion = signedBytes(decision, payload, assertion);
    const imitation = concatBytes(payload, utf8Bytes(` ${third.length} `), third);
    expect(withAssertion).not.toEqual(signedBytes(decision, imitation));
    expect(Buffer.from(withAssertion).toString()).toContain(` 2 {} ${third.length} {`);
  });

  test("covers the assertion: it cannot be added, taken away or exchanged afterwards", async () => {
    const authenticator = createAuthenticator("EdDSA");
    const assertion = authenticator.assert(new Uint8Array(32));
    const other = authenticator.assert(new Uint8Array(32).fill(1));
    const asserting = { ...signer, assert: async () => assertion };
    const made = await signEnvelope(decision, { a: 1 }, asserting, new Uint8Array(32));
    const [signature] = made.signatures;
    if (!signature) throw new Error("unsigned");
    expect(holds(made)).toBe(true);
    const { assertion: _taken, ...bare } = signature;
    expect(holds({ ...made, signatures: [bare] })).toBe(false);
    expect(holds({ ...made, signatures: [{ ...signature, assertion: other }] })).toBe(false);
    const plain = await signEnvelope(decision, { a: 1 }, signer);
    const added = { ...plain.signatures[0], assertion } as Envelope["signatures"][number];
    expect(holds({ ...plain, signatures: [added] })).toBe(false);
  });

  test("is bound to its type: a log-in is no decision", async () => {
    const made = await signEnvelope(login, { a: 1 }, signer);
    expect(holds(made)).toBe(true);
    for (const payloadType of [decision, keyring])
      expect(holds({ ...made, payloadType })).toBe(false);
    expect(() => openEnvelope(made, decision, "decision")).toThrow(MalformedInput);
  });
});

describe("an envelope is refused", () => {
  const open = (value: unknown): unknown => openEnvelope(value, decision, "decision").content;

  test("(control: as we write it, it is read)", async () => {
    expect(open(await signEnvelope(decision, { a: [1, "ü"] }, signer))).toEqual({ a: [1, "ü"] });
  });

  test.each([
    ["white space", `{"a": 1}`],
    ["unsorted members", `{"b":1,"a":1}`],
    ["duplicate keys", `{"a":1,"a":1}`],
    ["another spelling of a number", `{"a":1.0}`],
    ["an exponent", `{"a":1e1}`],
    ["minus zero", `{"a":-0}`],
    ["a number beyond 2^53", `{"a":9007199254740993}`],
    ["an escaped letter", `{"a":"\\u0062"}`],
    ["a lone surrogate", `{"a":"\\ud800"}`],
    ["__proto__", `{"__proto__":{"a":1}}`],
    ["nothing", ""],
    ["more after it", `{"a":1}{}`],
    ["a byte order mark", `\ufeff{"a":1}`],
  ])("when its payload has %s", async (_what, text) => {
    const made = await signRaw(decision, utf8Bytes(text), signer);
    expect(holds(made)).toBe(true);
    expect(() => open(made)).toThrow(MalformedInput);
  });

  test("when its payload is not well-formed UTF-8", async () => {
    const made = await signRaw(decision, Uint8Array.of(0x22, 0xff, 0x22), signer);
    expect(() => open(made)).toThrow(MalformedInput);
  });

  test("when its base64 has another spelling, it has no signature, seventeen, or more members", async () => {
    const made = await signEnvelope(decision, {}, signer);
    const [signature] = made.signatures;
    const wrong: unknown[] = [
      { ...made, payload: made.payload.replace("=", "") },
      { ...made, payload: `${made.payload} ` },
      { ...made, payload: "e31=" },
      { ...made, signatures: [] },
      { ...made, signatures: Array.from({ length: 17 }, () => signature) },
      { ...made, extra: 1 },
      { ...made, signatures: [{ ...signature, extra: 1 }] },
      { ...made, signatures: [{ ...signature, sig: "AAAA" }] },
      null,
      [],
      "{}",
    ];
    for (const value of wrong) expect(() => open(value)).toThrow(MalformedInput);
  });
});

describe("Ed25519 is strict", () => {
  const message = utf8Bytes("a message");

  test.each([
    ["the neutral point", `01${"00".repeat(31)}`],
    ["a point of order 2", `ec${"ff".repeat(30)}7f`],
    ["a point of order 4", "00".repeat(32)],
    ["a point of order 8", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"],
    ["the neutral point, written otherwise", `ee${"ff".repeat(30)}7f`],
  ])("a key that is %s verifies nothing", (_what, keyHex) => {
    const publicKey = fromHex(keyHex, "key");
    // R = identity, S = 0: fits every message under a key of low order where cofactors are forgiven.
    const universal = concatBytes(fromHex(`01${"00".repeat(31)}`, "r"), new Uint8Array(32));
    expect(verifyEd25519(universal, message, publicKey)).toBe(false);
  });

  test("a signature whose S is not reduced is refused, though it fits the equation", () => {
    const signature = signWith(key, message);
    expect(verifyEd25519(signature, message, key.publicKey)).toBe(true);
    let scalar = BigInt(`0x${Buffer.from(signature.slice(32)).reverse().toString("hex")}`);
    scalar += ed25519.Point.Fn.ORDER;
    const again = Buffer.from(scalar.toString(16).padStart(64, "0"), "hex").reverse();
    const malleable = concatBytes(signature.slice(0, 32), new Uint8Array(again));
    expect(verifyEd25519(malleable, message, key.publicKey)).toBe(false);
  });

  test("wrong lengths and points off the curve are simply not valid", () => {
    const signature = signWith(key, message);
    expect(verifyEd25519(signature.slice(1), message, key.publicKey)).toBe(false);
    expect(verifyEd25519(signature, message, key.publicKey.slice(1))).toBe(false);
    expect(verifyEd25519(signature, message, new Uint8Array(32).fill(2))).toBe(false);
  });
});

test("a device's id is the SHA-256 of its key, so that nobody else can take its name", () => {
  expect(deviceIdOf(key.publicKey)).toMatch(/^[0-9a-f]{64}$/);
  expect(deviceIdOf(key.publicKey)).not.toBe(deviceIdOf(generateSigningKey().publicKey));
  expect(toBase64(key.publicKey)).toHaveLength(44);
});
