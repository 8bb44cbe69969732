import { Decrypter, Encrypter } from "age-encryption";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { generateReaders, identitiesOf, type DeviceBundle } from "../../src/owner/device-bundle.ts";
import { generateReader } from "../../src/owner/identity.ts";
import { makeRelease, openFileKey, releaseHeader } from "../../src/owner/release.ts";
import { parseRecipient, requireAgeHeader } from "../../src/protocol/age-header.ts";
import { concatBytes, sha256Hex } from "../../src/protocol/bytes.ts";
import type { Terms } from "../../src/protocol/decision.ts";
import { approvalCase } from "../support/test-approval.ts";

const plaintext = new Uint8Array(200_000).map((_, index) => index % 251);

async function sealTo(recipient: string): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  encrypter.addRecipient(recipient);
  return encrypter.encrypt(plaintext);
}

async function openWith(identity: string, file: Uint8Array): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  return decrypter.decrypt(file);
}

describe.each(["x25519", "pq"] as const)("a release for a recipient of kind %s", (kind) => {
  test("opens the untouched payload with the recipient's key, and with no other", async () => {
    const [reader, recipient, stranger] = await Promise.all([
      generateReader(kind === "pq" ? "x25519" : "pq"),
      generateReader(kind),
      generateReader(kind),
    ]);
    const sealed = await sealTo(reader.recipient);
    const fileKey = await openFileKey(sealed, [reader.identity]);
    const header = releaseHeader(
      fileKey,
      parseRecipient(recipient.recipient),
      new Uint8Array(32).fill(7),
      "clip/0/video/original",
    );
    const released = concatBytes(header, sealed.subarray(requireAgeHeader(sealed).payloadOffset));

    expect(await openWith(recipient.identity, released)).toEqual(plaintext);
    await expect(openWith(stranger.identity, released)).rejects.toThrow();
    await expect(openWith(reader.identity, released)).rejects.toThrow();
  });

  test("is the same bytes for the same terms and other bytes for any other", async () => {
    const { recipient } = await generateReader(kind);
    const parsed = parseRecipient(recipient);
    const fileKey = new Uint8Array(16).fill(3);
    const header = (hash: Uint8Array, name: string): Uint8Array =>
      releaseHeader(fileKey, parsed, hash, name);
    const hash = new Uint8Array(32).fill(1);

    expect(header(hash, "a")).toEqual(header(hash, "a"));
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.string(), (other, name) => {
        fc.pre(name !== "a");
        expect(header(other, "a")).not.toEqual(header(hash, "a"));
        expect(header(hash, name)).not.toEqual(header(hash, "a"));
      }),
      { numRuns: 10 },
    );
  });
});

test("a device without a reader of the file is told so", async () => {
  const [reader, stranger] = await Promise.all([generateReader("x25519"), generateReader("pq")]);
  const sealed = await sealTo(reader.recipient);
  await expect(openFileKey(sealed, [stranger.identity])).rejects.toMatchObject({
    code: "NO_READER",
  });
});

describe("a header that the hub has put in front of another file's payload", () => {
  test("releases nothing: the key inside is not that of what the owner signs for", async () => {
    const approval = await approvalCase();
    const [own = "", other = ""] = [...approval.sealed.keys()];
    const [ownFile, otherFile] = [approval.sealed.get(own), approval.sealed.get(other)];
    if (!ownFile || !otherFile) throw new Error("the case needs two files");
    const swapped = concatBytes(
      requireAgeHeader(otherFile).headerBytes,
      ownFile.subarray(requireAgeHeader(ownFile).payloadOffset),
    );
    approval.sealed.set(own, swapped);
    await expect(approval.headers(approval.terms)).rejects.toMatchObject({ code: "FILE_ALTERED" });
  });

  test("and neither does a payload that is not the one the terms name", async () => {
    const approval = await approvalCase();
    const [own = "", other = ""] = [...approval.sealed.keys()];
    approval.sealed.set(own, approval.sealed.get(other) ?? new Uint8Array());
    await expect(approval.headers(approval.terms)).rejects.toMatchObject({ code: "FILE_ALTERED" });
  });

  test("(control: unchanged, it releases)", async () => {
    const approval = await approvalCase();
    expect(await approval.headers(approval.terms)).toHaveLength(approval.release.length);
  });
});

describe.each(["x25519", "pq"] as const)(
  "what terms call blurred, with keys of kind %s",
  (kind) => {
    /** A house whose readers were changed once, and the device that came in by the recovery sheet. */
    async function house() {
      const [now, before] = [await generateReaders(kind), await generateReaders(kind)];
      const sheet = await generateReader(kind);
      const { terms } = await approvalCase();
      const bundle: DeviceBundle = {
        ...{ v: 1, kind, origin: "doorward/x", genesis: "0".repeat(64), person: "1".repeat(32) },
        ...{ role: "owner", label: "phone", signingSeed: `${"A".repeat(43)}=` },
        ...{ readers: now.held, earlier: [before.held], recovery: sheet.identity },
      };
      const release = async (to: readonly string[], rendition: "original" | "blurred") => {
        const encrypter = new Encrypter();
        for (const recipient of to) encrypter.addRecipient(recipient);
        const sealed = await encrypter.encrypt(plaintext);
        const payload = sealed.subarray(requireAgeHeader(sealed).payloadOffset);
        const [clip] = terms.clips;
        const [file] = clip?.files ?? [];
        if (!clip || !file) throw new Error("the case needs a file");
        const named = { ...file, rendition, payloadSha256: sha256Hex(payload) };
        const wanted: Terms = { ...terms, clips: [{ ...clip, files: [named] }] };
        return makeRelease(wanted, identitiesOf(bundle), async () => sealed);
      };
      return { now: now.recipients, before: before.recipients, sheet: sheet.recipient, release };
    }

    test("is released where it is called blurred and is, by readers of now and before, and by the sheet", async () => {
      const { now, before, sheet, release } = await house();
      const foreign = (await generateReaders(kind)).recipients;
      for (const of of [now, before, foreign])
        expect(await release([of.originals, of.blurred, sheet], "blurred")).toHaveLength(1);
      expect(await release([now.originals, sheet], "original")).toHaveLength(1);
    });

    test("is not released where it is called blurred and was sealed as an original, of now or before", async () => {
      const { now, before, sheet, release } = await house();
      for (const of of [now, before])
        await expect(release([of.originals, sheet], "blurred")).rejects.toMatchObject({
          code: "NO_READER",
        });
    });
  },
);
