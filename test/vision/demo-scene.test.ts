import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { visitAt } from "../../scripts/demo/scene.ts";
import { missingCommands, projectRoot } from "../support/requirements.ts";
import { eventsIn, fragmentsFromFfmpeg } from "./footage.ts";

const SCRIPT = path.join(projectRoot, "scripts/demo-scene.ts");

function demo(...more: string[]) {
  return spawn(process.execPath, [SCRIPT, ...more], { stdio: ["ignore", "pipe", "inherit"] });
}

async function digestOf(...more: string[]): Promise<{ digest: string; sizeBytes: number }> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  for await (const bytes of demo(...more).stdout) {
    hash.update(bytes as Buffer);
    sizeBytes += (bytes as Buffer).length;
  }
  return { digest: hash.digest("hex"), sizeBytes };
}

describe("the demo scene", () => {
  test("is the same for the same seed, and another for another", async () => {
    const arguments_ = ["--fast", "--size", "320x180", "--seconds", "12"];
    const [first, again, other] = [
      await digestOf(...arguments_),
      await digestOf(...arguments_),
      await digestOf(...arguments_, "--seed", "8"),
    ];
    expect(first.sizeBytes).toBe(12 * 15 * 320 * 180 * 1.5);
    expect(again).toEqual(first);
    expect(other.digest).not.toBe(first.digest);
  });

  test("comes at the pace of a camera", async () => {
    const startedMs = performance.now();
    await digestOf("--size", "320x180", "--seconds", "3");
    expect(performance.now() - startedMs).toBeGreaterThan(2_900);
  });

  test("ends quietly when nobody reads it any more", async () => {
    const child = demo("--fast", "--size", "320x180");
    child.stdout.once("data", () => child.stdout.destroy());
    const code = await new Promise((resolve) => child.once("exit", resolve));
    expect(code).toBe(0);
  });

  test("refuses a size or a rate that makes no sense", async () => {
    for (const wrong of [["--size", "100x100"], ["--rate", "0"], ["--seconds", "-1"], ["--what"]]) {
      const child = spawn(process.execPath, [SCRIPT, ...wrong], { stdio: "ignore" });
      expect(await new Promise((resolve) => child.once("exit", resolve))).toBe(2);
    }
  });

  test("has its first visit within twelve seconds, and short ones after it", () => {
    expect(visitAt(0).fromSeconds).toBeGreaterThanOrEqual(8);
    expect(visitAt(0).fromSeconds).toBeLessThanOrEqual(12);
    expect(visitAt(0).toSeconds).toBeLessThanOrEqual(30);
  });
});

describe.skipIf(missingCommands("ffmpeg", "bwrap"))("the detector on the demo scene", () => {
  test("finds every visit and nothing between them", { timeout: 180_000 }, async () => {
    const lengthSeconds = 190;
    const { stdout } = demo("--fast", "--seconds", String(lengthSeconds));
    const raw = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", "1280x720", "-r", "15"];
    const events = await eventsIn(
      await fragmentsFromFfmpeg([...raw, "-i", "pipe:0"], { stdin: stdout }),
    );
    for (let index = 0; visitAt(index).toSeconds < lengthSeconds; index += 1) {
      const { fromSeconds, toSeconds } = visitAt(index);
      const during = events.filter(({ onset, end }) => onset < toSeconds && end > fromSeconds);
      expect(during[0]?.said, `visit ${index}`).toBeLessThan(fromSeconds + 1.5);
      expect(during.at(-1)?.end, `visit ${index}`).toBeGreaterThan(toSeconds - 1.5);
    }
    const between = events.filter(({ onset, end }) => {
      const visit = visitAt(Math.max(0, Math.floor((onset - visitAt(0).fromSeconds) / 40)));
      return onset < visit.fromSeconds || end > visit.toSeconds + 0.5;
    });
    expect(between).toEqual([]);
  });
});
