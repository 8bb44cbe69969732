import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import type { CameraSettings } from "../../src/settings/cameras.ts";
import { CHROMIUM_COMMANDS, expectAccessible, startPage, type TestPage } from "../support/page.ts";
import { missingCommands } from "../support/requirements.ts";
import {
  pictureAndTone,
  RTSP_SERVER_COMMANDS,
  startRtspServer,
  type RtspServer,
} from "../support/rtsp-server.ts";
import { temporaryFolder } from "../support/temporary.ts";

const isMissing = missingCommands(...CHROMIUM_COMMANDS, ...RTSP_SERVER_COMMANDS, "bwrap");

describe.skipIf(isMissing)("the health screen", () => {
  let camera: RtspServer;
  let home: TestPage;
  beforeAll(async () => {
    // Its stream without sound: asked for one of two tracks, this server now and then sends nothing.
    camera = await startRtspServer({ media: pictureAndTone() });
    // Two cameras of one name, at one address: each has a line of its own.
    const common = { source: "rtsp", main: camera.subUrl, sub: null, faces: "keep" } as const;
    const rest = { audio: false, username: null, password: null, allowBasic: false };
    const cameras: CameraSettings[] = ["front", "side"].map((id) => ({
      ...{ ...common, ...rest, id, name: "Door" },
    }));
    home = await startPage({ hub: { settings: { cameras } }, at: "#/health" });
  });
  afterAll(async () => {
    await home[Symbol.asyncDispose]();
    await camera[Symbol.asyncDispose]();
  });

  test("says that all is well only while it is, and names what is not with what to do", async () => {
    const { page } = home;
    // What is wrong with the machine that tests run on is none of theirs.
    await page.route("**/api/health", async (route) => {
      const answer = await route.fetch();
      const health = (await answer.json()) as { warnings: { code: string }[] };
      const ofMachine = ["SWAP_ON", "CORE_DUMPS_ON", "TOO_HOT"];
      const warnings = health.warnings.filter(({ code }) => !ofMachine.includes(code));
      await route.fulfill({ response: answer, json: { ...health, warnings } });
    });
    await page.reload();
    await page.getByText("All is well").waitFor({ timeout: 30_000 });
    // Folded while all is well: what there is to see of it is one line each.
    expect(await page.getByText("Door", { exact: true }).first().isVisible()).toBe(false);
    await page.getByText("2 of 2 show pictures").click();
    expect(await page.getByText("Door", { exact: true }).count()).toBe(2);
    await page.getByText("Tonight", { exact: true }).waitFor({ state: "attached" });
    await page.getByText("This machine", { exact: true }).click();
    await page.getByText("in a sandbox without network and without files").waitFor();
    await expectAccessible(page);
    await camera.cut();
    await page.getByText("2 things want your attention").waitFor({ timeout: 30_000 });
    await page.getByText("Nothing answers at its address.", { exact: false }).first().waitFor();
    expect(await page.getByText("All is well").count()).toBe(0);
    await expectAccessible(page);
    await camera.restore();
    await page.getByText("All is well").waitFor({ timeout: 40_000 });
    home.expectClean();
  });

  test("lists every connection once for what it was for, and no other", async () => {
    const { page, hub } = home;
    const address = new URL(camera.subUrl).host;
    const body = { main: camera.subUrl };
    await hub.call("POST", "/api/cameras/test", { as: hub.owner, body });
    await page.reload();
    await page.getByText("Everything this hub has ever connected to").click();
    const list = page.locator("section.connections");
    await list.getByText(address).first().waitFor();
    const lines = await list.getByRole("listitem").allTextContents();
    expect(lines.map((line) => line.replaceAll(/\s+/g, " ").trim().split(" first")[0])).toEqual([
      `${address} camera “front” open now`,
      `${address} camera “side” open now`,
      `${address} an address that was tried`,
    ]);
    home.expectClean();
  });

  test.each([
    ["en", "phone", "light"],
    ["fr", "phone", "dark"],
    ["fr", "desktop", "light"],
    ["en", "desktop", "dark"],
  ] as const)("in %s on a %s, %s: nothing for axe, nothing cut off", async (...of) => {
    const [language, viewport, scheme] = of;
    await using own = await home.another({ language, viewport, scheme, at: "#/health" });
    const groups = own.page.locator("section.groups details");
    await groups.last().waitFor();
    await expectAccessible(own.page);
    for (const group of await groups.all()) await group.locator("summary").click();
    await expectAccessible(own.page);
    const overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    expect(await own.page.evaluate(overflow)).toBeLessThanOrEqual(0);
    own.expectClean();
  });

  test("a viewer sees how the hub is, and not what it connects to", async () => {
    await using own = await home.another({ device: "viewer", at: "#/health" });
    await own.page.locator("section.groups").waitFor();
    expect(await own.page.getByText(/ever connected/).count()).toBe(0);
    expect(await own.page.getByText("Figures for other programs").count()).toBe(0);
    own.expectClean();
  });
});

describe.skipIf(isMissing)("a hub whose decoder is in no sandbox", () => {
  afterEach(() => void vi.unstubAllEnvs());

  test("says so once, with what to do, in French as well", async () => {
    // A machine without bubblewrap: its programs are looked for where there are none.
    await using folder = temporaryFolder();
    vi.stubEnv("PATH", folder.path);
    await using own = await startPage({ language: "fr", at: "#/health" });
    const { page } = own;
    await page.getByText("sans bac à sable").waitFor();
    await page.getByText("Installez bubblewrap sur la centrale", { exact: false }).waitFor();
    expect(await page.getByText("Tout va bien").count()).toBe(0);
    expect(await page.getByText("Video is decoded without a sandbox").count()).toBe(0);
    await expectAccessible(page);
  });
});
