import { writeFileSync } from "node:fs";
import path from "node:path";
import type { Page, Worker } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readSettings } from "../../src/settings.ts";
import {
  CHROMIUM_COMMANDS,
  expectAccessible,
  startPage,
  toolsOf,
  type TestPage,
} from "../support/page.ts";
import {
  startPushService,
  type PushService,
  type TestSubscription,
} from "../support/push-service.ts";
import { missingCommands } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { typeRequest } from "../support/test-consent.ts";

// Notifications as people meet them: switched on in the page, pushed by the hub over the wire, opened
// with the browser's private half, and given to the page's own service worker by the browser's tools.
// Only the browser's own push service is another: a headless one has none.

const WAIT = { timeout: 20_000, interval: 100 };
const FILE = (service: string): string => `name: Test
cameras:
  - { id: front, name: Front door, main: "rtsp://127.0.0.1:9/main" }
notify: { services: ["${service}"] }
`;

/** In the page, in place of a subscription at a service on the Internet. */
function ownService({ endpoint, p256dh, auth }: TestSubscription): string {
  return `{
    const held = "test-subscribed";
    const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0)).buffer;
    const subscription = () => {
      const key = localStorage.getItem(held);
      return key === null ? null : {
        endpoint: ${JSON.stringify(endpoint)},
        options: { userVisibleOnly: true, applicationServerKey: bytes(key) },
        toJSON: () => (${JSON.stringify({ endpoint, keys: { p256dh, auth } })}),
        unsubscribe: async () => { localStorage.removeItem(held); return true; },
      };
    };
    PushManager.prototype.getSubscription = async () => subscription();
    PushManager.prototype.subscribe = async ({ applicationServerKey }) => {
      localStorage.setItem(held, applicationServerKey);
      return subscription();
    };
  }`;
}

interface Shown {
  readonly title: string;
  readonly body: string;
  readonly tag: string;
  readonly silent: boolean;
  readonly actions: readonly { action: string; title: string }[];
}

async function shown(page: Page): Promise<Shown[]> {
  return page.evaluate<Shown[]>(`navigator.serviceWorker.ready
    .then((ready) => ready.getNotifications())
    .then((all) => all.map(({ title, body, tag, silent, actions }) => ({ title, body, tag, silent,
      actions: (actions ?? []).map(({ action, title }) => ({ action, title })) })))`);
}

async function tap(worker: Worker, tag: string, action: string): Promise<void> {
  await worker.evaluate(
    `self.registration.getNotifications({ tag: ${JSON.stringify(tag)} }).then(([notification]) =>
      self.dispatchEvent(new NotificationEvent("notificationclick", { notification, action: ${JSON.stringify(action)} })))`,
  );
}

