import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import path from "node:path";
import type { Page, Worker } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import { readSettings } from "../../src/settings/settings.ts";
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

/** What the service worker looks notices up with. */
async function keptSecret(page: Page): Promise<string | null> {
  return page.evaluate<string | null>(`new Promise((resolve) => {
    const opening = indexedDB.open("doorward-notices");
    opening.onupgradeneeded = () => opening.transaction.abort();
    opening.onerror = () => resolve(null);
    opening.onsuccess = () => {
      const asked = opening.result.transaction("secret").objectStore("secret").get("subscription");
      asked.onsuccess = () => { opening.result.close(); resolve(asked.result ?? null); };
    };
  })`);
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

  /** What twelve hours do to a page that nobody opens; only what this test calls with goes on. */
  async function endPageSessions(): Promise<void> {
    await using database = openDatabase(path.join(folder.path, "doorward.db"));
    const ours = createHash("sha256").update(home.hub.owner.token).digest("hex");
    const ended = database
      .prepare("UPDATE sessions SET expires_at_ms = 1 WHERE token_sha256 <> ?")
      .run(ours);
    expect(ended.changes).toBeGreaterThan(0);
    expect(home.hub.hub.services.sessions.list()).toHaveLength(1);
  }
  /** @returns The title that is shown for a test of this device. */
  async function titleOfTest(): Promise<string | undefined> {
    const before = service.taken.length;
    await home.hub.call("POST", "/api/notifications/test", { as: home.hub.owner });
    await page.evaluate(CLOSE_ALL);
    await deliver(await pushed(before));
    await expect.poll(() => shown(page), WAIT).toHaveLength(1);
    return (await shown(page))[0]?.title;
  }

  test("say who rings also when the page's session has long run out, and neutral words without the secret", async () => {
    // Of the origin, so that notices can be looked at, and nothing that logs in.
    await page.goto(`${home.url}/door.svg`);
    await endPageSessions();
    expect(await titleOfTest()).toBe("This is the test");
    const secret = await keptSecret(page);
    expect(secret).toMatch(/^[0-9a-f]{64}$/);
    await page.evaluate(FORGET_SECRET);
    expect(await titleOfTest()).toBe("Doorward");
    await page.evaluate(CLOSE_ALL);
  });

  test("the page gives it a new one when it is opened, and so does the browser's new subscription", async () => {
    await page.goto(`${home.url}/#/notifications`);
    await expect.poll(() => keptSecret(page), WAIT).toMatch(/^[0-9a-f]{64}$/);
    const first = await keptSecret(page);
    const changed = service.subscription();
    const worker = home.context.serviceWorkers()[0];
    if (!worker) throw new Error("no worker");
    await worker.evaluate(changedTo(changed, browser));
    await expect.poll(() => keptSecret(page), WAIT).not.toBe(first);
    const { push } = home.hub.hub.services;
    const { device } = home.hub.owner.key;
    expect(push.answer(device).subscriptions).toHaveLength(1);
    expect(push.readerOf(first ?? "")).toBeNull();
    expect(push.readerOf((await keptSecret(page)) ?? "")).toBe(device);
    // Back to the one that this page has, as it would be after any change of what it knows.
    await worker.evaluate(changedTo(browser, changed));
    await expect.poll(() => push.answer(device).subscriptions[0]?.id, WAIT).toBe(idOf(browser));
    await page.goto(`${home.url}/door.svg`);
    await endPageSessions();
    expect(await titleOfTest()).toBe("This is the test");
    await page.evaluate(CLOSE_ALL);
    await page.goto(`${home.url}/#/notifications`);
    await page.getByText("Notifications are on.").waitFor();
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
      body: "Il y a du nouveau chez vous. Ouvrez pour voir.",
      silent: true,
    });
    expect(all.find(({ tag }) => tag !== over)).toMatchObject({
      ...{ tag: "doorward", title: "Doorward", body: "Something new at home. Open to see." },
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

  test("are switched off there, and by logging out: the hub pushes no more, and tells nothing", async () => {
    await page.getByRole("button", { name: "Switch off here" }).click();
    await page.getByRole("button", { name: "Switch on notifications" }).waitFor();
    const device = home.hub.owner.key.device;
    expect(home.hub.hub.services.push.answer(device).subscriptions).toEqual([]);
    expect(await keptSecret(page)).toBeNull();
    await page.getByRole("button", { name: "Switch on notifications" }).click();
    await page.getByText("Notifications are on.").waitFor();
    const secret = await keptSecret(page);
    expect(home.hub.hub.services.push.readerOf(secret ?? "")).toBe(device);
    await page.goto(`${home.url}/#/house`);
    await page.getByRole("button", { name: "Log out here" }).click();
    await expect.poll(() => keptSecret(page), WAIT).toBeNull();
    expect(home.hub.hub.services.push.readerOf(secret ?? "")).toBeNull();
    home.expectClean();
  });
});

const CLOSE_ALL = `navigator.serviceWorker.ready.then((ready) => ready.getNotifications())
  .then((all) => { for (const each of all) each.close(); })`;

const FORGET_SECRET = `new Promise((resolve, reject) => {
  const deleting = indexedDB.deleteDatabase("doorward-notices");
  deleting.onsuccess = () => resolve(null);
  deleting.onerror = () => reject(deleting.error);
})`;

/** In the service worker: the browser has made its subscription anew. */
function changedTo(now: TestSubscription, before: TestSubscription): string {
  const { endpoint, p256dh, auth } = now;
  return `(() => {
    const event = new ExtendableEvent("pushsubscriptionchange");
    Object.defineProperties(event, {
      newSubscription: { value: { toJSON: () => (${JSON.stringify({ endpoint, keys: { p256dh, auth } })}) } },
      oldSubscription: { value: { endpoint: ${JSON.stringify(before.endpoint)} } },
    });
    self.dispatchEvent(event);
  })()`;
}

function idOf({ endpoint }: TestSubscription): string {
  return createHash("sha256").update(endpoint).digest("hex").slice(0, 32);
}
