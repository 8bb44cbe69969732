import { createHash, randomBytes, randomInt, timingSafeEqual } from "node:crypto";
import { Lane, PeerLanes } from "../lan/lanes.ts";
import { HubError } from "../protocol/errors.ts";

const CODE_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const CODE_GROUPS = 3;
const CODE_GROUP_CHARACTERS = 4;
/**
 * Tries of one address, and of all that are not this machine. The desk is never shut: whoever is on
 * the network could shut it for the owner. With 60 bits, at this pace, a year of guessing finds the
 * code once in 1,800,000,000 such years.
 */
const TRIES_PER_MINUTE = 10;
const TRIES_PER_SECOND_OF_ALL = 20;
const TRIES_SAVED_OF_ALL = 40;

interface ClaimTest {
  readonly originals: string;
  readonly recovery: string;
  readonly sha256: string;
}

/** Founding the household: a code from the console, a test file, then the genesis. */
export interface ClaimDesk {
  /** 60 bits, as `ABCD-EFGH-JKLM`; printed on the hub's console and nowhere else. */
  readonly code: string;
  /**
   * @param address - Of whoever tries it.
   * @throws HubError CLAIM_CODE_WRONG; TOO_MANY_CALLS, for the right code too.
   */
  requireCode(code: string, address: string): void;
  /** Random content for the test file, remembered by its hash. */
  startTest(readers: { originals: string; recovery: string }): Uint8Array;
  /** @throws HubError CLAIM_UNPROVEN unless the test file for these readers was opened. */
  requireProof(proof: string, readers: { originals: string; recovery: string }): void;
}

/** @param monotonicMs - Only ever runs forward. */
export function createClaimDesk(monotonicMs: () => number): ClaimDesk {
  const code = makeCode();
  const peers = new PeerLanes(TRIES_PER_MINUTE / 60, TRIES_PER_MINUTE);
  const all = new Lane(TRIES_PER_SECOND_OF_ALL, TRIES_SAVED_OF_ALL);
  let test: ClaimTest | null = null;
  return {
    code,
    requireCode: (given, address) => {
      const nowMs = monotonicMs();
      const mayTry = peers.take(address, nowMs) && (isThisMachine(address) || all.take(nowMs));
      if (!mayTry)
        throw new HubError(
          "TOO_MANY_CALLS",
          "Cannot claim: too many codes were tried; wait a minute",
        );
      if (!equalText(normalise(given), normalise(code)))
        throw new HubError(
          "CLAIM_CODE_WRONG",
          "Cannot claim: the code is not the one on the hub's console",
        );
    },
    startTest: (readers) => {
      const content = new Uint8Array(randomBytes(1024));
      test = { ...readers, sha256: createHash("sha256").update(content).digest("hex") };
      return content;
    },
    requireProof: (proof, readers) => {
      const isProven =
        test !== null &&
        test.originals === readers.originals &&
        test.recovery === readers.recovery &&
        equalText(test.sha256, proof);
      if (!isProven)
        throw new HubError(
          "CLAIM_UNPROVEN",
          "Cannot go on: the recovery sheet has not opened the test file",
        );
    },
  };
}

/** Nobody on the network can take the place of whoever sits at the hub. */
function isThisMachine(address: string): boolean {
  return address === "::1" || address.startsWith("127.");
}

function makeCode(): string {
  const groups = Array.from({ length: CODE_GROUPS }, () =>
    Array.from(
      { length: CODE_GROUP_CHARACTERS },
      () => CODE_ALPHABET[randomInt(CODE_ALPHABET.length)],
    ).join(""),
  );
  return groups.join("-");
}

function normalise(code: string): string {
  return code.toUpperCase().replaceAll(/[^A-Z0-9]/g, "");
}

function equalText(left: string, right: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(left), digest(right));
}
