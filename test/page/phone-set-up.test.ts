import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { Locator, Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { english as bell } from "../../web/page/screens/cameras/bell-words.en.ts";
import { english as finding } from "../../web/page/screens/cameras/find-words.en.ts";
import { english as words } from "../../web/page/screens/welcome/words.en.ts";
import { english as certificate } from "../../src/http/certificate-words.en.ts";
import { readSettings } from "../../src/settings/settings.ts";
import { DOORBELL_PROFILES, FakeOnvifDevice } from "../support/onvif-device.ts";
import { expectAccessible } from "../support/page.ts";
import { builtPage } from "../support/page-build.ts";
import { passOn, PHONE_COMMANDS, startPhone, trustAuthority, type Done } from "../support/phone.ts";
import { startPushService } from "../support/push-service.ts";
import { missingCommands, projectRoot } from "../support/requirements.ts";
import { startTestHub, type TestHub } from "../support/test-hub.ts";
import { onSheet } from "./first-run-steps.ts";

/** From what the hub prints to a phone that rings, tap by tap, as docs/guide.md counts it. */

const NAME = "doorward.local";
const VISITOR = "tns1:RuleEngine/MyRuleDetector/Visitor";
const GUIDE = path.join(projectRoot, "docs/guide.md");

/** Rows of the guide's table: `| step | taps | fields | why |`. */
function countedInGuide(): Map<string, Done> {
  const text = readFileSync(GUIDE, "utf8");
  const [, section = ""] = text.split("## Set up from a phone");
  const rows = [...section.matchAll(/^\| (?!---)([^|]+?) +\| +(\d+) +\| +(\d+) +\|/gm)];
  return new Map(
    rows.map(([, step = "", taps, fields]) => [
      step,
      { taps: Number(taps), fields: Number(fields) },
    ]),
  );
}
function sumOf(counted: Iterable<Done>): Done {
  const sum = { taps: 0, fields: 0 };
  for (const { taps, fields } of counted) {
    sum.taps += taps;
    sum.fields += fields;
  }
  return sum;
}

async function tap(target: Locator): Promise<void> {
  await target.scrollIntoViewIfNeeded();
  await target.tap();
}
const button = (page: Page, name: string): Locator =>
  page.getByRole("button", { name, exact: true });

async function typeSheet(page: Page, sheet: readonly string[]): Promise<void> {
  await page.getByRole("textbox").first().tap();
  for (const [index, word] of sheet.entries()) {
    await page.keyboard.type(word.slice(0, 4));
    if (index < sheet.length - 1) await page.keyboard.press("Space");
  }
}

interface House extends AsyncDisposable {
  readonly hub: TestHub;
  readonly home: string;
}

async function startHouse(pushHost: string): Promise<House> {
  const home = mkdtempSync(path.join(os.tmpdir(), "doorward-phone-"));
  const dataDirectory = path.join(home, "data");
  mkdirSync(dataDirectory, { mode: 0o700 });
  const file = path.join(dataDirectory, "doorward.yaml");
  writeFileSync(file, `cameras: []\nnotify:\n  services: ["${pushHost}"]\n`);
  const environment = { DOORWARD_PORT: "0" };
  const hub = await startTestHub({
    ...{ claimed: false, nowMs: "system", pageDirectory: builtPage(), dataDirectory, environment },
    lan: { addresses: () => ["127.0.0.1"], mdns: false },
    settings: await readSettings(dataDirectory, null, environment),
  });
  return {
    hub,
    home,
    [Symbol.asyncDispose]: async () => {
      await hub[Symbol.asyncDispose]();
      await rm(home, { recursive: true, force: true });
    },
  };
}

describe.skipIf(missingCommands(...PHONE_COMMANDS))("from npm start to a phone that rings", () => {
  test(
    "takes the taps and fields that the guide says, and not one more",
    {
      timeout: 120_000,
    },
    async () => {
      await using service = await startPushService();
      await using house = await startHouse(service.host);
      const { hub, home } = house;
      const done = new Map<string, Done>();
      const services = hub.hub.services;
      const subscription = service.subscription();
      await using camera = await FakeOnvifDevice.start({
        ...{ username: "admin", password: "secret", model: "Front door" },
        profiles: DOORBELL_PROFILES("rtsp://127.0.0.1:9"),
        snapshot: null,
      });

      const pem = await (async () => {
        await using phone = await startPhone({ home, names: [NAME], done });
        const { page } = phone;
        await page.goto(services.lan.state().certificatePage ?? "");
        phone.begin("Say whether you look in from away");
        await tap(button(page, certificate.question.homeButton));
        await page.getByRole("heading", { name: certificate.trust.title }).waitFor();
        phone.begin("Fetch the certificate");
        const fetched = page.waitForEvent("download");
        await tap(page.getByRole("link", { name: certificate.trust.download }).first());
        const der = readFileSync(await (await fetched).path());
        phone.begin("Open the hub");
        const hubLink = page.getByRole("link", { name: certificate.trust.open });
        expect(await hubLink.getAttribute("href")).toBe(`${services.lan.state().origin}/`);
        await tap(hubLink);
        await expect.poll(() => done.get("Open the hub")?.taps).toBe(1);
        // Not trusted yet: this browser opens nothing there.
        await expect(page.goto(`${services.lan.state().origin}/`)).rejects.toThrow(/ERR_CERT/);
        const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
        return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
      })();
      trustAuthority(home, pem);

      await using phone = await startPhone({ home, names: [NAME], done, subscription });
      const { page } = phone;
      await page.goto(`${services.lan.state().origin}/`);
      await page.getByRole("heading", { name: words.start.title }).waitFor();
      phone.begin("Read what this is");
      await tap(button(page, words.start.begin));
      phone.begin("Give the code");
      await page.getByLabel(words.names.code).tap();
      await page.keyboard.type(services.claimDesk.code.replaceAll("-", "").toLowerCase());
      await tap(button(page, words.next));
      phone.begin("Make the keys");
      await tap(button(page, words.keys.make));
      const sheet = await onSheet(page, "en");
      phone.begin("Write the sheet down");
      await tap(page.getByRole("link", { name: words.sheet.done }));
      phone.begin("Try the sheet");
      await page.getByRole("heading", { name: words.proof.title }).waitFor();
      await typeSheet(page, sheet);
      await tap(button(page, words.proof.check));
      await page.getByRole("heading", { name: words.camera.title }).waitFor();

      phone.begin("Add the doorbell");
      await tap(button(page, words.camera.find));
      const address = page.getByLabel(finding.address);
      await address.tap();
      await page.keyboard.type(camera.url);
      await tap(button(page, finding.use));
      await page.getByLabel(finding.username).tap();
      await page.keyboard.type("admin");
      await page.getByLabel(finding.password).tap();
      await page.keyboard.type("secret");
      await tap(button(page, finding.ask));
      await tap(button(page, finding.add));
      phone.begin("Press the bell, and keep its message");
      await page.getByText(bell.pressNow).waitFor();
      await expect.poll(() => camera.subscriptions.size, { timeout: 15_000 }).toBe(1);
      camera.push({
        ...{ topic: VISITOR, operation: "Changed" },
        ...{ source: { Source: "000" }, data: { State: "true" } },
      });
      await tap(page.getByRole("button", { name: new RegExp(`^${bell.keep}: .*Visitor`) }));

      phone.begin("Switch notifications on, and hear a ring");
      await tap(button(page, words.told.on));
      await passOn(service, subscription, phone, 0);
      await page.getByText(/^It rang, /).waitFor();
      await expectAccessible(page);
      phone.begin("Go to the door");
      await tap(button(page, words.told.done));
      await expect.poll(() => page.evaluate("location.hash")).toBe("#/live");

      // The bell itself: from the camera's message to a notification of the phone.
      await expect
        .poll(() => services.bells.press("front-door", "test"), { timeout: 15_000 })
        .toBe("rung");
      await passOn(service, subscription, phone, 1);
      await expect.poll(() => shownNotices(page)).toContain("Front door");

      const { taps, fields } = sumOf(done.values());
      process.stdout.write(`set-up from a phone: ${taps} taps, ${fields} typed fields\n`);
      expect(Object.fromEntries(done)).toEqual(Object.fromEntries(countedInGuide()));
      expect(readFileSync(GUIDE, "utf8")).toContain(`**${taps} taps and ${fields} typed fields**`);
      expect(phone.problems).toEqual([]);
      const [device] = [...(services.household.keyring?.devices.values() ?? [])];
      expect(device?.record.passkey?.origin).toBe(services.lan.state().origin);
    },
  );
});

/** Title and text of what the phone shows. */
function shownNotices(page: Page): Promise<string> {
  return page.evaluate(`navigator.serviceWorker.ready
    .then((registration) => registration.getNotifications())
    .then((shown) => shown.map(({ title, body }) => title + " " + body).join("\\n"))`);
}
