import { createHash, randomBytes, randomInt, timingSafeEqual } from "node:crypto";
import { HubError } from "../protocol/errors.ts";

const CODE_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const CODE_GROUPS = 3;
const CODE_GROUP_CHARACTERS = 4;
/** After this many wrong codes the desk stays shut until the hub is started again. */
const WRONG_CODES_MAX = 50;

interface ClaimTest {
  readonly originals: string;
  readonly recovery: string;
  readonly sha256: string;
}

/** Founding the household: a code from the console, a test file, then the genesis. */
export interface ClaimDesk {
  /** 60 bits, as `ABCD-EFGH-JKLM`; printed on the hub's console and nowhere else. */
  readonly code: string;
  requireCode(code: string): void;
  /** Random content for the test file, remembered by its hash. */
  startTest(readers: { originals: string; recovery: string }): Uint8Array;
  /** @throws HubError CLAIM_UNPROVEN unless the test file for these readers was opened. */
  requireProof(proof: string, readers: { originals: string; recovery: string }): void;
}

export function createClaimDesk(): ClaimDesk {
  const code = makeCode();
  let wrongCodes = 0;
  let test: ClaimTest | null = null;
  return {
    code,
    requireCode: (given) => {
      if (wrongCodes >= WRONG_CODES_MAX || !equalText(normalise(given), normalise(code))) {
        wrongCodes += 1;
        throw new HubError(
          "CLAIM_CODE_WRONG",
          "Cannot claim: the code is not the one on the hub's console; after 50 tries restart the hub",
        );
      }
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
