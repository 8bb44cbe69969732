import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import {
  addIdentities,
  addRaw,
  addWritten,
  noCandidates,
  tryCandidates,
} from "../../src/cli/attack/candidates.ts";
import { isReaderSeed, lockOf, opensWithFileKey, type Lock } from "../../src/cli/attack/lock.ts";
import { sealBytes } from "../../src/clips/sealed-file.ts";
import { openFileKey } from "../../src/owner/release.ts";
import { requireAgeHeader } from "../../src/protocol/age-header.ts";
import { bech32 } from "@scure/base";
import { makeReader, type TestReader } from "../clips/age-oracle.ts";

describe.each(["pq", "x25519"] as const)("an attack on files sealed to %s readers", (kind) => {
  let reader: TestReader;
  let lock: Lock;
  let fileKey: Uint8Array;
  let seed: Buffer;
  beforeAll(async () => {
    reader = await makeReader(kind);
    const older = requireAgeHeader(sealBytes(Buffer.from("older"), [reader.recipient]));
    const header = requireAgeHeader(sealBytes(Buffer.from("footage"), [reader.recipient]));
    lock = lockOf([header, older], [reader.recipient.text]);
    fileKey = await openFileKey(header.headerBytes, [reader.identity]);
    seed = Buffer.from(bech32.decodeToBytes(reader.identity).bytes);
  });
  /** As it could stand in any file, between other things. */
  const opensFrom = (text: string | Uint8Array): Promise<number> => {
    const candidates = noCandidates();
    addWritten(candidates, Buffer.concat([Buffer.from('{"note":"'), Buffer.from(text)]));
    return tryCandidates(candidates, lock);
  };

  test("knows a file key when it has one, and no other", () => {
    expect(opensWithFileKey(lock, fileKey)).toBe(1);
    for (let bit = 0; bit < fileKey.length * 8; bit += 1) {
      const other = Uint8Array.from(fileKey);
      other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(opensWithFileKey(lock, other)).toBe(0);
    }
  });

  test("knows the secret of a reader by the public half, and no other", () => {
    expect(isReaderSeed(lock, seed)).toBe(true);
    expect(isReaderSeed(lock, randomBytes(32))).toBe(false);
    expect(isReaderSeed(lock, fileKey)).toBe(false);
  });

  test("opens with an identity that was left somewhere, and not with a stranger's", async () => {
    expect(await opensFrom(`${reader.identity} and more`)).toBe(2);
    expect(await opensFrom((await makeReader(kind)).identity)).toBe(0);
  });

  test("opens with an identity in two bytes a character, as browsers keep text", async () => {
    const candidates = noCandidates();
    addIdentities(candidates, Buffer.from(reader.identity, "utf16le").toString("latin1"));
    expect(await tryCandidates(candidates, lock)).toBe(2);
  });

  test("opens with a file key or a seed that was left as hex or base64", async () => {
    expect(await opensFrom(Buffer.from(fileKey).toString("hex"))).toBe(1);
    for (const spelling of ["hex", "base64", "base64url"] as const)
      expect(await opensFrom(`${seed.toString(spelling)}"}`), spelling).toBe(2);
    expect(await opensFrom(seed.toString("hex").toUpperCase())).toBe(2);
    const others = [randomBytes(16).toString("hex"), randomBytes(32).toString("hex")];
    expect(await opensFrom(others.join(" "))).toBe(0);
  });

  test("opens with a key behind thousands of hashes, and inside a longer run of digits", async () => {
    const hashes = Array.from({ length: 3_000 }, () => randomBytes(32).toString("hex")).join(" ");
    expect(await opensFrom(`${hashes} ${seed.toString("hex")}`)).toBe(2);
    const run = `${randomBytes(9).toString("hex")}${Buffer.from(fileKey).toString("hex")}00ff`;
    expect(await opensFrom(run)).toBe(1);
  });

  test("opens with a key between other bytes, at any place", async () => {
    for (const key of [seed, fileKey]) {
      const candidates = noCandidates();
      addRaw(candidates, Buffer.concat([Buffer.alloc(11), key, Buffer.from("text")]), 1);
      expect(await tryCandidates(candidates, lock)).toBeGreaterThan(0);
    }
  });
});
