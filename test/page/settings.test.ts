import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CameraErrorCode } from "../../src/camera/camera-error.ts";
import { readSettings } from "../../src/settings/settings.ts";
import { CHROMIUM_COMMANDS, expectAccessible, startPage, type TestPage } from "../support/page.ts";
import { missingCommands, projectRoot } from "../support/requirements.ts";
import {
  pictureAndTone,
  RTSP_SERVER_COMMANDS,
  startRtspServer,
  type RtspServer,
} from "../support/rtsp-server.ts";
import { temporaryFolder } from "../support/temporary.ts";

const FILE = `# Our house.
name: Old name   # what visitors read

cameras:
  # above the door
  - id: front      # do not rename
    name: Front door
    main: rtsp://192.0.2.10/main   # the good one

retention:
  motion: 14d   # two weeks, we said
`;
const PASSWORD = "gH7#x/y@z:% secret";
const isMissing = missingCommands(...CHROMIUM_COMMANDS, ...RTSP_SERVER_COMMANDS);

describe.skipIf(isMissing)("cameras and settings in the page", () => {
  const folder = temporaryFolder();
  const file = path.join(folder.path, "doorward.yaml");
  const secrets = path.join(folder.path, "secrets", "cameras.yaml");
  const text = (): string => readFileSync(file, "utf8");
  let camera: RtspServer;
  let home: TestPage;
  let page: Page;
  beforeAll(async () => {
    writeFileSync(file, FILE);
    mkdirSync(path.dirname(secrets), { mode: 0o700 });
    // Its stream without sound is used: asked for one of two tracks, this server (whose sources are
    // not live) now and then waits for the other and sends nothing.
    camera = await startRtspServer({
      ...{ media: pictureAndTone(), username: "admin", password: PASSWORD },
    });
    const settings = await readSettings(folder.path, null, {});
    home = await startPage({
      hub: { dataDirectory: folder.path, settings: { ...settings, port: 0 }, clips: 1 },
      at: "#/cameras",
    });
    ({ page } = home);
    // Bell and privacy name the camera too, each as soon as it knows of it.
    await page.getByRole("heading", { name: "Front door" }).first().waitFor();
  });
  afterAll(async () => {
    await home[Symbol.asyncDispose]();
    await camera[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  const type = async (keys: string): Promise<void> => {
    await page.keyboard.press("Tab");
    await page.keyboard.insertText(keys);
  };

  test("a camera is tried and added by the keyboard alone; comments stay, its password is kept apart", async () => {
    await page.getByRole("button", { name: "Add a camera" }).focus();
    await page.keyboard.press("Enter");
    // The form takes the focus: no need to look for it.
    await page.keyboard.insertText("Garage à vélos");
    await type(camera.subUrl);
    await type("admin");
    await type("not this one");
    // Smaller stream, sound, talk, faces, what is covered, plates, how thoroughly, "Add", "Try it".
    const tabs = 9;
    for (let tab = 0; tab < tabs; tab += 1) await page.keyboard.press("Tab");
    expect(await page.evaluate("document.activeElement.textContent.trim()")).toBe("Try it");
    await page.keyboard.press("Enter");
    await page.getByText("The camera refuses this user name or password.").waitFor();
    await expectAccessible(page);
    for (let tab = 0; tab < tabs; tab += 1) await page.keyboard.press("Shift+Tab");
    await page.keyboard.insertText(PASSWORD);
    for (let tab = 0; tab < tabs; tab += 1) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByText(/It works: H\.264, 640\s×\s360/).waitFor({ timeout: 30_000 });
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Garage à vélos" }).first().waitFor();
    expect(await page.evaluate("document.activeElement.textContent.trim()")).toBe("Add a camera");

    expect(text()).toContain("id: garage-a-velos");
    expect(text()).toContain(`main: ${camera.subUrl}`);
    for (const line of ["# Our house.", "# what visitors read", "# above the door"])
      expect(text()).toContain(line);
    expect(text()).not.toContain("secret");
    expect(readFileSync(secrets, "utf8")).toContain(PASSWORD);
    expect(await page.content()).not.toContain(PASSWORD);
  });

  test("a camera that is changed is tried with the password that is kept", async () => {
    await page.getByRole("button", { name: "Change: Garage à vélos" }).click();
    await page.getByText("There is one. Leave empty to keep it.").waitFor();
    await page.getByRole("button", { name: "Try it" }).click();
    await page.getByText(/It works: /).waitFor({ timeout: 30_000 });
    const address = page.getByRole("textbox", { name: "Address of the picture" });
    await address.fill("rtsp://192.0.2.66/main");
    await page.getByRole("button", { name: "Try it" }).click();
    const alert = page.getByRole("alert");
    await alert.getByText("The hub does not take what stands in “Password”.").waitFor();
    await alert.getByText("names another host", { exact: false }).waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
    expect(await page.evaluate("document.activeElement.ariaLabel")).toBe("Change: Garage à vélos");
  });

  test("what the hub does not take is said by the field it stands in, and nothing is saved", async () => {
    const before = text();
    await page.getByRole("button", { name: "Add a camera" }).click();
    await page.getByRole("textbox", { name: "Name", exact: true }).fill("Shed");
    const address = page.getByRole("textbox", { name: "Address of the picture" });
    await address.fill("http://192.0.2.1/");
    await page.getByRole("button", { name: "Add this camera" }).click();
    await page
      .getByText("The hub does not take what stands in “Address of the picture”.")
      .waitFor();
    expect(await address.getAttribute("aria-invalid")).toBe("true");
    await expectAccessible(page);
    await page.getByRole("button", { name: "Cancel" }).click();
    expect(text()).toBe(before);
  });

  test("keeping recordings for less long warns before it is saved, for bells as for motion", async () => {
    await page.getByText(/Within a day: /).waitFor();
    const warning = page.getByText("Shorter than now", { exact: false });
    const motion = page.getByLabel("Motion and everything else");
    await motion.selectOption("30d");
    expect(await warning.count()).toBe(0);
    await motion.selectOption("");
    expect(await warning.count()).toBe(0);
    await motion.selectOption("7d");
    await warning.waitFor();
    await motion.selectOption("14d");
    await warning.waitFor({ state: "detached" });
    // As it comes, a bell stays for 90 days.
    await page.getByLabel("The bell").selectOption("60d");
    await warning.waitFor();
    expect(text()).not.toContain("60d");
    // News from the hub must not undo a choice.
    home.hub.hub.services.news.tell("cameras");
    await page.waitForTimeout(1_000);
    expect(await page.getByLabel("The bell").inputValue()).toBe("60d");
    const form = page.locator("form", { hasText: "How long recordings stay" });
    await form.getByRole("button", { name: "Save" }).click();
    await form.getByText("Saved.").waitFor();
    expect(text()).toContain("bell: 60d");
    expect(text()).toContain("# two weeks, we said");
    await page.getByText(/Within a day: /).waitFor();
  });

  test("the house's name changes here, in the menu of another device, and in the file", async () => {
    await using other = await home.another({ device: "viewer", at: "#/health" });
    const theirs = other.page.getByRole("navigation");
    await theirs.getByText("Old name").waitFor();
    await page.getByLabel("Name of the house").fill("Villa “Rosa”");
    const form = page.locator("form", { hasText: "Name of the house" });
    await form.getByRole("button", { name: "Save" }).click();
    await page.getByRole("navigation").getByText("Villa “Rosa”").waitFor();
    await theirs.getByText("Villa “Rosa”").waitFor();
    expect(text()).toContain("Villa “Rosa”");
    expect(text()).toContain("# what visitors read");
    other.expectClean();
  });

  test("a camera is removed only when asked again; its recordings stay, its password goes", async () => {
    const remove = page.getByRole("button", { name: "Remove this camera: Garage à vélos" });
    await remove.click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("Its recordings stay", { exact: false }).waitFor();
    await expectAccessible(page);
    await dialog.getByRole("button", { name: "Cancel" }).click();
    expect(text()).toContain("garage-a-velos");
    await remove.click();
    await dialog.getByRole("button", { name: "Remove this camera" }).click();
    // From the cameras, the bells and the hours alike.
    const named = page.getByRole("heading", { name: "Garage à vélos" });
    await expect.poll(() => named.count()).toBe(0);
    expect(text()).not.toContain("garage-a-velos");
    expect(existsSync(secrets) ? readFileSync(secrets, "utf8") : "").not.toContain(PASSWORD);
    expect(home.hub.hub.services.clips.counts().closed).toBeGreaterThan(0);
    home.expectClean();
  });

  test.each([
    ["en", "phone", "light"],
    ["fr", "phone", "dark"],
    ["fr", "desktop", "light"],
    ["en", "desktop", "dark"],
  ] as const)("in %s on a %s, %s: nothing for axe, nothing cut off", async (...of) => {
    const [language, viewport, scheme] = of;
    await using own = await home.another({ language, viewport, scheme, at: "#/cameras" });
    const add = language === "fr" ? "Ajouter une caméra" : "Add a camera";
    await own.page.getByRole("button", { name: add }).click();
    await own.page.locator("form select").nth(1).waitFor();
    await expectAccessible(own.page);
    const overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    expect(await own.page.evaluate(overflow)).toBeLessThanOrEqual(0);
    own.expectClean();
  });
});

describe("what may be wrong with a camera", () => {
  /** The compiler wants every code here, and no other; talking has words of its own. */
  const CODES: Readonly<Record<Exclude<CameraErrorCode, "NO_BACK_CHANNEL">, true>> = {
    ...{ UNREACHABLE: true, WRONG_PASSWORD: true, BASIC_REFUSED: true, NO_SUCH_STREAM: true },
    ...{ UNSUPPORTED_CODEC: true, REDIRECT_REFUSED: true, PROTOCOL_ERROR: true, SILENT: true },
    ...{ OTHER_HOST: true, NO_ONVIF: true, DEVICE_FAULT: true },
    SOURCE_FAILED: true,
  };
  test("has words for every code, in both languages", () => {
    const source = path.join(projectRoot, "web/page/words/camera-problem-words.ts");
    // Read as text: the module itself needs a browser's language.
    const [, english = "", french = ""] = readFileSync(source, "utf8").split(/export const \w+/);
    const sorted = (codes: readonly string[]): string => codes.toSorted(byName).join(" ");
    for (const words of [english, french])
      expect(sorted([...words.matchAll(/^ {2}([A-Z_]+):/gm)].map(([, code = ""]) => code))).toBe(
        sorted(Object.keys(CODES)),
      );
  });
});

function byName(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