describe.skipIf(missingCommands(...CHROMIUM_COMMANDS))("notifications in the page", () => {
  const folder = temporaryFolder();
  let service: PushService;
  let browser: TestSubscription;
  let home: TestPage;
  let page: Page;
  let deliver: (data: string) => Promise<void>;

  beforeAll(async () => {
    service = await startPushService();
    browser = service.subscription();
    writeFileSync(path.join(folder.path, "doorward.yaml"), FILE(service.host));
    const settings = await readSettings(folder.path, null, {});
    home = await startPage({
      hub: { dataDirectory: folder.path, settings: { ...settings, port: 0 } },
      at: "#/ledger",
      viewport: "phone",
      serviceWorker: true,
    });
    ({ page } = home);
    await page.evaluate("navigator.serviceWorker.ready.then(() => null)");
    const tools = await toolsOf(page);
    let registrationId = "";
    const known = Promise.withResolvers<void>();
    tools.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
      for (const each of registrations) if (!each.isDeleted) ({ registrationId } = each);
      known.resolve();
    });
    await tools.send("ServiceWorker.enable");
    deliver = async (data) => {
      if (registrationId === "") await known.promise;
      await tools.send("ServiceWorker.deliverPushMessage", {
        ...{ origin: home.url, registrationId, data },
      });
    };
    await page.addInitScript(ownService(browser));
  });
  afterAll(async () => {
    await home[Symbol.asyncDispose]();
    await service[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  /** What the hub has sent since, opened. */
  async function pushed(before: number): Promise<string> {
    await service.has(before + 1);
    const push = service.taken[before];
    if (!push) throw new Error("nothing was pushed");
    return browser.open(push.body);
  }

  test("say what comes and what leaves the house before they ask, and what to do about a no", async () => {
    await page.goto(`${home.url}/#/house`);
    await page.reload();
    await page.getByRole("link", { name: "Notifications" }).click();
    await page.getByRole("heading", { name: "On this device" }).waitFor();
    await page.getByText("What leaves the house for it is a number").waitFor();
    expect(await page.evaluate("Notification.permission")).not.toBe("granted");
    await page.getByRole("button", { name: "Send a test" }).click();
    await page.getByText("There is no way to this device yet").waitFor();
    await expectAccessible(page);
  });

  test("are switched on by one tap, and a test says how long it took", async () => {
    await home.context.grantPermissions(["notifications"], { origin: home.url });
    await page.reload();
    await page.getByRole("button", { name: "Switch on notifications" }).click();
    await page.getByText("Notifications are on.").waitFor();
    const before = service.taken.length;
    await page.getByRole("button", { name: "Send a test" }).click();
    await deliver(await pushed(before));
    await page.getByText(/Push service of the browser took it after [\d.]+ seconds?\./).waitFor();
    await page.getByText(/This device said that it had it after [\d.]+ seconds?\./).waitFor();
    expect((await shown(page)).map(({ title }) => title)).toEqual(["This is the test"]);
    await expectAccessible(page);
    await page.evaluate(CLOSE_ALL);
  });

  test("a bell is one notice, however often the push comes, and a tap leads to the door", async () => {
    const before = service.taken.length;
    expect(home.hub.hub.bells.press("front", "test")).toBe("rung");
    const push = await pushed(before);
    await deliver(push);
    await expect.poll(() => shown(page), WAIT).toHaveLength(1);
    const [first] = await shown(page);
    expect(first).toMatchObject({ title: "Somebody rings at Front door", actions: [] });
    await deliver(push);
    await expect.poll(async () => (await shown(page))[0]?.silent, WAIT).toBe(true);
    expect(await shown(page)).toHaveLength(1);
    const worker = home.context.serviceWorkers()[0];
    if (!worker || !first) throw new Error("no worker");
    await tap(worker, first.tag, "");
    await page.waitForURL(/#\/live\/front$/);
    expect(await shown(page)).toEqual([]);
  });

  test("a request can be refused from there, not approved: the button leads to where one holds", async () => {
    const before = service.taken.length;
    const request = await typeRequest(home.hub);
    await deliver(await pushed(before));
    await expect.poll(() => shown(page), WAIT).toHaveLength(1);
    const [notice] = await shown(page);
    expect(notice).toMatchObject({
      title: "A request waits for you",
      actions: [{ action: "refuse", title: "Refuse" }],
    });
    const worker = home.context.serviceWorkers()[0];
    if (!worker || !notice) throw new Error("no worker");
    await tap(worker, notice.tag, "refuse");
    await page.waitForURL(new RegExp(`#/request/${request.record.request}\\?refuse`));
    await expect
      .poll(() => page.evaluate("document.activeElement?.textContent?.trim()"), WAIT)
      .toMatch(/^Hold to refuse/);
    const { state } = (
      await home.hub.call("GET", `/api/requests/${request.record.request}`, {
        as: home.hub.owner,
      })
    ).json<{ state: string }>();
    expect(state).toBe("received");
  });

  test("what is over, or comes from nobody we know, is said neutrally and rings no second time", async () => {
    await page.evaluate(CLOSE_ALL);
    const over = "f".repeat(32);
    for (const data of [
      JSON.stringify({ notification: { tag: over, lang: "fr" } }),
      "not JSON",
      JSON.stringify({ notification: { tag: "../../api/session", title: "Approve" } }),
    ])
      await deliver(data);
    await expect.poll(() => shown(page), WAIT).toHaveLength(2);
    const all = await shown(page);
    expect(all.find(({ tag }) => tag === over)).toMatchObject({
      body: "Il y a du nouveau à votre porte. Ouvrez pour voir.",
      silent: true,
    });
    expect(all.find(({ tag }) => tag !== over)).toMatchObject({
      ...{ tag: "doorward", title: "Doorward", body: "Something at your door. Open to see." },
    });
    await page.goto(`${home.url}/#/notice/${over}`);
    await page.getByText("This notice is over, or is not for this device.").waitFor();
    await expectAccessible(page);
    await page.evaluate(CLOSE_ALL);
  });

  test("what a device is told of is chosen there, and kept by the hub", async () => {
    await page.goto(`${home.url}/#/notifications`);
    await page.getByLabel("Movement").selectOption({ label: "Summed up, at set times" });
    await page.getByRole("button", { name: "People" }).click();
    await page.getByText("Quiet hours").click();
    await page.getByRole("button", { name: "Add hours" }).click();
    await expectAccessible(page);
    await page.getByRole("button", { name: "Save" }).click();
    await page.getByText("Saved.").waitFor();
    await page.reload();
    await page.getByRole("button", { name: "People", pressed: true }).waitFor();
    expect(await page.getByLabel("Movement").inputValue()).toBe("digest");
  });

  test("are switched off there, and the hub pushes no more", async () => {
    await page.getByRole("button", { name: "Switch off here" }).click();
    await page.getByRole("button", { name: "Switch on notifications" }).waitFor();
    const device = home.hub.owner.key.device;
    expect(home.hub.hub.services.push.answer(device).subscriptions).toEqual([]);
    home.expectClean();
  });
});

const CLOSE_ALL = `navigator.serviceWorker.ready.then((ready) => ready.getNotifications())
  .then((all) => { for (const each of all) each.close(); })`;
