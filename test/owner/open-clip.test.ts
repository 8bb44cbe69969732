import { Encrypter } from "age-encryption";
import { afterEach, describe, expect, test, vi } from "vitest";
import { digestHex } from "../../src/owner/digest.ts";
import { generateReader } from "../../src/owner/identity.ts";
import { openSealedFile } from "../../src/owner/open-clip.ts";
import { requireAgeHeader } from "../../src/protocol/age-header.ts";
import { concatBytes, sha256Hex, utf8Bytes } from "../../src/protocol/bytes.ts";
import { HubError, MalformedInput } from "../../src/protocol/errors.ts";
import { ageVectors } from "../clips/age-oracle.ts";

const CHUNK_BYTES = 64 * 1024;
const TAG_BYTES = 16;

/** By what the vectors expect; a header may be no header, or one that no key of ours opens. */
const CODES: Readonly<Record<string, readonly string[]>> = {
  "payload failure": ["FILE_ALTERED"],
  "header failure": ["MALFORMED", "NO_READER"],
  "no match": ["NO_READER"],
  "HMAC failure": ["NO_READER"],
};

afterEach(() => vi.unstubAllGlobals());

function plaintextOf(sizeBytes: number): Uint8Array {
  return new Uint8Array(sizeBytes).map((_, index) => (index * 31) % 251);
}

async function sealed(plaintext: Uint8Array) {
  const reader = await generateReader("x25519");
  const encrypter = new Encrypter();
  encrypter.addRecipient(reader.recipient);
  const file = await encrypter.encrypt(plaintext);
  const { payloadOffset } = requireAgeHeader(file);
  return { reader, file, payloadOffset, identities: [reader.identity] };
}

async function codeOf(opening: Promise<unknown>): Promise<string> {
  try {
    await opening;
  } catch (error) {
    if (error instanceof HubError) return error.code;
    throw error;
  }
  return "opened";
}

describe("published vectors", () => {
  const vectors = ageVectors().filter(({ fields }) => !fields.has("passphrase"));

  test("there are enough of them to mean something, of each kind", () => {
    const kinds = vectors.map(({ fields }) => fields.get("expect"));
    expect(vectors.length).toBeGreaterThan(60);
    for (const kind of ["success", "payload failure", "header failure", "no match", "HMAC failure"])
      expect(kinds, kind).toContain(kind);
  });

  test.each(vectors.map((vector) => [vector.name, vector] as const))("%s", async (name, vector) => {
    const identities = vector.fields.get("identity")?.split("\n") ?? [];
    const opening = openSealedFile(vector.file, identities, null);
    const expected = vector.fields.get("expect") ?? "";
    if (expected === "success") {
      expect(sha256Hex(await opening)).toBe(vector.fields.get("payload"));
      return;
    }
    const refused: unknown = await opening.catch((error: unknown) => error);
    if (!(refused instanceof HubError)) throw refused;
    const code = refused instanceof MalformedInput ? "MALFORMED" : refused.code;
    // Of a payload that is no payload at all, some vectors say that the header is wrong.
    if (/^stream_(?:no|short)_nonce/.test(name)) expect(code).toBe("FILE_ALTERED");
    else expect(CODES[expected], code).toContain(code);
  });
});

describe.each([0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])(
  "a file of %d bytes",
  (sizeBytes) => {
    test("opens, and not one byte less or more of it does", async () => {
      const plaintext = plaintextOf(sizeBytes);
      const { file, identities, payloadOffset } = await sealed(plaintext);
      expect(await openSealedFile(file, identities, null)).toEqual(plaintext);
      const hash = sha256Hex(file.subarray(payloadOffset));
      expect(await openSealedFile(file, identities, hash)).toEqual(plaintext);

      const sealedChunk = CHUNK_BYTES + TAG_BYTES;
      const ends = [payloadOffset, payloadOffset + 15, payloadOffset + 16, file.length - 1];
      for (let end = payloadOffset + 16 + sealedChunk; end < file.length; end += sealedChunk)
        ends.push(end);
      for (const end of ends)
        expect(
          await codeOf(openSealedFile(file.subarray(0, end), identities, null)),
          `${end}`,
        ).toBe("FILE_ALTERED");
      for (const more of [1, TAG_BYTES, sealedChunk]) {
        const longer = concatBytes(file, file.subarray(-1), new Uint8Array(more - 1));
        expect(await codeOf(openSealedFile(longer, identities, null)), `+${more}`).toBe(
          "FILE_ALTERED",
        );
      }
    });
  },
);

test("chunks that changed places, or are there twice, are refused", async () => {
  const { file, identities, payloadOffset } = await sealed(plaintextOf(2 * CHUNK_BYTES + 5));
  const [first, second] = [0, 1].map((index) => {
    const start = payloadOffset + 16 + index * (CHUNK_BYTES + TAG_BYTES);
    return file.subarray(start, start + CHUNK_BYTES + TAG_BYTES);
  });
  if (!first || !second) throw new Error("two chunks are wanted");
  const head = file.subarray(0, payloadOffset + 16);
  const last = file.subarray(payloadOffset + 16 + first.length + second.length);
  for (const chunks of [[second, first, last], [first, first, last], [first, last], [last]])
    expect(await codeOf(openSealedFile(concatBytes(head, ...chunks), identities, null))).toBe(
      "FILE_ALTERED",
    );
  const whole = concatBytes(head, first, second, last);
  expect(await codeOf(openSealedFile(whole, identities, null))).toBe("opened");
});

test("what was recorded is asked first: another payload is altered, also for who has no key", async () => {
  const { file, identities } = await sealed(plaintextOf(10));
  const other = await generateReader("x25519");
  const wrong = sha256Hex(utf8Bytes("another payload"));
  expect(await codeOf(openSealedFile(file, identities, wrong))).toBe("FILE_ALTERED");
  expect(await codeOf(openSealedFile(file, [other.identity], wrong))).toBe("FILE_ALTERED");
  expect(await codeOf(openSealedFile(file, [other.identity], null))).toBe("NO_READER");
});

test("the platform and the library hash alike, and a page without the platform's opens too", async () => {
  const bytes = plaintextOf(100_001);
  const part = bytes.subarray(7, 90_001);
  expect(await digestHex(part)).toBe(sha256Hex(part));
  const { file, identities, payloadOffset } = await sealed(bytes);
  const hash = await digestHex(file.subarray(payloadOffset));
  const { subtle } = crypto;
  const digest = vi.spyOn(subtle, "digest");
  await openSealedFile(file, identities, hash);
  expect(digest).toHaveBeenCalled();
  // As a browser has it on a page without TLS.
  vi.stubGlobal("crypto", { getRandomValues: (array: Uint8Array) => array });
  expect(await digestHex(part)).toBe(sha256Hex(part));
  vi.unstubAllGlobals();
});
