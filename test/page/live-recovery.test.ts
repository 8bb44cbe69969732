import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { processTree } from "../../src/cli/memory-scan.ts";
import { commandLine } from "../support/live-hub.ts";
import { CHROMIUM_COMMANDS, startPage, type TestPage } from "../support/page.ts";
import {
  cutSockets,
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

describe.skipIf(isMissing)("the live picture, when something goes wrong", () => {
  let server: RtspServer;
  let hanging: RtspServer;
  let home: TestPage;
  beforeAll(async () => {
    // Without sound: asked for one of two tracks, this server now and then sends nothing for 5 s.
    const media = scaledCopy(pictureAndTone());
    server = await startRtspServer({ media, shared: true });
    hanging = await startRtspServer({ media, shared: true });
    const cameras = [
      rtspCamera("front", "Front door", server.mainUrl),
      rtspCamera("hall", "Hall", hanging.mainUrl),
    ];
    home = await startPage({ at: "#/ledger", hub: { settings: { cameras } } });
  });
  afterAll(async () => {
    await home[Symbol.asyncDispose]();
    await hanging[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  test("it goes on by itself after the recorder died, and after the socket was cut", async () => {
    const page = await goTo(home, "#/live/front");
    await playing(page, "front");
    await endIngest();
    await expect.poll(async () => (await shown(page)).state, WAIT).toBe("waiting");
    await playing(page, "front");
    await expectMoving(page);
    cutSockets(home);
    await expect.poll(() => watched(home)).toEqual([]);
    await expect.poll(() => watched(home)).toEqual(["front main"]);
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

  test("its session is ended: nothing is shown any more, until somebody logs in again", async () => {
    const page = await goTo(home, "#/live/front");
    await playing(page, "front");
    const { sessions } = home.hub.hub.services;
    for (const { session } of sessions.list()) sessions.end(session);
    await expect.poll(() => watched(home), WAIT).toEqual([]);
    await page.getByRole("button", { name: "Log in again" }).click();
    await playing(page, "front");
    await expect.poll(() => watched(home), WAIT).toEqual(["front main"]);
    await expectMoving(page);
    home.expectClean();
  });

  test("no network: it says so and since when, over the picture; then the picture moves", async () => {
    const page = await goTo(home, "#/live/front");
    await playing(page, "front");
    await home.context.setOffline(true);
    cutSockets(home);
    const said = /The hub does not answer\. Trying again\. Last picture: \d\d:\d\d:\d\d\./;
    await page.getByText(said).waitFor();
    // Long enough for the page to have asked who it is, in vain.
    await sleep(5_000);
    expect(await page.getByText(said).isVisible()).toBe(true);
    await home.context.setOffline(false);
    await playing(page, "front");
    await expectMoving(page);
  });
});

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
