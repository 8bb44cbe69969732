import { randomBytes } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import {
  addSeed,
  isFileKey,
  tryCandidates,
  writtenCandidates,
} from "../../src/cli/attack/candidates.ts";
import { sealBytes } from "../../src/clips/sealed-file.ts";
import { openFileKey } from "../../src/owner/release.ts";
import { requireAgeHeader, type AgeHeader } from "../../src/protocol/age-header.ts";
import { bech32 } from "@scure/base";
import { makeReader, type TestReader } from "../clips/age-oracle.ts";

describe.each(["pq", "x25519"] as const)("an attack on files sealed to %s readers", (kind) => {
  let reader: TestReader;
  let header: AgeHeader;
  let fileKey: Uint8Array;
  beforeAll(async () => {
    reader = await makeReader(kind);
    const sealed = sealBytes(Buffer.from("footage"), [reader.recipient]);
    header = requireAgeHeader(sealed);
    fileKey = await openFileKey(header.headerBytes, [reader.identity]);
  });
  /** As it could stand in any file, between other things. */
  const opensFrom = (text: string): Promise<number> =>
    tryCandidates(writtenCandidates(Buffer.from(`{"note":"x"} ${text} and more`)), [header]);

  test("knows a file key when it has one, and no other", () => {
    expect(isFileKey(header, fileKey)).toBe(true);
    for (let bit = 0; bit < fileKey.length * 8; bit += 1) {
      const other = Uint8Array.from(fileKey);
      other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(isFileKey(header, other)).toBe(false);
    }
  });

  test("opens with an identity that was left somewhere, and not with a stranger's", async () => {
    expect(await opensFrom(reader.identity)).toBe(1);
    expect(await opensFrom((await makeReader(kind)).identity)).toBe(0);
  });

  test("opens with a file key or a seed that was left as hex or base64", async () => {
    const seed = Buffer.from(bech32.decodeToBytes(reader.identity).bytes);
    expect(await opensFrom(Buffer.from(fileKey).toString("hex"))).toBe(1);
    expect(await opensFrom(seed.toString("hex"))).toBe(1);
    expect(await opensFrom(seed.toString("base64"))).toBe(1);
    const others = [randomBytes(16).toString("hex"), randomBytes(32).toString("hex")];
    expect(await opensFrom(others.join(" "))).toBe(0);
  });

  test("takes any 32 bytes for the seed of an identity of either kind", async () => {
    const identities = new Set<string>();
    addSeed(identities, bech32.decodeToBytes(reader.identity).bytes);
    expect(identities).toContain(reader.identity);
    expect(await tryCandidates({ identities, fileKeys: new Set() }, [header])).toBe(1);
  });
});
