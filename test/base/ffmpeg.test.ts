import { chmod, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findFfmpeg, findOnPath } from "../../src/base/ffmpeg.ts";
import { missingCommands } from "../support/requirements.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "doorward-ffmpeg-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe.skipIf(missingCommands("ffmpeg"))("where ffmpeg is installed", () => {
  test("the one on PATH is found, with its version", async () => {
    const ffmpeg = await findFfmpeg({ PATH: process.env["PATH"] });
    expect(path.isAbsolute(ffmpeg.path)).toBe(true);
    expect(ffmpeg.version).toMatch(/^\S+$/);
  });

  test("the one that DOORWARD_FFMPEG names comes first, links resolved", async () => {
    const installed = await findFfmpeg();
    const link = path.join(folder, "my-ffmpeg");
    await symlink(installed.path, link);
    expect(await findFfmpeg({ DOORWARD_FFMPEG: link })).toEqual(installed);
  });

  test("a DOORWARD_FFMPEG that does not work is an error, not a reason to take another", async () => {
    const notFfmpeg = path.join(folder, "not-ffmpeg");
    await writeFile(notFfmpeg, "#!/bin/sh\necho hello\n");
    await chmod(notFfmpeg, 0o755);
    for (const wrong of [notFfmpeg, path.join(folder, "absent"), "ffmpeg"]) {
      await expect(
        findFfmpeg({ PATH: process.env["PATH"], DOORWARD_FFMPEG: wrong }),
      ).rejects.toMatchObject({ code: "FFMPEG_MISSING" });
    }
  });
});

test("without any ffmpeg the error says what to install", async () => {
  await expect(findFfmpeg({ PATH: folder })).rejects.toMatchObject({
    code: "FFMPEG_MISSING",
    message: expect.stringContaining("apt-get install ffmpeg"),
  });
});

test("relative entries of PATH are never looked in", async () => {
  expect(await findOnPath("sh", { PATH: `.:${path.relative(process.cwd(), "/bin")}` })).toBeNull();
});
