import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readSettings } from "../../src/settings/settings.ts";
import { FakeOnvifDevice } from "../support/onvif-device.ts";
import { CHROMIUM_COMMANDS, expectAccessible, startPage, type TestPage } from "../support/page.ts";
import { missingCommands } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temporary.ts";

const VISITOR = "tns1:RuleEngine/MyRuleDetector/Visitor";
const MOTION = "tns1:RuleEngine/CellMotionDetector/Motion";
const HOSTILE = "tns1:Bell/<img src=x onerror=alert(1)>";

describe.skipIf(missingCommands(...CHROMIUM_COMMANDS))("bells in the page", () => {
  const folder = temporaryFolder();
  const file = path.join(folder.path, "doorward.yaml");
  let device: FakeOnvifDevice;
  let home: TestPage;
  let page: Page;
  /** A program of the house, which answers with this. */
  let status = 503;
  const program = http.createServer((request, response) => {
    request.resume();
    response.writeHead(status).end();
  });
  const place = (): string => `127.0.0.1:${(program.address() as AddressInfo).port}`;
  beforeAll(async () => {
    device = await FakeOnvifDevice.start({ username: "admin", password: "geheim!1" });
    const camera = `  - id: front\n    name: Front door\n    main: rtsp://127.0.0.1:1/main\n    onvif: ${device.url}\n`;
    await once(program.listen(0, "127.0.0.1"), "listening");
    const hook = `  - { url: "http://${place()}/secret-path", events: [bell, camera-away] }`;
    // Nobody listens on this port.
    const broker = "mqtt: { url: mqtt://127.0.0.1:1 }\nhomeAssistant: { discovery: true }";
    writeFileSync(file, `# Ours.\ncameras:\n${camera}${broker}\nwebhooks:\n${hook}\n`);
    mkdirSync(path.join(folder.path, "secrets"), { mode: 0o700 });
    const secrets = "front:\n  user: admin\n  password: geheim!1\n";
    writeFileSync(path.join(folder.path, "secrets", "cameras.yaml"), secrets, { mode: 0o600 });
    const settings = await readSettings(folder.path, null, {});
    home = await startPage({
      hub: { dataDirectory: folder.path, settings: { ...settings, port: 0 }, nowMs: "system" },
      at: "#/cameras",
    });
    ({ page } = home);
    await page.getByRole("heading", { name: "Bells" }).waitFor();
  });
  afterAll(async () => {
    await home[Symbol.asyncDispose]();
    await device[Symbol.asyncDispose]();
    program.close();
    await folder[Symbol.asyncDispose]();
  });

  test("a press is shown with the likely one first, what a camera writes as text, and one is kept", async () => {
    await page.getByRole("button", { name: "Teach the bell" }).click();
    await expect.poll(() => device.subscriptions.size, { timeout: 15_000 }).toBe(1);
    device.push(
      { topic: MOTION, operation: "Changed", data: { IsMotion: "true" } },
      { topic: HOSTILE, operation: "Changed", data: { State: "<b>on</b>" } },
      { topic: VISITOR, operation: "Changed", source: { Source: "000" }, data: { State: "true" } },
    );
    const lesson = page.getByRole("region", { name: /Press the button now/ });
    await lesson.getByText("RuleEngine/MyRuleDetector/Visitor").waitFor();
    const rows = lesson.getByRole("listitem");
    expect(await rows.count()).toBe(3);
    expect(await rows.first().textContent()).toContain("Visitor");
    expect(await rows.first().textContent()).toContain("Likely");
    expect(await lesson.locator("img, b").count()).toBe(0);
    await expectAccessible(page);
    await rows
      .first()
      .getByRole("button", { name: /^Keep this one/ })
      .click();
    await page.getByText("Message of the camera (ONVIF): Listening").waitFor();
    expect(readFileSync(file, "utf8")).toMatch(
      /# Ours\.[^]*topic: RuleEngine\/MyRuleDetector\/Visitor/,
    );
  });

  test("it can be tried, says when it was pressed last, and is taken away again", async () => {
    await page.getByRole("button", { name: "Ring now" }).click();
    await page.getByText("It rang.").waitFor();
    await page.getByText(/The camera sent no picture then/).waitFor();
    // Beside the bell that is there, too.
    await page.getByRole("button", { name: "Have a program call as well" }).waitFor();
    await page.getByRole("button", { name: /^Remove: Message of the camera/ }).click();
    await page.getByText("No bell yet.").waitFor();
    expect(await page.evaluate("document.activeElement.textContent.trim()")).toBe("Teach the bell");
    await page.getByRole("button", { name: "Have a program call instead" }).click();
    await page.getByText(/\/api\/bells\/front\/ring\/[0-9a-f]{48}$/).waitFor();
    expect(await page.getByRole("button", { name: /^Have a program call/ }).count()).toBe(0);
    await expectAccessible(page);
  });

  test("an owner sees what programs of the house are told and tries them, and nobody else does", async () => {
    const programs = page.getByRole("region", { name: "Programs of the house" });
    await programs.getByText(/It is not told: 127\.0\.0\.1:1 does not take/).waitFor();
    await programs.getByText("The broker cannot be reached.").waitFor();
    await programs.getByText(place(), { exact: true }).waitFor();
    await programs.getByText(/somebody rings, a camera does not answer/).waitFor();
    expect(await programs.textContent()).not.toContain("secret-path");
    const tried = programs.getByRole("button", { name: "Call each once, to try it" });
    await tried.click();
    await programs.getByText("1 of 1 did not take the call.").waitFor();
    await programs.getByText(/The program there answered that it does not take it/).waitFor();
    await programs.getByText(/it answered 503/).waitFor();
    await expectAccessible(page);
    status = 204;
    await tried.click();
    await programs.getByText("It took the call.").waitFor();
    expect(await programs.getByText(/it answered 503/).count()).toBe(0);
    await using other = await home.another({ device: "adult", at: "#/cameras" });
    await other.page.getByRole("alert").first().waitFor();
    expect(await other.page.getByText("Programs of the house").count()).toBe(0);
  });

  test("an open page says where somebody rings, on whatever screen, until it is put aside", async () => {
    const { bells } = home.hub.hub.services;
    const banner = page.getByRole("status").filter({ hasText: "Somebody rings: Front door" });
    // Two within three seconds are one.
    const press = (): unknown => bells.press("front", "test");
    await expect.poll(press, { timeout: 15_000 }).toBe("rung");
    await banner.waitFor();
    await expectAccessible(page);
    await page.getByRole("button", { name: "Put aside: Front door" }).press("Enter");
    await banner.waitFor({ state: "detached" });
    await expect.poll(press, { timeout: 15_000 }).toBe("rung");
    await page.getByRole("link", { name: "Look: Front door" }).click();
    await banner.waitFor({ state: "detached" });
    expect(page.url()).toMatch(/#\/live\/front$/);
  });
});
