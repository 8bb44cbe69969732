import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM_COMMANDS, expectAccessible, startPage, type TestPage } from "../support/page.ts";
import {
  expectMoving,
  goTo,
  playing,
  rtspCamera,
  shown,
  WAIT,
  watched,
} from "../support/page-live.ts";
import { missingCommands } from "../support/requirements.ts";
import {
  pictureAndTone,
  scaledCopy,
  RTSP_SERVER_COMMANDS,
  startRtspServer,
  type RtspServer,
} from "../support/rtsp-server.ts";

const isMissing = missingCommands(...CHROMIUM_COMMANDS, ...RTSP_SERVER_COMMANDS);

const ALL = ["front", "gate", "shed"] as const;

describe.skipIf(isMissing)("the live screen, with real cameras", () => {
  let server: RtspServer;
  let home: TestPage;
  beforeAll(async () => {
    // Without sound: asked for one of two tracks, this server now and then sends nothing for 5 s.
    const media = scaledCopy(pictureAndTone());
    server = await startRtspServer({ media, shared: true, mounts: { gate: media, alone: media } });
    const cameras = [
      rtspCamera("front", "Front door", server.mainUrl, server.subUrl),
      rtspCamera("gate", "Gate", server.url("gate")),
      rtspCamera("shed", "Shed", "rtsp://127.0.0.1:1/nothing"),
    ];
    home = await startPage({ at: "#/ledger", hub: { clips: 2, settings: { cameras } } });
  });
  afterAll(async () => {
    await home[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  test("the one camera's picture appears, moves, says how late it is, and is in the ledger", async () => {
    // Clients of one mount share a stream, and this server fails those that come at one time.
    const front = rtspCamera("front", "Front door", server.url("alone"));
    await using single = await startPage({ hub: { clips: 2, settings: { cameras: [front] } } });
    const { page } = single;
    await page.getByRole("heading", { name: "Front door" }).waitFor();
    const first = await playing(page, "front");
    expect(first.player).toBe("webcodecs");
    console.info(`first picture after ${String(first.firstPictureMs)} ms`);
    expect(Number(first.firstPictureMs)).toBeLessThan(5_000);
    await expectMoving(page);
    await expect.poll(async () => Number((await shown(page)).latencyMs), WAIT).toBeLessThan(1_000);
    await expect.poll(() => page.locator("figcaption").innerText()).toMatch(/0\.\d s behind/);
    await page.getByRole("img", { name: "Live picture of Front door" }).waitFor();
    const links = page.getByRole("region", { name: "Latest events" }).getByRole("listitem");
    await expect.poll(() => links.count()).toBeGreaterThanOrEqual(2);
    // Newest first, so what was recorded before the picture was opened is last.
    expect(await links.last().getByRole("link").getAttribute("href")).toBe(
      `#/event/${String(single.hub.clips[0])}`,
    );
    expect(single.hub.ledgerKinds().filter((kind) => kind === "live")).toHaveLength(1);
    await expectAccessible(page);
    single.expectClean();
  });

  test("several are a grid of links, from sub streams; by keyboard to one, the next, and back", async () => {
    const page = await goTo(home, "#/live");
    for (const id of ["front", "gate"]) await playing(page, id);
    await page.getByText("The camera gives no picture.").waitFor();
    await page.getByText("Nothing answers at its address.", { exact: false }).waitFor();
    await expectAccessible(page);
    expect(watched(home)).toEqual(ALL.map((id) => `${id} ${id === "front" ? "sub" : "main"}`));
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Gate");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Gate", level: 1 }).waitFor();
    await playing(page, "gate");
    await expect.poll(() => watched(home)).toEqual(["gate main"]);
    await page.keyboard.press("ArrowLeft");
    await page.getByRole("heading", { name: "Front door", level: 1 }).waitFor();
    await playing(page, "front");
    await page.keyboard.press("f");
    await expect.poll(() => page.evaluate("document.fullscreenElement?.tagName")).toBe("FIGURE");
    await page.keyboard.press("f");
    await expect.poll(() => page.evaluate("document.fullscreenElement === null")).toBe(true);
    await page.keyboard.press("Escape");
    await page.getByRole("heading", { name: "Live", level: 1 }).waitFor();
  });

  test("it is left: nothing of the picture stays, and the hub stops sending", async () => {
    const page = await goTo(home, "#/live/front");
    await playing(page, "front");
    await page.evaluate("globalThis.kept = document.querySelector('figure canvas')");
    await goTo(home, "#/ledger");
    await expect.poll(() => page.evaluate("globalThis.kept.width")).toBe(0);
    await expect.poll(() => watched(home)).toEqual([]);
    home.expectClean();
  });

  test("without WebCodecs the picture plays in a video; without that too, it says what to do", async () => {
    await using other = await home.another({ at: "#/ledger" });
    const { page } = other;
    await page.addInitScript("delete globalThis.VideoDecoder");
    await goTo(other, "#/live/front");
    await page.reload();
    expect((await playing(page, "front")).player).toBe("mse");
    await expectMoving(page);
    await expect.poll(async () => Number((await shown(page)).latencyMs), WAIT).toBeLessThan(500);
    await expectAccessible(page);
    await page.addInitScript("delete globalThis.MediaSource");
    await page.reload();
    await page.getByText("This browser cannot show what the camera sends.").waitFor();
    expect((await shown(page)).state).toBe("unsupported");
    other.expectClean();
  });

  test("a device without the right is told so, and asks for no picture", async () => {
    await goTo(home, "#/ledger");
    await expect.poll(() => watched(home)).toEqual([]);
    const before = home.hub.ledgerKinds().filter((kind) => kind === "live");
    await using other = await home.another({ device: "viewer", at: "#/live/front" });
    await other.page.getByText("This device may not look at the live picture.").waitFor();
    const menu = other.page.getByRole("navigation", { name: "Menu" });
    expect(await menu.getByRole("link").allInnerTexts()).not.toContain("Live");
    expect(watched(home)).toEqual([]);
    expect(home.hub.ledgerKinds().filter((kind) => kind === "live")).toEqual(before);
    other.expectClean();
  });
});
