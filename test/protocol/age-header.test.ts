import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  encodeAgeHeader,
  encodeRecipientStanzas,
  parseAgeHeader,
  parseRecipient,
  requireAgeHeader,
  type AgeStanza,
} from "../../src/protocol/age-header.ts";
import { utf8Bytes } from "../../src/protocol/bytes.ts";
import { MalformedInput } from "../../src/protocol/errors.ts";
import { ageVectors, makeReader } from "../clips/age-oracle.ts";

/** Header failures that a reader of recipient stanzas sees, not a reader of headers. */
const STANZA_CONTENT = /^(hybrid|scrypt|x25519|stream)_/;

function refusal(read: () => unknown): MalformedInput {
  try {
    read();
  } catch (error) {
    if (error instanceof MalformedInput) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

const argument = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
  minLength: 1,
  maxLength: 60,
});
const stanza: fc.Arbitrary<AgeStanza> = fc.record({
  args: fc.array(argument, { minLength: 1, maxLength: 4 }),
  body: fc.uint8Array({ maxLength: 200 }),
});
const header = fc
  .tuple(
    fc.array(stanza, { minLength: 1, maxLength: 20 }),
    fc.uint8Array({ minLength: 32, maxLength: 32 }),
  )
  .map(([stanzas, mac]) => encodeAgeHeader(encodeRecipientStanzas(stanzas), mac));

describe("published vectors", () => {
  const vectors = ageVectors();
  test("there are enough of them to mean something", () => {
    expect(vectors.length).toBeGreaterThan(80);
  });
  test.each(vectors.map((vector) => [vector.name, vector] as const))("%s", (name, vector) => {
    const expected = vector.fields.get("expect");
    if (expected === "header failure" && !STANZA_CONTENT.test(name)) {
      expect(refusal(() => requireAgeHeader(vector.file)).field).toBe("age header");
      return;
    }
    if (name.startsWith("scrypt_not_canonical_body") || /not_canonical_body/.test(name)) {
      expect(() => requireAgeHeader(vector.file)).toThrow(MalformedInput);
      return;
    }
    const parsed = requireAgeHeader(vector.file);
    expect(encodeRecipientStanzas(parsed.stanzas)).toEqual(parsed.macInput);
    expect(encodeAgeHeader(parsed.macInput, parsed.mac)).toEqual(parsed.headerBytes);
    expect(parsed.payloadOffset).toBe(parsed.headerBytes.length);
  });
});

test("what was written reads back, and nothing else does", () => {
  fc.assert(
    fc.property(header, fc.uint8Array({ maxLength: 40 }), (bytes, payload) => {
      const parsed = requireAgeHeader(Buffer.concat([bytes, payload]));
      expect(parsed.headerBytes).toEqual(bytes);
      expect(encodeRecipientStanzas(parsed.stanzas)).toEqual(parsed.macInput);
    }),
    { numRuns: 200 },
  );
});

test("every proper beginning of a header asks for more bytes and is refused as a whole file", () => {
  fc.assert(
    fc.property(header, fc.nat(), (bytes, cut) => {
      const beginning = bytes.subarray(0, cut % bytes.length);
      expect(parseAgeHeader(beginning)).toBeNull();
      expect(() => requireAgeHeader(beginning)).toThrow(MalformedInput);
    }),
    { numRuns: 300 },
  );
});

test("a changed byte is refused or read as something that encodes to just that", () => {
  fc.assert(
    fc.property(header, fc.nat(), fc.integer({ min: 1, max: 255 }), (bytes, at, mask) => {
      const damaged = Uint8Array.from(bytes);
      const index = at % bytes.length;
      damaged[index] = (damaged[index] ?? 0) ^ mask;
      try {
        const parsed = parseAgeHeader(damaged);
        if (parsed === null) return;
        const again = encodeAgeHeader(encodeRecipientStanzas(parsed.stanzas), parsed.mac);
        expect(again).toEqual(damaged.slice(0, parsed.payloadOffset));
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedInput);
      }
    }),
    { numRuns: 500 },
  );
});

