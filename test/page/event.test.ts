import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import path from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { parseClipId } from "../../src/protocol/ids.ts";
import { CHROMIUM_COMMANDS, expectAccessible, startPage, type TestPage } from "../support/page.ts";
import { missingCommands } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { CLIP_SECONDS } from "../support/test-clips.ts";
import { firstClip } from "../support/test-hub.ts";

const isMissing = missingCommands(...CHROMIUM_COMMANDS, "ffmpeg", "ffprobe");

interface Shown {
  readonly seconds: number;
  readonly width: number;
  readonly isPaused: boolean;
  /** How far apart the darkest and the brightest of some pixels are, 0 to 255. */
  readonly contrast: number;
}

/** Runs in the browser, where these tests have no types. */
const LOOK = `(() => {
  const video = document.querySelector("video");
  if (!video || video.videoWidth === 0) return null;
  const canvas = new OffscreenCanvas(32, 18);
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0, 32, 18);
  const { data } = context.getImageData(0, 0, 32, 18);
  const greens = [...data].filter((_, index) => index % 4 === 1);
  return {
    seconds: video.currentTime, width: video.videoWidth, isPaused: video.paused,
    contrast: Math.max(...greens) - Math.min(...greens),
  };
})()`;

async function look(page: Page): Promise<Shown | null> {
  return page.evaluate<Shown | null>(LOOK);
}

/** Decoding takes its time on a machine that does other things as well. */
function expectSoon<Value>(ask: () => Promise<Value> | Value) {
  return expect.poll(ask, { timeout: 10_000 });
}

async function secondsOf(page: Page): Promise<number> {
  return (await look(page))?.seconds ?? -1;
}

function fileOf(home: TestPage, segment: number): string {
  const clip = firstClip(home.hub);
  const { clips } = home.hub.hub.services;
  return clips.pathOf(parseClipId(clip), { segment, track: "video", rendition: "original" });
}

/** Opens the first clip of the hub, and waits until it is shown. */
async function openEvent(home: TestPage): Promise<Page> {
  const { page } = home;
  await page.goto(`${home.url}/#/event/${firstClip(home.hub)}`);
  await page.getByRole("heading", { name: "Something moved" }).waitFor();
  return page;
}

