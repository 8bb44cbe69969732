import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { missingCommands } from "../support/requirements.ts";
import { Inspector, type HeapUse } from "./inspector.ts";
import { group, slopePerHour, soak, soakResults, type Look } from "./soak.ts";

const HOUR_MS = 3_600_000;

function heapOf(dataBytes: number): HeapUse {
  return { dataBytes, codeBytes: 5_000_000 };
}

/** Looks of an hour, a minute apart. */
function looks(of: (minute: number) => Partial<Look>): Look[] {
  return Array.from({ length: 60 }, (_, minute) => ({
    ...{ atMs: minute * 60_000, heap: heapOf(40_000_000), descriptors: 80, children: 4 },
    ...of(minute),
  }));
}

function failing(found: Partial<Parameters<typeof soakResults>[0]>): string[] {
  const whole = { looks: looks(() => ({})), writtenBytes: 190e6, mediaBytes: 110e6, clips: 1 };
  return soakResults({ ...whole, ...found })
    .filter(({ holds }) => !holds)
    .map(({ name }) => name);
}

test("what grows, stays open or is written twice is found", () => {
  expect(failing({})).toEqual([]);
  const leak = (minute: number) => ({ heap: heapOf(40_000_000 + minute * 20_000) });
  expect(failing({ looks: looks(leak) })).toEqual(["soak.heap"]);
  const compiled = (minute: number) => ({ heap: { ...heapOf(40e6), codeBytes: minute * 20_000 } });
  expect(failing({ looks: looks(compiled) })).toEqual([]);
  expect(failing({ looks: looks((minute) => ({ descriptors: 80 + minute })) })).toEqual([
    "soak.descriptors",
  ]);
  expect(failing({ looks: looks((minute) => ({ children: minute < 50 ? 4 : 5 })) })).toEqual([
    "soak.descriptors",
  ]);
  expect(failing({ writtenBytes: 200e6 })).toEqual(["soak.written"]);
  expect(failing({ mediaBytes: 0 })).toEqual(["soak.written"]);
  const line = [0, 1, 2].map((hour) => ({ atMs: hour * HOUR_MS, value: 5 + hour * 7 }));
  expect(slopePerHour(line)).toBeCloseTo(7);
});

/** Holds 10 MB more, or compiles so many functions, at each line it reads. */
const GROWS = `
  const held = [], compiled = [];
  const keep = () => held.push(Array.from({ length: 100_000 }, (_, index) => ({ index, half: index / 2 })));
  const compile = () => {
    for (let of = 0; of < 100; of += 1) {
      const work = new Function("x", "let sum = 0; for (let i = 0; i < 20_000; i += 1) sum += (x ^ i) * " + (compiled.length + 1) + "; return sum");
      for (let call = 0; call < 50; call += 1) work(call);
      compiled.push(work);
    }
  };
  process.stdin.on("data", (line) => { (String(line).startsWith("keep") ? keep : compile)(); console.log("done"); });
  console.log("ready");
`;

test("what a process keeps is told from what V8 compiles of it", async () => {
  const child = spawn(process.execPath, ["--inspect-port=0", "-e", GROWS], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  try {
    await once(child.stdout, "data");
    using inspector = await Inspector.open(child.pid ?? 0, AbortSignal.timeout(60_000));
    const after = async (work: string): Promise<HeapUse> => {
      child.stdin.write(`${work}\n`);
      await once(child.stdout, "data");
      return inspector.heapAfterCollection();
    };
    await after("compile");
    const before = await after("keep");
    const kept = await after("keep");
    const compiled = await after("compile");
    expect(kept.dataBytes - before.dataBytes).toBeGreaterThan(2_000_000);
    expect(kept.codeBytes - before.codeBytes).toBeLessThan(100_000);
    expect(compiled.codeBytes - kept.codeBytes).toBeGreaterThan(20_000);
    expect(compiled.dataBytes - kept.dataBytes).toBeLessThan(1_000_000);
  } finally {
    child.kill("SIGKILL");
  }
}, 90_000);

test.skipIf(missingCommands(...group.needs))(
  "a hub that records for a minute keeps its descriptors and children",
  { timeout: 400_000 },
  async () => {
    const found = await soak({
      ...{ durationMs: 60_000, looks: 20, say: () => undefined },
      signal: AbortSignal.timeout(390_000),
    });
    expect(found.mediaBytes).toBeGreaterThan(0);
    expect(found.looks.every(({ heap }) => heap.dataBytes > 0 && heap.codeBytes > 0)).toBe(true);
    expect(soakResults(found).filter(({ holds }) => !holds)).toEqual([]);
  },
);
