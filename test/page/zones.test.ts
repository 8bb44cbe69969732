import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { TranscodeBudget } from "../../src/camera/transcode-cost.ts";
import { HubMasks } from "../../src/hub/masks.ts";
import type { CameraStatus } from "../../src/protocol/api.ts";
import { readSettings } from "../../src/settings/settings.ts";
import { FakeOnvifDevice } from "../support/onvif-device.ts";
import { FakeMasks } from "../support/onvif-masks.ts";
import { OVERHANG, SMALL_TARGETS } from "../support/page-sizes.ts";
import {
  CHROMIUM_COMMANDS,
  expectAccessible,
  startPage,
  toolsOf,
  type TestPage,
} from "../support/page.ts";
import { missingCommands } from "../support/requirements.ts";
import { pictureAndTone, RTSP_SERVER_COMMANDS, scaledCopy } from "../support/rtsp-server.ts";
import { temporaryFolder } from "../support/temporary.ts";

// Zones, privacy masks and public space as people draw them.

const isMissing = missingCommands(...CHROMIUM_COMMANDS, ...RTSP_SERVER_COMMANDS);
const WAIT = { timeout: 30_000, interval: 100 };

/** Grey of the canvas under the drawing, 0 to 255, at a share of the picture. */
const greyAt = (x: number, y: number): string => `(() => {
  const canvas = document.querySelector(".picture canvas:not(.host canvas)");
  const at = canvas.getContext("2d").getImageData(canvas.width * ${x}, canvas.height * ${y}, 1, 1);
  return (at.data[0] + at.data[1] + at.data[2]) / 3;
})()`;

/** On a computer by day and a phone by night: nothing is too faint, too small or too wide. */
async function expectToFit(page: Page): Promise<void> {
  for (const { colorScheme, width, height } of [
    { colorScheme: "light", width: 1_280, height: 800 },
    { colorScheme: "dark", width: 390, height: 844 },
  ] as const) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height });
    await expectAccessible(page);
    expect(await page.evaluate<number>(OVERHANG)).toBeLessThanOrEqual(0);
    expect(await page.evaluate<string[]>(SMALL_TARGETS)).toEqual([]);
  }
}

/** Whether a person who has just pressed a button sees it. */
const IS_IN_VIEW = (element: { getBoundingClientRect(): { top: number } }): boolean =>
  element.getBoundingClientRect().top >= 0 &&
  element.getBoundingClientRect().top <
    (globalThis as unknown as { innerHeight: number }).innerHeight;

async function dragByFinger(page: Page, from: Locator, x: number, y: number): Promise<void> {
  const box = await from.boundingBox();
  if (!box) throw new Error("nothing to take hold of");
  const tools = await toolsOf(page);
  const touch = (type: "touchStart" | "touchMove" | "touchEnd", at?: { x: number; y: number }) =>
    tools.send("Input.dispatchTouchEvent", { type, touchPoints: at ? [at] : [] });
  const start = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  await touch("touchStart", start);
  await touch("touchMove", { x: (start.x + x) / 2, y: (start.y + y) / 2 });
  await touch("touchMove", { x, y });
  await touch("touchEnd");
}

