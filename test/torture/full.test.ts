import { expect, test } from "vitest";
import { temporaryFolder } from "../support/temporary.ts";
import { CannotLook } from "./frame.ts";
import { fillDisk } from "./full.ts";

test("a real disk that is full corrupts nothing, keeps the ledger, is said once, and recording resumes", async ({
  skip,
}) => {
  await using folder = temporaryFolder();
  try {
    const signal = AbortSignal.timeout(280_000);
    const seen = await fillDisk({ directory: folder.path, say: () => undefined, signal });
    expect(seen.findings).toEqual([]);
    expect(seen.entriesWhileFull).toBeGreaterThan(0);
    expect(seen).toMatchObject({ saidFull: 1, saidRoom: 1 });
  } catch (error) {
    if (!(error instanceof CannotLook)) throw error;
    skip(error.message);
  }
}, 300_000);