describe.skipIf(isMissing)("an event", () => {
  test("plays: the picture is there and moves, and is one entry in the ledger", async () => {
    await using home = await startPage({ hub: { clips: 1 } });
    const page = await openEvent(home);
    await expectSoon(() => secondsOf(page)).toBeGreaterThan(1);
    const shown = await look(page);
    expect(shown).toMatchObject({ width: 320, isPaused: false });
    expect(shown?.contrast).toBeGreaterThan(100);
    await page.getByText(/Listed in the ledger as entry \d+, checked on this device/).waitFor();
    expect(home.hub.ledgerKinds().filter((kind) => kind === "view")).toHaveLength(1);
    await page.getByText("this device", { exact: true }).waitFor();
    // The way back: its row has its picture now.
    await page.getByRole("link", { name: "Back" }).click();
    await page.locator(`[data-event="${firstClip(home.hub)}"] canvas`).waitFor();
    home.expectClean();
  });

  test("by the keyboard: pause, a picture on and back, the last part, the beginning", async () => {
    await using home = await startPage({ hub: { clips: 1 } });
    const page = await openEvent(home);
    await expectSoon(() => secondsOf(page)).toBeGreaterThan(0.3);
    await page.keyboard.press(" ");
    await expectSoon(async () => (await look(page))?.isPaused).toBe(true);
    const at = await secondsOf(page);
    await page.keyboard.press(".");
    await expectSoon(() => secondsOf(page)).toBeCloseTo(at + 0.1, 2);
    await page.keyboard.press(",");
    await expectSoon(() => secondsOf(page)).toBeCloseTo(at, 2);
    await page.keyboard.press("End");
    await expectSoon(() => secondsOf(page)).toBeGreaterThan(CLIP_SECONDS - 0.5);
    await expectSoon(async () => (await look(page))?.contrast).toBeGreaterThan(100);
    await page.keyboard.press("Home");
    await expectSoon(() => secondsOf(page)).toBe(0);
    await page.getByRole("combobox", { name: "Speed" }).selectOption("8");
    await page.getByRole("button", { name: "Play" }).click();
    await expectSoon(() => secondsOf(page)).toBeGreaterThan(CLIP_SECONDS - 0.5);
    expect((await look(page))?.width).toBe(320);
    home.expectClean();
  });

  test("altered on the hub's disk: nothing of that part is shown, it is said, the rest plays", async () => {
    await using home = await startPage({ hub: { clips: 1 } });
    const file = fileOf(home, 0);
    const bytes = readFileSync(file);
    const at = bytes.length - 5_000;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    writeFileSync(file, bytes);
    const page = await openEvent(home);
    await page.getByText("Missing: 0:00 to 0:04. The rest plays.").waitFor();
    // Led to what is whole, and not to a moment before it.
    await expectSoon(() => secondsOf(page)).toBeGreaterThan(4.2);
    expect((await look(page))?.contrast).toBeGreaterThan(100);
    home.expectClean();
  });

  test("altered as a whole: a plain error, and nothing is shown", async () => {
    await using home = await startPage({ hub: { clips: 1 } });
    for (const segment of [0, 1, 2]) {
      const file = fileOf(home, segment);
      const bytes = readFileSync(file);
      bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
      writeFileSync(file, bytes);
    }
    const page = await openEvent(home);
    await page.getByText("This file is not what was recorded. It is not shown.").waitFor();
    expect(await look(page)).toBeNull();
    home.expectClean();
  });

  test("a file is gone from the disk: said, and the rest plays", async () => {
    await using home = await startPage({ hub: { clips: 1 } });
    rmSync(fileOf(home, 1));
    const page = await openEvent(home);
    await expectSoon(() => secondsOf(page)).toBeGreaterThan(0.5);
    await page.getByText("Missing: 0:04 to 0:08. The rest plays.").waitFor();
    await page.getByRole("combobox", { name: "Speed" }).selectOption("8");
    await expectSoon(() => secondsOf(page)).toBeGreaterThan(8.1);
    expect((await look(page))?.contrast).toBeGreaterThan(100);
  });

  test("the hub is away for a moment: it is asked again, and nothing is called missing", async () => {
    await using home = await startPage({ hub: { clips: 1 } });
    const asked = new Map<string, number>();
    await home.context.route("**/files/**", async (route) => {
      const url = route.request().url();
      asked.set(url, (asked.get(url) ?? 0) + 1);
      if (asked.get(url) === 1) await route.abort("connectionreset");
      else await route.continue();
    });
    const page = await openEvent(home);
    await page.getByRole("combobox", { name: "Speed" }).selectOption("8");
    await expectSoon(() => secondsOf(page)).toBeGreaterThan(8.1);
    expect(await page.getByText(/^Missing/).count()).toBe(0);
    expect([...asked.values()]).toEqual([2, 2, 2]);
  });

  test("keep, let go, delete with a look at what goes, take back", async () => {
    await using home = await startPage({ hub: { clips: 1 } });
    const page = await openEvent(home);
    const { retention } = home.hub.hub.services;
    const clip = parseClipId(firstClip(home.hub));
    await page.getByRole("button", { name: "Keep for 90 days" }).click();
    await page.getByText(/An owner keeps it until/).waitFor();
    const heldForMs = (retention.marksOf(clip).heldUntilMs ?? 0) - Date.now();
    expect(Math.round(heldForMs / 86_400_000)).toBe(90);
    await page.getByRole("button", { name: "Let it go at its time" }).click();
    await page.getByRole("button", { name: "Delete …" }).click();
    const dialog = page.getByRole("dialog", { name: "Delete this recording?" });
    await dialog.getByText(/Something moved, front, \d\d:\d\d:\d\d/).waitFor();
    await dialog.getByRole("button", { name: "Cancel" }).click();
    expect(retention.marksOf(clip).goesInMs).toBeNull();
    await page.getByRole("button", { name: "Delete …" }).click();
    await dialog.getByRole("button", { name: "Delete it" }).click();
    await page.getByText(/Deleted. It goes for good in (10|9) minutes/).waitFor();
    expect(retention.marksOf(clip).goesInMs).toBeGreaterThan(500_000);
    // From the list too: the row says it, and takes it back.
    await page.getByRole("link", { name: "Back" }).click();
    await page.getByText(/deleted, goes in/).waitFor();
    await page.getByRole("button", { name: /Undo the deletion: Something moved/ }).click();
    await expectSoon(() => retention.marksOf(clip).goesInMs).toBeNull();
    await page.getByText(/deleted, goes in/).waitFor({ state: "detached" });
    home.expectClean();
  });

  test("saved to the device it is one MP4 of the right length that other programs play", async () => {
    await using home = await startPage({ hub: { clips: 1 } });
    await using folder = temporaryFolder();
    const page = await openEvent(home);
    const downloading = page.waitForEvent("download");
    await page.getByRole("button", { name: "Save to this device" }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toMatch(/^front \d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d\.mp4$/);
    const file = path.join(folder.path, "saved.mp4");
    await download.saveAs(file);
    const decoded = spawnSync("ffmpeg", ["-v", "error", "-nostdin", "-i", file, "-f", "null", "-"]);
    expect([decoded.status, decoded.stderr.toString()]).toEqual([0, ""]);
    const fields = ["-count_frames", "-show_entries", "format=duration:stream=nb_read_frames"];
    const shown = spawnSync("ffprobe", ["-v", "error", ...fields, "-of", "json", file]);
    const { format, streams } = JSON.parse(shown.stdout.toString()) as {
      format: { duration: string };
      streams: { nb_read_frames: string }[];
    };
    expect(Number(format.duration)).toBeCloseTo(CLIP_SECONDS, 1);
    expect(streams.map((stream) => stream.nb_read_frames)).toEqual(["100"]);
    await page.getByText("Saved with your downloads.").waitFor();
  });

  test("a viewer sees no original: a plain word in its place, and not one file is fetched", async () => {
    await using home = await startPage({ hub: { clips: 1 }, device: "viewer" });
    const fetched: string[] = [];
    home.page.on("request", (request) => fetched.push(request.url()));
    const page = await openEvent(home);
    await page.getByRole("heading", { name: "No blurred copy" }).waitFor();
    expect(await page.locator("video").count()).toBe(0);
    expect(fetched.filter((url) => url.includes("/files/"))).toEqual([]);
    expect(await page.getByRole("button", { name: /Delete|Keep|Save/ }).count()).toBe(0);
    home.expectClean();
  });

  test.each([
    ["phone", "light"],
    ["desktop", "dark"],
  ] as const)("on a %s, %s: nothing for axe, nothing wider than the screen", async (...of) => {
    const [viewport, scheme] = of;
    await using home = await startPage({ hub: { clips: 2 }, viewport, scheme });
    const page = await openEvent(home);
    await expectSoon(() => secondsOf(page)).toBeGreaterThan(0.1);
    await page.getByRole("link", { name: "Newer event" }).waitFor();
    await expectAccessible(page);
    const overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    expect(await page.evaluate(overflow)).toBeLessThanOrEqual(0);
    await page.getByRole("button", { name: "Delete …" }).click();
    await page.getByRole("dialog").waitFor();
    await expectAccessible(page);
    home.expectClean();
  });
});
