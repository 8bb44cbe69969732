import { describe, expect, test } from "vitest";
import { readersForRole } from "../../src/owner/device-bundle.ts";
import { foundHousehold } from "../../src/owner/household.ts";
import {
  commitmentOf,
  pairingWords,
  passOn,
  receivePassedOn,
  startPairing,
} from "../../src/owner/pairing.ts";
import type { Seen } from "../../src/owner/witness.ts";
import { hubInfo, NOW_MS } from "../support/test-household.ts";

const founded = await foundHousehold(hubInfo, { kind: "pq", label: "first", nowMs: NOW_MS });
const seen: Seen = {
  v: 1,
  size: 3,
  root: "a".repeat(64),
  checkpoint: "a note",
  epoch: 0,
  keyringHead: "b".repeat(64),
};

describe("three words", () => {
  test("are the same on both devices, and other ones for any other key or nonce", async () => {
    const [one, other] = await Promise.all([startPairing("phone"), startPairing("phone")]);
    const nonce = "1".repeat(64);
    const words = pairingWords(one.reveal, nonce);
    expect(words).toHaveLength(3);
    expect(pairingWords(structuredClone(one.reveal), nonce)).toEqual(words);
    expect(pairingWords(one.reveal, "2".repeat(64))).not.toEqual(words);
    expect(pairingWords(other.reveal, nonce)).not.toEqual(words);
    const swapped = { ...one.reveal, transferRecipient: other.reveal.transferRecipient };
    expect(pairingWords(swapped, nonce)).not.toEqual(words);
  });

  test("are bound by what was committed to first: nothing of it can be exchanged", async () => {
    const one = await startPairing("phone");
    expect(commitmentOf(one.reveal)).toBe(one.commitment);
    const changes = [
      { nonce: "0".repeat(64) },
      { signingKey: (await startPairing("phone")).reveal.signingKey },
      { label: { ...one.reveal.label, label: "other" } },
    ];
    for (const change of changes)
      expect(commitmentOf({ ...one.reveal, ...change })).not.toBe(one.commitment);
  });
});

describe("what is passed on", () => {
  test.each([
    ["owner", ["originals", "blurred", "owners"]],
    ["adult", ["originals", "blurred"]],
    ["viewer", ["blurred"]],
    ["guest", []],
  ] as const)("to a device of role %s are the readers %s and no other", async (role, expected) => {
    const newcomer = await startPairing("phone");
    const { reveal } = newcomer;
    const sealed = await passOn(founded.bundle, { reveal, person: "1".repeat(32), role }, seen);
    const received = await receivePassedOn(newcomer, sealed);
    expect(new Set(Object.keys(received.bundle.readers))).toEqual(new Set(expected));
    expect(received.bundle.readers).toEqual(readersForRole(founded.bundle.readers, role));
    expect(received.bundle.role).toBe(role);
    expect(received.seen).toEqual(seen);
    expect(received.bundle.genesis).toBe(founded.bundle.genesis);
  });

  test("never holds the signing key of the device that admits", async () => {
    const newcomer = await startPairing("phone");
    const { reveal } = newcomer;
    const owner = { reveal, person: founded.bundle.person, role: "owner" } as const;
    const received = await receivePassedOn(newcomer, await passOn(founded.bundle, owner, seen));
    expect(received.bundle.signingSeed).not.toBe(founded.bundle.signingSeed);
    expect(JSON.stringify(received)).not.toContain(founded.bundle.signingSeed);
  });

  test("opens for the device it is meant for, and for no other", async () => {
    const [newcomer, other] = await Promise.all([startPairing("phone"), startPairing("other")]);
    const { reveal } = newcomer;
    const to = { reveal, person: "1".repeat(32), role: "owner" } as const;
    const sealed = await passOn(founded.bundle, to, seen);
    await expect(receivePassedOn(other, sealed)).rejects.toMatchObject({ code: "NO_READER" });
    const readers = Object.values(founded.bundle.readers);
    for (const reader of readers)
      expect(Buffer.from(sealed, "base64").includes(Buffer.from(reader))).toBe(false);
  });
});