test("random bytes never make the parser fail in another way", () => {
  const start = utf8Bytes("age-encryption.org/v1\n");
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, withStart) => {
      try {
        parseAgeHeader(withStart ? Buffer.concat([start, bytes]) : bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedInput);
      }
    }),
    { numRuns: 500 },
  );
});

describe("limits", () => {
  const one: AgeStanza = { args: ["X"], body: new Uint8Array(32) };

  test("more than 20 stanzas are refused", () => {
    const bytes = encodeRecipientStanzas(Array.from({ length: 20 }, () => one));
    const text = Buffer.from(bytes).toString();
    const tooMany = text.replace("-> X\n", "-> X\n\n-> X\n");
    expect(requireAgeHeader(encodeAgeHeader(bytes, new Uint8Array(32))).stanzas.length).toBe(20);
    expect(() => parseAgeHeader(utf8Bytes(tooMany))).toThrow("more than 20 stanzas");
    expect(() => encodeRecipientStanzas([])).toThrow(MalformedInput);
  });

  test("a header of over 64 KiB is refused before its end has been seen", () => {
    const endless = `age-encryption.org/v1\n-> X\n${`${"A".repeat(64)}\n`.repeat(1_100)}`;
    expect(() => parseAgeHeader(utf8Bytes(endless))).toThrow("longer than 65536 bytes");
    expect(() => parseAgeHeader(utf8Bytes(`age-encryption.org/v1\n${"A".repeat(70_000)}`))).toThrow(
      "longer than 65536 bytes",
    );
  });

  test("a header without a stanza is refused", () => {
    const bytes = utf8Bytes(`age-encryption.org/v1\n--- ${"A".repeat(43)}\n`);
    expect(() => parseAgeHeader(bytes)).toThrow("no stanza");
  });

  test("an argument with a space or a line feed cannot be written", () => {
    for (const args of [[], ["a b"], ["a", ""], ["a\nb"], ["é"]])
      expect(() => encodeRecipientStanzas([{ args, body: new Uint8Array(0) }])).toThrow(
        MalformedInput,
      );
  });
});

describe("recipients", () => {
  test("both kinds are read, and a changed character is refused", async () => {
    for (const kind of ["x25519", "pq"] as const) {
      const { recipient } = await makeReader(kind);
      expect(recipient.kind).toBe(kind);
      expect(recipient.key.length).toBe(kind === "pq" ? 1_216 : 32);
      expect(parseRecipient(recipient.text)).toEqual(recipient);
      const other = recipient.text.endsWith("q") ? "p" : "q";
      const changed = recipient.text.slice(0, -1) + other;
      expect(refusal(() => parseRecipient(changed)).field).toBe("recipient");
      expect(() => parseRecipient(recipient.text.toUpperCase())).toThrow(MalformedInput);
      expect(() => parseRecipient(` ${recipient.text}`)).toThrow(MalformedInput);
      expect(() => parseRecipient(`${recipient.text}\n`)).toThrow(MalformedInput);
    }
  });

  test("secret keys, other recipient types and overlong text are refused", async () => {
    const { identity } = await makeReader("x25519");
    for (const text of [identity, "", "age1", "age1pq1", "age1tag1qqqq", "ssh-ed25519 AAAA"])
      expect(() => parseRecipient(text)).toThrow(MalformedInput);
    expect(() => parseRecipient(`age1${"q".repeat(2_045)}`)).toThrow("over 2048 characters");
  });

  test("an ML-KEM key with a coefficient that is not reduced is refused", async () => {
    const { bech32 } = await import("@scure/base");
    const { recipient } = await makeReader("pq");
    const key = Uint8Array.from(recipient.key);
    key[0] = 0xff;
    key[1] = (key[1] ?? 0) | 0x0f;
    const text = bech32.encode("age1pq", bech32.toWords(key), false);
    expect(() => parseRecipient(text)).toThrow("not an ML-KEM-768 key");
  });
});
