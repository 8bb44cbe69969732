import { setTimeout as sleep } from "node:timers/promises";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commandLine } from "../support/live-hub.ts";
import { processTree } from "../../src/cli/memory-scan.ts";
import type { CameraSettings } from "../../src/settings.ts";
import { CHROMIUM_COMMANDS, expectAccessible, startPage, type TestPage } from "../support/page.ts";
import { missingCommands } from "../support/requirements.ts";
import {
  pictureAndTone,
  RTSP_SERVER_COMMANDS,
  startRtspServer,
  type RtspServer,
} from "../support/rtsp-server.ts";

const isMissing = missingCommands(...CHROMIUM_COMMANDS, ...RTSP_SERVER_COMMANDS);
const WAIT = { timeout: 20_000, interval: 100 };

const ALL = ["front", "gate", "hall", "shed"] as const;

describe.skipIf(isMissing)("the live screen, with real cameras", () => {
  let server: RtspServer;
  let hanging: RtspServer;
  let home: TestPage;
  beforeAll(async () => {
    const media = pictureAndTone();
    server = await startRtspServer({ media, shared: true, mounts: { gate: media, alone: media } });
    hanging = await startRtspServer({ media, shared: true });
    home = await startPage({ at: "#/ledger", hub: { clips: 2, settings: { cameras: cameras() } } });
  });
  afterAll(async () => {
    await home[Symbol.asyncDispose]();
    await hanging[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  function cameras(): CameraSettings[] {
    return [
      camera("front", "Front door", server.mainUrl, server.subUrl),
      camera("gate", "Gate", server.url("gate")),
      camera("hall", "Hall", hanging.mainUrl),
      camera("shed", "Shed", "rtsp://127.0.0.1:1/nothing"),
    ];
  }

  async function goTo({ page, url }: TestPage, fragment: string): Promise<Page> {
    await page.goto(`${url}/${fragment}`);
    return page;
  }
  const watched = (): string[] =>
    home.hub.hub.services.live.watches.map(({ camera: of, stream }) => `${of} ${stream}`).sort();
  const cutSockets = (): void =>
    home.hub.hub.server.websocketServer.clients.forEach((socket) => socket.terminate());

  test("the one camera's picture appears, moves, says how late it is, and is in the ledger", async () => {
    // Clients of one mount share a stream, and this server fails those that come at one time.
    const front = camera("front", "Front door", server.url("alone"));
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
    for (const id of ["front", "gate", "hall"]) await playing(page, id);
    await page.getByText("The camera gives no picture.").waitFor();
    await page.getByText("ECONNREFUSED").waitFor();
    await expectAccessible(page);
    expect(watched()).toEqual(ALL.map((id) => `${id} ${id === "front" ? "sub" : "main"}`));
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    expect(await page.evaluate("document.activeElement.textContent")).toBe("Gate");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Gate", level: 1 }).waitFor();
    await playing(page, "gate");
    await expect.poll(watched).toEqual(["gate main"]);
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

  test("it goes on by itself after the recorder died, and after the socket was cut", async () => {
    const page = await goTo(home, "#/live/front");
    await playing(page, "front");
    await endIngest();
    await expect.poll(async () => (await shown(page)).state, WAIT).toBe("waiting");
    await playing(page, "front");
    await expectMoving(page);
    cutSockets();
    await expect.poll(watched).toEqual([]);
    await expect.poll(watched).toEqual(["front main"]);
    await expectMoving(page);
    home.expectClean();
  });

  test("a camera that hangs: since when it stands still, then why, then it moves", async () => {
    const page = await goTo(home, "#/live/hall");
    await playing(page, "hall");
    hanging.freeze();
    await page.getByText(/The picture stands still since \d\d:\d\d:\d\d\./).waitFor();
    await page.getByText(/Last picture: \d\d:\d\d:\d\d\./).waitFor({ timeout: 20_000 });
    hanging.thaw();
    expect((await playing(page, "hall")).state).toBe("playing");
    await expectMoving(page);
    home.expectClean();
  });

  test("on a slow computer it stays with what happens now", async () => {
    const page = await goTo(home, "#/live/front");
    await playing(page, "front");
    const cdp = await home.context.newCDPSession(page);
    await cdp.send("Emulation.setCPUThrottlingRate", { rate: 4 });
    await sleep(10_000);
    const { state, latencyMs } = await shown(page);
    await cdp.detach();
    expect(state).toBe("playing");
    console.info(`at a quarter of the speed: ${String(latencyMs)} ms behind`);
    expect(Number(latencyMs)).toBeLessThan(3_000);
    home.expectClean();
  });

  test("it is left: nothing of the picture stays, and the hub stops sending", async () => {
    const page = await goTo(home, "#/live/front");
    await playing(page, "front");
    await page.evaluate("globalThis.kept = document.querySelector('figure canvas')");
    await goTo(home, "#/ledger");
    await expect.poll(() => page.evaluate("globalThis.kept.width")).toBe(0);
    await expect.poll(watched).toEqual([]);
    home.expectClean();
  });

  test("no network: it says so and since when, over the picture; then the picture moves", async () => {
    const page = await goTo(home, "#/live/front");
    await playing(page, "front");
    await home.context.setOffline(true);
    cutSockets();
    const said = /The hub does not answer\. Trying again\. Last picture: \d\d:\d\d:\d\d\./;
    await page.getByText(said).waitFor();
    // Long enough for the page to have asked who it is, in vain.
    await sleep(5_000);
    expect(await page.getByText(said).isVisible()).toBe(true);
    await home.context.setOffline(false);
    await playing(page, "front");
    await expectMoving(page);
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
    await expect.poll(watched).toEqual([]);
    const before = home.hub.ledgerKinds().filter((kind) => kind === "live");
    await using other = await home.another({ device: "viewer", at: "#/live/front" });
    await other.page.getByText("This device may not look at the live picture.").waitFor();
    const menu = other.page.getByRole("navigation", { name: "Menu" });
    expect(await menu.getByRole("link").allInnerTexts()).not.toContain("Live");
    expect(watched()).toEqual([]);
    expect(home.hub.ledgerKinds().filter((kind) => kind === "live")).toEqual(before);
    other.expectClean();
  });
});

function camera(id: string, name: string, main: string, sub: string | null = null): CameraSettings {
  return {
    ...{ id, name, audio: false, faces: "keep", source: "rtsp", main, sub },
    ...{ username: null, password: null, allowBasic: false },
  };
}

/** What the picture says of itself, as strings. */
type Shown = Partial<Record<"state" | "player" | "latencyMs" | "firstPictureMs", string>>;

async function shown(page: Page, camera = "front"): Promise<Shown> {
  const script = `({ ...document.querySelector('figure[data-camera="${camera}"]')?.dataset })`;
  return page.evaluate<Shown>(script);
}

async function playing(page: Page, camera: string): Promise<Shown> {
  await expect.poll(async () => (await shown(page, camera)).state, WAIT).toBe("playing");
  return shown(page, camera);
}

/** Pictures of one camera: none of them black, and not one like the other. */
async function expectMoving(page: Page): Promise<void> {
  const [before, after] = [await pixels(page), await sleep(1_500).then(() => pixels(page))];
  for (const found of [before, after]) expect(found.brightest).toBeGreaterThan(60);
  expect(after.sum).not.toBe(before.sum);
}

async function pixels(page: Page): Promise<{ brightest: number; sum: number }> {
  return page.evaluate(`(() => {
    const picture = document.querySelector("figure canvas, figure video");
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [160, 90];
    const context = canvas.getContext("2d");
    context.drawImage(picture, 0, 0, 160, 90);
    const { data } = context.getImageData(0, 0, 160, 90);
    let [brightest, sum] = [0, 0];
    for (let at = 0; at < data.length; at += 4) {
      brightest = Math.max(brightest, data[at], data[at + 1], data[at + 2]);
      sum += data[at] * (at % 97) + data[at + 1] * (at % 89) + data[at + 2] * (at % 83);
    }
    return { brightest, sum };
  })()`);
}

/** The hub runs in this process, so its recorder is a child of it. */
async function endIngest(): Promise<void> {
  const ended: number[] = [];
  for (const pid of await processTree(process.pid))
    if ((await commandLine(pid)).includes("ingest-main.ts")) {
      process.kill(pid, "SIGKILL");
      ended.push(pid);
    }
  expect(ended).toHaveLength(1);
}
