import { expect, test } from "vitest";
import { missingCommands } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { breakCall, LONG_TIMES, mayBreakCalls, prepareHouse, type Fault } from "./faults.ts";

const FAULTS: readonly Fault[] = [
  { process: "hub", call: "pwrite64", error: "EIO", nth: 150, times: LONG_TIMES },
  { process: "hub", call: "fsync", error: "EIO", nth: 20, times: 1 },
  { process: "recorder", call: "writev", error: "ENOSPC", nth: 7, times: 5 },
];

test.skipIf(missingCommands("strace"))(
  "a write or a sync that fails leaves no corrupt row, no file that claims to be whole, no decision without its entry",
  async ({ skip }) => {
    if (!mayBreakCalls()) return skip("this user may not break calls of processes");
    await using folder = temporaryFolder();
    const signal = AbortSignal.timeout(280_000);
    const options = { directory: folder.path, say: () => undefined, signal };
    await prepareHouse(options);
    for (const fault of FAULTS) {
      const { entries, ...seen } = await breakCall(fault, options);
      expect(seen).toEqual({ fault, wasReached: true, findings: [] });
      // It failed at work, and not before.
      expect(entries).toBeGreaterThan(0);
    }
  },
  300_000,
);
