import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { Duplex } from "node:stream";
import { expect, test } from "vitest";
import { forkWithoutCore } from "../../src/base/fork.ts";
import { VisionProcess } from "../../src/vision-process/process.ts";

const SOURCE = path.resolve(import.meta.dirname, "../../src");
const VISION_CHILD = path.resolve(import.meta.dirname, "../support/vision-child.ts");

/** Soft and hard limit on what a crash leaves on the disk, and what of memory would be in it. */
function leftByCrash(pid: number | null | undefined): readonly string[] {
  const limits = readFileSync(`/proc/${pid}/limits`, "latin1");
  const [, soft = "", hard = ""] = /^Max core file size +(\S+) +(\S+)/m.exec(limits) ?? [];
  return [soft, hard, readFileSync(`/proc/${pid}/coredump_filter`, "latin1").trim()];
}

test("a process of the hub leaves nothing on the disk when it crashes", async () => {
  await using vision = new VisionProcess(
    { entry: VISION_CHILD, onProblem: () => undefined },
    {
      ...{ onReady: () => undefined, onSegment: () => undefined },
      ...{ onPoster: () => undefined, onGone: () => undefined },
    },
  );
  await expect.poll(() => vision.wake()).toBe(true);
  // Until the shell that sets it has handed over.
  await expect.poll(() => leftByCrash(vision.pid)).toEqual(["0", "0", "00000000"]);
});

test("it keeps its pipes, its id and what it is given of an environment", async () => {
  const child = forkWithoutCore(path.join(import.meta.dirname, "forked-child.ts"), {
    env: { GIVEN: "a value; with 'quotes' $HOME" },
    execArgv: ["--max-old-space-size=64"],
    stdio: ["ignore", "ignore", "ignore", "ipc", "pipe"],
  });
  const exit = once(child, "exit");
  const pipe: unknown = (child.stdio as readonly unknown[])[4];
  if (!(pipe instanceof Duplex)) throw new Error("no pipe");
  const [[said], [chunk]] = await Promise.all([once(child, "message"), once(pipe, "data")]);
  expect(said).toEqual({
    pid: child.pid,
    given: "a value; with 'quotes' $HOME",
    names: ["GIVEN", "NODE_COMPILE_CACHE"],
    execArgv: ["--max-old-space-size=64"],
  });
  expect(String(chunk)).toBe("footage");
  child.kill("SIGKILL");
  expect(await exit).toEqual([null, "SIGKILL"]);
});

test("nothing of the hub forks a process in another way", () => {
  const forking = globSync("**/*.ts", { cwd: SOURCE }).filter((file) =>
    /import[^;]*\bfork\b[^;]*"node:child_process"|\bcluster\b.*"node:/.test(
      readFileSync(path.join(SOURCE, file), "utf8"),
    ),
  );
  expect(forking).toEqual(["base/fork.ts"]);
});
