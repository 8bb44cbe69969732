import { spawn, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { Encrypter } from "age-encryption";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { SealedFileWriter, sealBytes } from "../../src/clips/sealed-file.ts";
import { requireAgeHeader, STANZA_TYPE } from "../../src/protocol/age-header.ts";
import { missingCommands } from "../support/requirements.ts";
import { makeReader, openAge, openAgeAsFarAsItGoes, type TestReader } from "./age-oracle.ts";

const CHUNK_BYTES = 65_536;
const folder = mkdtempSync(path.join(os.tmpdir(), "doorward-seal-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
const newPath = (): string => path.join(folder, `${files++}.age`);

const readers = {
  x25519: [await makeReader("x25519"), await makeReader("x25519")],
  pq: [await makeReader("pq"), await makeReader("pq")],
} as const;
const kinds = ["x25519", "pq"] as const;
const recipientsOf = (list: readonly TestReader[]) => list.map(({ recipient }) => recipient);

function pattern(sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(sizeBytes);
  for (let index = 0; index < sizeBytes; index++) bytes[index] = (index * 31 + (index >> 8)) & 0xff;
  return bytes;
}

describe.each(kinds)("a file sealed to %s readers", (kind) => {
  const [first, second] = readers[kind];

  test.each([0, 1, 65_535, 65_536, 65_537, 131_072, 131_073, 196_608, 400_000])(
    "of %i bytes opens with either reader, and its size and hash are what was said",
    async (sizeBytes) => {
      const plaintext = pattern(sizeBytes);
      const finalPath = newPath();
      await using writer = await SealedFileWriter.create(finalPath, recipientsOf(readers[kind]));
      await writer.write(plaintext);
      const committed = await writer.commit();

      const bytes = readFileSync(finalPath);
      const header = requireAgeHeader(bytes);
      expect(header.stanzas.map(({ args }) => args[0])).toEqual([
        STANZA_TYPE[kind],
        STANZA_TYPE[kind],
      ]);
      expect(committed.sizeBytes).toBe(bytes.length);
      expect(committed.payloadSha256).toBe(
        createHash("sha256").update(bytes.subarray(header.payloadOffset)).digest("hex"),
      );
      expect(statSync(finalPath).mode & 0o777).toBe(0o600);
      for (const reader of [first, second])
        expect(Buffer.from(await openAge(bytes, reader.identity)).equals(plaintext)).toBe(true);
    },
  );

  test("does not open with another reader", async () => {
    const stranger = await makeReader(kind);
    const sealed = sealBytes(pattern(10), recipientsOf(readers[kind]));
    await expect(openAge(sealed, stranger.identity)).rejects.toThrow();
  });

  test("opens however the bytes were handed in", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(150_000), { maxLength: 6 }), async (sizes) => {
        const parts = sizes.map((size) => randomBytes(size));
        const finalPath = newPath();
        await using writer = await SealedFileWriter.create(finalPath, [first.recipient]);
        for (const part of parts) await writer.write(part);
        await writer.commit();
        const opened = Buffer.from(await openAge(readFileSync(finalPath), first.identity));
        expect(opened.equals(Buffer.concat(parts))).toBe(true);
      }),
      { numRuns: 10 },
    );
  });

  test("in memory is the same format", async () => {
    for (const sizeBytes of [
      0,
      1,
      CHUNK_BYTES - 1,
      CHUNK_BYTES,
      CHUNK_BYTES + 1,
      3 * CHUNK_BYTES,
    ]) {
      const plaintext = pattern(sizeBytes);
      const sealed = sealBytes(plaintext, recipientsOf(readers[kind]));
      expect(Buffer.from(await openAge(sealed, second.identity)).equals(plaintext)).toBe(true);
    }
  });

  test("is refused when any byte of it was changed", async () => {
    const sealed = sealBytes(pattern(CHUNK_BYTES + 100), [first.recipient]);
    const headerBytes = requireAgeHeader(sealed).payloadOffset;
    const places = [0, 30, headerBytes - 10, headerBytes, headerBytes + 16, headerBytes + 65_600];
    for (const place of [...places, sealed.length - 1]) {
      const damaged = Uint8Array.from(sealed);
      damaged[place] = (damaged[place] ?? 0) ^ 1;
      await expect(openAge(damaged, first.identity)).rejects.toThrow();
    }
  });

  test("never repeats a share, a nonce or a ciphertext", () => {
    const [one, other] = [0, 1].map(() => sealBytes(pattern(100), [first.recipient]));
    const parsed = [one, other].map((bytes) => requireAgeHeader(bytes ?? new Uint8Array(0)));
    expect(parsed[0]?.stanzas[0]?.args[1]).not.toBe(parsed[1]?.stanzas[0]?.args[1]);
    expect(one?.subarray(-116)).not.toEqual(other?.subarray(-116));
  });
});

