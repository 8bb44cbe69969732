import path from "node:path";
import { describe, expect, test } from "vitest";
import { fetchListedClip } from "../../src/owner/listed-clip.ts";
import { sealRendition, sendRendition } from "../../src/owner/rendition.ts";
import { framesOf, requireWhole } from "../live/opened-clip.ts";
import { cliOwner } from "../support/cli-owner.ts";
import { runRedactor, startRedactPage } from "../support/redact-page.ts";
import { missingCommands } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { firstClip, startTestHub } from "../support/test-hub.ts";
import { followTestHub, openOriginals } from "../support/test-rendition.ts";

const lacks = missingCommands("chromium", "ffmpeg", "ffprobe");

describe.skipIf(lacks)("a recording of the hub", { timeout: 180_000 }, () => {
  test("is blurred in the browser, sealed, listed, and opens again as one movie with the same times", async () => {
    await using folder = temporaryFolder();
    await using hub = await startTestHub({ clips: 1, footage: "real", nowMs: "system" });
    const clip = firstClip(hub);
    const followed = await followTestHub(hub);
    const listed = await fetchListedClip(followed, clip, "release");
    const originals = await openOriginals(followed, listed, hub.owner);
    await using blur = await startRedactPage({ segments: originals.map(({ bytes }) => bytes) });
    const everything = { x: 60, y: 30, width: 120, height: 100 };
    const added = [{ id: 1, fromFrame: 0, toFrame: 99, drawn: [[0, everything]] as const }];
    expect((await runRedactor(blur.page, { added })).error).toBeNull();
    const made = originals.map(({ segment }, index) => ({
      segment,
      bytes: blur.made.get(index) ?? new Uint8Array(),
    }));
    const sealed = await sealRendition(listed, followed.keyring, made);
    await sendRendition(followed.client, clip, sealed);
    const owner = cliOwner(folder.path, hub.owner.bundle, hub.hub.url);
    const files = { original: "", blurred: "" };
    for (const rendition of ["original", "blurred"] as const) {
      files[rendition] = path.join(folder.path, `${rendition}.mp4`);
      const words = [clip, "--rendition", rendition, "--out", files[rendition]];
      const opened = await owner.owner("open", ...words);
      expect(opened.code, opened.stderr).toBe(0);
    }
    await requireWhole(files.blurred);
    const times = async (file: string) =>
      (await framesOf(file, "v")).map(({ atSeconds }) => atSeconds.toFixed(3));
    expect(await times(files.blurred)).toEqual(await times(files.original));
    expect(blur.problems).toEqual([]);
  });
});