describe.skipIf(isMissing)("zones and masks in the page", () => {
  const folder = temporaryFolder();
  const file = path.join(folder.path, "doorward.yaml");
  const text = (): string => readFileSync(file, "utf8");
  const deviceMasks = new FakeMasks();
  let device: FakeOnvifDevice;
  let home: TestPage;
  let page: Page;
  beforeAll(async () => {
    device = await FakeOnvifDevice.start({ masks: deviceMasks, login: "none" });
    const input = JSON.stringify(scaledCopy(pictureAndTone()));
    writeFileSync(
      file,
      `motion: { objects: false }
cameras:
  # above the door
  - { id: front, name: Front door, source: ffmpeg, input: ${input}, faces: keep }
  - { id: side, name: Side, main: "rtsp://127.0.0.1:1/main", onvif: "${device.url}", faces: keep }
`,
    );
    const settings = await readSettings(folder.path, null, {});
    home = await startPage({
      hub: { dataDirectory: folder.path, settings: { ...settings, port: 0 } },
      at: "#/cameras",
    });
    ({ page } = home);
  });
  afterAll(async () => {
    await home[Symbol.asyncDispose]();
    await device[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  const ground = (): Locator => page.getByRole("group", { name: "Picture of Front door" });
  const isThere = (): Promise<string | null> => ground().getAttribute("data-still");
  const corner = (name: RegExp | string): Locator => page.getByRole("button", { name });

  test("a zone is drawn with mouse and finger on a still, named, and in force when it is saved", async () => {
    await page.getByRole("link", { name: "Zones and masks: Front door" }).click();
    await page.getByRole("heading", { name: "Zones and masks: Front door", level: 1 }).waitFor();
    await expect.poll(isThere, WAIT).toBe("there");
    await page.getByRole("button", { name: "New zone" }).click();
    await page.getByLabel("Name of the zone").fill("Path");
    const third = corner(/^Path, corner 3/);
    const [from, box] = [await third.boundingBox(), await ground().boundingBox()];
    if (!from || !box) throw new Error("nothing to take hold of");
    await page.mouse.move(from.x + from.width / 2, from.y + from.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.7, box.y + box.height * 0.8, { steps: 3 });
    await page.mouse.move(box.x + box.width * 0.8, box.y + box.height * 0.9);
    await page.mouse.up();
    expect(await third.getAttribute("aria-label")).toMatch(/: (79\.\d|80|80\.\d)% from the left/);
    await dragByFinger(page, corner(/^Path, corner 1/), box.x + box.width * 0.2, box.y + 40);
    expect(await corner(/^Path, corner 1/).getAttribute("aria-label")).toMatch(
      /: (19\.\d|20|20\.\d)% from the left/,
    );
    await expectAccessible(page);
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved, and in force.").waitFor();
    const [zone] = home.hub.hub.services.settings.areas("front").zones;
    expect(zone?.name).toBe("Path");
    expect(zone?.points[2]?.[0]).toBeCloseTo(0.8, 1);
    expect(zone?.points[2]?.[1]).toBeCloseTo(0.9, 1);
    expect(text()).toContain("# above the door");
    expect(home.hub.ledgerKinds().filter((kind) => kind === "settings")).toHaveLength(2);
  });

  test("public space and a mask are drawn by keyboard alone, and the budget is said meanwhile", async () => {
    const press = async (...keys: string[]): Promise<void> => {
      for (const key of keys) await page.keyboard.press(key);
    };
    await page.getByRole("button", { name: "Public space", exact: true }).focus();
    await press("Enter");
    await page.getByRole("button", { name: "New public area" }).focus();
    await press("Enter");
    await page.getByText(/^9(\.\d)?% of the picture is public; 25% is the limit\.$/).waitFor();
    // From 0.3, 0.3 to 0.6, 0.6: out to the edges of the picture.
    for (const [number, sideways, upright] of [
      ["1", "ArrowLeft", "ArrowUp"],
      ["2", "ArrowRight", "ArrowUp"],
      ["3", "ArrowRight", "ArrowDown"],
    ]) {
      await corner(`corner ${number}:`).focus();
      const keys = [sideways, sideways, sideways, upright].map((key) => `Shift+${String(key)}`);
      await press(...keys);
    }
    await page.getByText("Motion will not be recorded:", { exact: false }).waitFor();
    await press("Delete");
    expect(await corner(/corner \d:/).count()).toBe(3);
    await press("Control+z");
    expect(await corner(/corner \d:/).count()).toBe(4);
    // A corner across the others: told, and not to be saved.
    await corner("corner 4:").focus();
    await press(...Array.from({ length: 5 }, () => "Shift+ArrowUp"));
    await page.getByText("Public area 1: Its edges cross", { exact: false }).waitFor();
    expect(await page.getByRole("button", { name: "Save" }).isDisabled()).toBe(true);
    while (await page.getByText("Its edges cross", { exact: false }).isVisible())
      await press("Control+z");
    await press(...Array.from({ length: 12 }, () => "Control+z"));
    await expectAccessible(page);

    await page.getByRole("button", { name: "Privacy masks", exact: true }).focus();
    await press("Enter");
    await page.getByRole("button", { name: "New mask" }).focus();
    await press("Enter");
    await page.getByText("Corners, in per cent of the picture").focus();
    await press("Enter");
    // By numbers: the whole of what the public area covers.
    for (const [field, value] of [
      ["Corner 1, from the left", "0"],
      ["Corner 4, from the left", "0"],
    ] as const) {
      await page.getByRole("spinbutton", { name: field }).focus();
      await press("Control+a");
      await page.keyboard.type(value);
      await press("Tab");
    }
    await page.getByRole("button", { name: "Save" }).focus();
    await press("Enter");
    await page.getByText("The camera is begun anew with its masks", { exact: false }).waitFor();
    const { masks, masksShape } = home.hub.hub.services.settings.areas("front");
    expect(masks[0]?.[0]).toEqual([0, 0.3]);
    // Of the still that it was drawn on.
    expect(masksShape).toBeCloseTo(16 / 9, 1);
    // In force: the still that is taken then is black where the mask is.
    await expect.poll(isThere, WAIT).toBe("there");
    expect(await page.evaluate<number>(greyAt(0.3, 0.45))).toBeLessThan(24);
    await expectToFit(page);
  });

  test("a camera is asked to hide masks by itself, and says what it does of them", async () => {
    await page.goto(`${home.url}/#/cameras/side`);
    await page.getByRole("heading", { name: "Zones and masks: Side", level: 1 }).waitFor();
    await page.getByRole("button", { name: "Privacy masks", exact: true }).click();
    await page.getByRole("button", { name: "New mask" }).click();
    const ask = page.getByRole("button", { name: "Have the camera hide them" });
    await ask.click();
    await page.getByText("The camera says that it hides them", { exact: false }).waitFor();
    expect(deviceMasks.masks.size).toBe(1);
    // Nothing is saved by that.
    expect(home.hub.hub.services.settings.areas("side").masks).toEqual([]);
    await expectToFit(page);
    for (let count = 1; count < 5; count += 1)
      await page.getByRole("button", { name: "New mask" }).click();
    await ask.click();
    await page.getByText("The camera does not hide them", { exact: false }).waitFor();
    await page.getByText("it takes 4 masks, and these are 5", { exact: false }).waitFor();
    await expectToFit(page);
  });

  test("masks that this machine cannot paint are not saved, and what was measured is shown", async () => {
    const { masks, settings } = home.hub.hub.services;
    const [, camera] = (await readSettings(folder.path, null, {})).cameras;
    if (camera?.id !== "side") throw new Error("another camera");
    const slow = new HubMasks({
      cameras: () => [camera],
      statuses: () => [{ id: "side", width: 1_920, height: 1_080, fps: 15 } as CameraStatus],
      budget: new TranscodeBudget({
        cores: 1,
        measure: async (load) => ({ ...load, coreShare: 0.9, measuredAtMs: Date.now() }),
      }),
    });
    vi.spyOn(masks, "requirePossible").mockImplementation((id, areas) =>
      slow.requirePossible(id, areas),
    );
    await page.getByRole("button", { name: "Save" }).click();
    const alert = page.getByRole("alert");
    await alert.getByText("cannot paint these masks fast enough", { exact: false }).waitFor();
    expect(await alert.evaluate(IS_IN_VIEW)).toBe(true);
    await alert.getByText("1920 x 1080, 15 a second, takes 90 %", { exact: false }).waitFor();
    expect(settings.areas("side").masks).toEqual([]);
    // What was drawn is still there.
    expect(await page.getByRole("button", { name: /^Mask \d$/ }).count()).toBe(5);
    await expectToFit(page);
    // A refusal is an answer, which a browser writes down as an error.
    expect(home.problems.filter((problem) => !/409|422|500|503/.test(problem))).toEqual([]);
  });
});