describe("Debian's age", () => {
  const isMissing = missingCommands("age", "age-keygen");
  const [reader] = readers.x25519;

  test.skipIf(isMissing)("opens what the writer seals", () => {
    const identityFile = path.join(folder, "identity.txt");
    writeFileSync(identityFile, `${reader.identity}\n`);
    for (const sizeBytes of [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, 300_000]) {
      const sealedPath = newPath();
      writeFileSync(sealedPath, sealBytes(pattern(sizeBytes), recipientsOf(readers.x25519)));
      const opened = spawnSync("age", ["-d", "-i", identityFile, sealedPath], {
        maxBuffer: 1 << 20,
      });
      expect(opened.stderr.toString()).toBe("");
      expect(opened.stdout.equals(pattern(sizeBytes))).toBe(true);
    }
  });

  test.skipIf(isMissing)("and age-encryption write headers that the parser reads", async () => {
    const { recipient } = reader;
    const made = spawnSync("age", ["-r", recipient.text], { input: "words" });
    const byAge = requireAgeHeader(made.stdout);
    expect(byAge.stanzas.map(({ args }) => args[0])).toContain("X25519");
    for (const kind of kinds) {
      const encrypter = new Encrypter();
      encrypter.addRecipient(readers[kind][0].recipient.text);
      const header = requireAgeHeader(await encrypter.encrypt("words"));
      expect(header.stanzas[0]?.args[0]).toBe(STANZA_TYPE[kind]);
    }
  });
});

describe("a file is never sealed", () => {
  test("to readers of two kinds, since the weaker would decide", async () => {
    const mixed = [readers.x25519[0].recipient, readers.pq[0].recipient];
    expect(() => sealBytes(new Uint8Array(1), mixed)).toThrow("two kinds");
    const finalPath = newPath();
    await expect(SealedFileWriter.create(finalPath, mixed)).rejects.toMatchObject({
      code: "RECIPIENTS_MIXED",
    });
    expect(existsSync(`${finalPath}.partial`)).toBe(false);
  });

  test("to nobody", () => {
    expect(() => sealBytes(new Uint8Array(1), [])).toThrow("no recipient");
  });

  test("to a key of low order, which anybody could open", () => {
    const lowOrder = { ...readers.x25519[0].recipient, key: new Uint8Array(32) };
    expect(() => sealBytes(new Uint8Array(1), [lowOrder])).toThrow("low order");
  });

  test("over one that is there, whole or partial", async () => {
    const finalPath = newPath();
    writeFileSync(`${finalPath}.partial`, "something");
    const recipients = [readers.x25519[0].recipient];
    await expect(SealedFileWriter.create(finalPath, recipients)).rejects.toMatchObject({
      code: "EEXIST",
    });
    expect(readFileSync(`${finalPath}.partial`, "utf8")).toBe("something");
  });
});

describe("a file that was not ended", () => {
  const [reader] = readers.pq;

  test("stays partial once it holds footage, and opens as far as it goes", async () => {
    const finalPath = newPath();
    {
      await using writer = await SealedFileWriter.create(finalPath, [reader.recipient]);
      await writer.write(pattern(200_000));
    }
    expect(existsSync(finalPath)).toBe(false);
    const partial = readFileSync(`${finalPath}.partial`);
    const opened = await openAgeAsFarAsItGoes(partial, reader.identity);
    expect(opened.isWhole).toBe(false);
    expect(opened.plaintext.length).toBeGreaterThanOrEqual(2 * CHUNK_BYTES);
    expect(opened.plaintext.equals(pattern(opened.plaintext.length))).toBe(true);
  });

  test("leaves nothing when it never held any", async () => {
    const finalPath = newPath();
    {
      await using writer = await SealedFileWriter.create(finalPath, [reader.recipient]);
      await writer.write(pattern(100));
    }
    expect(existsSync(`${finalPath}.partial`)).toBe(false);
  });

  test("cannot be written to after it was committed", async () => {
    await using writer = await SealedFileWriter.create(newPath(), [reader.recipient]);
    await writer.commit();
    await expect(writer.write(new Uint8Array(1))).rejects.toThrow("the writer is committed");
  });

  test("because its process was killed, opens as far as it authenticates", async () => {
    const finalPath = newPath();
    const child = spawn(
      process.execPath,
      [
        path.join(import.meta.dirname, "seal-child.ts"),
        "endless",
        finalPath,
        reader.recipient.text,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    await once(child.stdout, "data");
    child.kill("SIGKILL");
    await once(child, "exit");
    const partial = readFileSync(`${finalPath}.partial`);
    expect(statSync(`${finalPath}.partial`).mode & 0o777).toBe(0o600);
    const opened = await openAgeAsFarAsItGoes(partial, reader.identity);
    expect(opened.isWhole).toBe(false);
    expect(opened.plaintext.length).toBeGreaterThan(CHUNK_BYTES);
    expect(opened.plaintext.every((byte) => byte === 0x5a)).toBe(true);
  });
});
