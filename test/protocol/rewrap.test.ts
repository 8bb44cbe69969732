import { beforeAll, describe, expect, test } from "vitest";
import { sealBytes } from "../../src/clips/sealed-file.ts";
import { generateReader, envelopeSigner, type SigningKey } from "../../src/owner/identity.ts";
import { parseRecipient, requireAgeHeader } from "../../src/protocol/age-header.ts";
import { sha256Hex, toBase64, utf8Bytes } from "../../src/protocol/bytes.ts";
import type { Json } from "../../src/protocol/canonical-json.ts";
import type { ListedFile } from "../../src/protocol/clip.ts";
import { PAYLOAD_TYPES } from "../../src/protocol/envelope.ts";
import { HubError } from "../../src/protocol/errors.ts";
import { recipientsOf, verifyRewrap, type Rewrap } from "../../src/protocol/rewrap.ts";
import { newDevice, signByAll, testChain, type TestChain } from "../support/test-household.ts";

const CLIP = "c".repeat(32);
let chain: TestChain;
beforeAll(async () => {
  chain = await testChain();
});

/** An age header, as any program writes it. */
function headerFor(recipients: readonly string[]): Uint8Array {
  const sealed = sealBytes(utf8Bytes("picture"), recipients.map(parseRecipient));
  return sealed.subarray(0, requireAgeHeader(sealed).payloadOffset);
}

interface Case {
  readonly headers?: readonly Uint8Array[];
  readonly changes?: Partial<Rewrap>;
  readonly signers?: readonly SigningKey[];
  readonly listed?: number;
}

/** An original and a blurred file, sealed anew by the founder but for what the case changes. */
async function outcome(given: Case = {}): Promise<string> {
  const keyring = chain.keyring();
  const listed = (["original", "blurred"] as const).map((rendition, segment) => ({
    ...{ segment, track: "video" as const, rendition },
    payloadSha256: sha256Hex(utf8Bytes(rendition)),
  })) as unknown as ListedFile[];
  const headers =
    given.headers ??
    listed.map(({ rendition }) => headerFor(recipientsOf(keyring.readers, rendition)));
  const files = listed.map((file, index) => ({
    ...file,
    headerSha256: sha256Hex(headers[index] ?? new Uint8Array()),
  }));
  const rewrap = {
    ...{ v: 1, origin: keyring.origin, clip: CLIP, keyringHead: keyring.head, files },
    ...given.changes,
  };
  const signers = (given.signers ?? [chain.founder]).map(envelopeSigner);
  const envelope = await signByAll(PAYLOAD_TYPES.rewrap, rewrap as unknown as Json, signers);
  try {
    const verified = verifyRewrap(envelope, headers.map(toBase64), {
      ...{ keyring, clip: CLIP, listed: listed.slice(0, given.listed ?? 2) },
    });
    expect(verified.headers).toEqual(headers);
    return "accepted";
  } catch (error) {
    if (error instanceof HubError) return error.message;
    throw error;
  }
}

describe("a clip sealed anew", () => {
  test("has two stanzas for an original and three for a blurred file", async () => {
    expect(await outcome()).toBe("accepted");
    const { readers } = chain.keyring();
    const [original, blurred] = [
      recipientsOf(readers, "original"),
      recipientsOf(readers, "blurred"),
    ];
    expect(await outcome({ headers: [headerFor(blurred), headerFor(blurred)] })).toMatch(
      /is original must have 2 stanzas/,
    );
    expect(await outcome({ headers: [headerFor(original), headerFor(original)] })).toMatch(
      /is blurred must have 3 stanzas/,
    );
    const fewer = headerFor(original.slice(1));
    expect(await outcome({ headers: [fewer, headerFor(blurred)] })).toMatch(/must have 2 stanzas/);
  });

  test("is sealed to keys of the keyring's kind", async () => {
    const pq = await Promise.all([1, 2].map(async () => (await generateReader("pq")).recipient));
    const { readers } = chain.keyring();
    const blurred = headerFor(recipientsOf(readers, "blurred"));
    expect(await outcome({ headers: [headerFor(pq), blurred] })).toMatch(/stanzas of type X25519/);
  });

  test("is what one owner in force signed, for this household, clip and keyring", async () => {
    const { key } = newDevice("owner");
    expect(await outcome({ signers: [key] })).toMatch(/no owner in force/);
    expect(await outcome({ signers: [chain.founder, key] })).toMatch(/one signature/);
    expect(await outcome({ changes: { origin: "doorward/else" } })).toMatch(/another household/);
    expect(await outcome({ changes: { clip: "e".repeat(32) } })).toMatch(/another clip/);
    expect(await outcome({ changes: { keyringHead: "e".repeat(64) } })).toMatch(
      /keys have changed/,
    );
  });

  test("has every file that the ledger lists, and no other", async () => {
    expect(await outcome({ listed: 1 })).toMatch(/not what the ledger lists/);
    const keyring = chain.keyring();
    const [first] = (["original"] as const).map((rendition) => ({
      ...{ segment: 0, track: "video" as const, rendition },
      payloadSha256: sha256Hex(utf8Bytes(rendition)),
      headerSha256: sha256Hex(headerFor(recipientsOf(keyring.readers, rendition))),
    }));
    expect(await outcome({ changes: { files: [first] as unknown as Rewrap["files"] } })).toMatch(
      /1 files of the clip are left out/,
    );
  });
});
