import path from "node:path";
import { describe, expect, test } from "vitest";
import type { LivePicture } from "../../src/camera/live-pipe.ts";
import { IngestProcess } from "../../src/ingest/process.ts";
import { MalformedInput } from "../../src/protocol/errors.ts";
import { projectRoot } from "../support/requirements.ts";

const entry = path.join(projectRoot, "test/hub/hostile-ingest-child.ts");

/** A process that says what `saying` names, and what the hub made of it. */
function hostile(saying: string, onPicture: (picture: LivePicture) => void = () => {}) {
  const malformed: string[] = [];
  const pictures: LivePicture[] = [];
  const ingest = IngestProcess.start({
    entry,
    greet: () => [{ type: "configure", clipsDirectory: saying, cameras: [] }],
    onMessage: () => undefined,
    onPicture: (picture) => {
      onPicture(picture);
      pictures.push(picture);
    },
    onMalformed: (reason) => malformed.push(reason),
    onExit: async () => {},
  });
  return { ingest, malformed, pictures };
}

async function end(ingest: IngestProcess): Promise<void> {
  // It does not listen to reason.
  if (ingest.pid !== null) process.kill(ingest.pid, "SIGKILL");
  await ingest[Symbol.asyncDispose]();
}

describe("an ingest process that a camera has taken over", () => {
  test.each(["garbage", "torn", "huge"])("is ended and begun anew: %s", async (saying) => {
    const { ingest, malformed, pictures } = hostile(saying);
    const first = ingest.pid;
    try {
      await expect.poll(() => ingest.restarts, { timeout: 20_000 }).toBeGreaterThanOrEqual(1);
      expect(malformed[0]).toMatch(/Cannot read/);
      await expect.poll(() => ingest.pid ?? first, { timeout: 20_000 }).not.toBe(first);
      // What came before it went wrong was whole.
      expect(pictures.slice(0, 2).map(({ kind }) => kind)).toEqual(["init", "fragment"]);
    } finally {
      await end(ingest);
    }
  });

  test("and so is one that shows a camera that there is not", async () => {
    const { ingest, malformed, pictures } = hostile("nothing", ({ camera }) => {
      throw new MalformedInput("camera", `Cannot take picture: there is no ${camera}`);
    });
    try {
      await expect.poll(() => ingest.restarts, { timeout: 20_000 }).toBeGreaterThanOrEqual(1);
      expect(malformed[0]).toMatch(/there is no front/);
      expect(pictures).toEqual([]);
    } finally {
      await end(ingest);
    }
  });

  test("while one that says what it should is left alone", async () => {
    const { ingest, malformed, pictures } = hostile("nothing");
    try {
      await expect.poll(() => pictures.length, { timeout: 20_000 }).toBe(2);
      expect(malformed).toEqual([]);
      expect(ingest.restarts).toBe(0);
    } finally {
      await end(ingest);
    }
  });
});
