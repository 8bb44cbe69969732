import { expect, test } from "vitest";
import { temporaryFolder } from "../support/temporary.ts";
import { cutPower } from "./power.ts";

test("in 20 power cuts no acknowledged entry is lost, and no file claims to be whole that is not", async () => {
  await using folder = temporaryFolder();
  const { way, cuts } = await cutPower({
    ...{ directory: folder.path, cuts: 20, pace: 8, frameBytes: 2_000, processEach: 20 },
    ...{ say: () => undefined, signal: AbortSignal.timeout(570_000) },
  });
  if (way === "kill") console.warn("power was not cut: processes were killed, which is less");
  expect(cuts.map(({ lostEntries }) => lostEntries)).toEqual(Array.from({ length: 20 }, () => 0));
  expect(cuts.flatMap(({ findings }) => findings)).toEqual([]);
  // The entries grow from cut to cut: it was another moment each time.
  expect(new Set(cuts.map(({ entries }) => entries)).size).toBe(20);
}, 600_000);
