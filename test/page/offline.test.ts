import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM_COMMANDS, expectAccessible, startPage, type TestPage } from "../support/page.ts";
import { cutSockets } from "../support/page-live.ts";
import { assetNamed, copyOfPage, renewPage } from "../support/page-versions.ts";
import { missingCommands } from "../support/requirements.ts";
import { newReaders } from "../support/test-household.ts";
import { firstClip } from "../support/test-hub.ts";
import { temporaryFolder } from "../support/temporary.ts";

const isMissing = missingCommands(...CHROMIUM_COMMANDS);
const WAIT = { timeout: 20_000, interval: 100 };

interface Kept {
  readonly path: string;
  readonly policy: string;
  readonly bytes: number;
}

/** Every answer that the page's caches hold. */
async function kept(page: Page): Promise<Kept[]> {
  return page.evaluate<Kept[]>(`(async () => {
    const found = [];
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) {
        const answer = await cache.match(request);
        const { pathname, search } = new URL(request.url);
        found.push({ path: pathname + search, policy: answer.headers.get("content-security-policy"),
          bytes: (await answer.arrayBuffer()).byteLength });
      }
    }
    return found;
  })()`);
}

async function workerOf(page: Page): Promise<string> {
  return page.evaluate<string>(`navigator.serviceWorker.getRegistration().then((found) =>
    found?.active?.state ?? found?.installing?.state ?? "none")`);
}

/** What lies in the vault's storage beside the keys. */
async function storedItems(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(`new Promise((resolve, reject) => {
    const opening = indexedDB.open("doorward");
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const asked = opening.result.transaction("device").objectStore("device").getAllKeys();
      asked.onsuccess = () => { opening.result.close(); resolve(asked.result); };
    };
  })`);
}

const SEALED = `new Promise((resolve) => {
  const opening = indexedDB.open("doorward");
  opening.onsuccess = () => {
    const asked = opening.result.transaction("device").objectStore("device").get("last");
    asked.onsuccess = () => { opening.result.close(); resolve(asked.result?.state !== null
      && asked.result?.state !== undefined); };
  };
})`;

async function stateKept(page: Page): Promise<void> {
  await expect.poll(() => page.evaluate<boolean>(SEALED), WAIT).toBe(true);
}

const folder = temporaryFolder();
/** The page's files, which the last of these tests change. */
const directory = path.join(folder.path, "page");
let home: TestPage;
let page: Page;
beforeAll(async () => {
  if (isMissing) return;
  home = await startPage({
    ...{ serviceWorker: true, viewport: "phone", hub: { clips: 3 } },
    pageDirectory: copyOfPage(directory),
  });
  ({ page } = home);
  await page.getByRole("navigation").waitFor();
});
afterAll(async () => {
  if (!isMissing) await home[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

describe.skipIf(isMissing)("the page without its hub", () => {
  test("keeps its own files with their policies, and nothing of what the hub says", async () => {
    await expect.poll(() => workerOf(page), WAIT).toBe("activated");
    await page.goto(`${home.url}/#/event/${firstClip(home.hub)}`);
    await page.locator("video").first().waitFor();
    await page.goto(`${home.url}/#/live`);
    await stateKept(page);
    const files = await kept(page);
    expect(files.length).toBeGreaterThan(50);
    for (const { path: name, policy, bytes } of files) {
      expect(name).toMatch(/^\/$|^\/door\.svg$|^\/assets\/[\w.-]+\.(?:js|css)$/);
      expect(policy, name).toMatch(/^default-src 'none'; .*require-trusted-types-for 'script'/);
      expect(bytes, name).toBeGreaterThan(0);
    }
    home.expectClean();
  });

  test("opens with what was known last and says of when; back again, it goes on by itself", async () => {
    await home.context.setOffline(true);
    await page.reload();
    await page.getByText(/^As of \d\d:\d\d\. The hub cannot be reached/).waitFor();
    expect(await page.getByRole("listitem").count()).toBe(3);
    await page.getByText("No request waited for a decision.").waitFor();
    expect(await page.locator("img, video, canvas").count()).toBe(0);
    expect(await page.getByRole("navigation").count()).toBe(0);
    await expectAccessible(page);
    await home.context.setOffline(false);
    await page.getByRole("navigation").waitFor();
  });

  test("a device that is shown out or removed keeps the page, and nothing that it knew", async () => {
    await using other = await home.another({ device: "adult", serviceWorker: true });
    await other.page.getByRole("navigation").waitFor();
    await expect.poll(() => workerOf(other.page), WAIT).toBe("activated");
    await stateKept(other.page);
    if (!other.device) throw new Error("this browser has no device");
    await other.page.evaluate(KEEP_MAILBOX);
    const readers = await newReaders(home.hub.hub.services.household.keyring);
    await home.hub.change({ kind: "remove", device: other.device.key.device, readers });
    await other.page.getByRole("heading", { name: "This device is locked" }).waitFor(WAIT);
    expect(await storedItems(other.page)).not.toContain("last");
    await other.page.reload();
    const unlock = other.page.getByRole("button", { name: "Unlock with the passkey" });
    await other.page.getByRole("heading", { name: "This device is locked" }).waitFor(WAIT);
    if ((await unlock.count()) > 0) await unlock.click();
    await expect.poll(() => storedItems(other.page), WAIT).not.toContain("mailbox");
    await other.context.setOffline(true);
    await other.page.reload();
    await other.page.getByText("Nothing was kept on this device to show.").waitFor();
    expect(await other.page.getByText("As of").count()).toBe(0);
  });
});

describe.skipIf(isMissing)("versions of the page", () => {
  const bar = () => page.getByText("A newer version of this page is there.");
  const script = async (): Promise<string> =>
    page.evaluate<string>(`document.querySelector("script[type=module]").src`);
  /** Gone when the page is loaded again. */
  const mark = async (): Promise<unknown> => page.evaluate(`globalThis.mark = "the same page"`);
  const isMarked = async (): Promise<boolean> => page.evaluate<boolean>(`"mark" in globalThis`);

  test("a newer one is taken by a tap, whole, and not while somebody looks at an event", async () => {
    await expect.poll(() => workerOf(page), WAIT).toBe("activated");
    await page.goto(`${home.url}/#/event/${firstClip(home.hub)}`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await mark();
    const before = await script();
    renewPage(directory, "b");
    cutSockets(home);
    await bar().waitFor(WAIT);
    // Loaded when it is first looked at: of the version that is open, which the hub has no more.
    await page.getByRole("link", { name: "House" }).click();
    await page.getByRole("heading", { name: "House", exact: true }).waitFor();
    expect(await isMarked()).toBe(true);
    await page.getByRole("button", { name: "Load it" }).click();
    await expect.poll(script, WAIT).not.toBe(before);
    await page.getByRole("navigation").waitFor();
    expect([await isMarked(), await bar().count()]).toEqual([false, 0]);
  });

  test("and by itself where nobody looks, once; not while an event is open", async () => {
    await expect.poll(() => workerOf(page), WAIT).toBe("activated");
    await page.goto(`${home.url}/#/event/${firstClip(home.hub)}`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await mark();
    const before = await script();
    renewPage(directory, "c");
    cutSockets(home);
    await bar().waitFor(WAIT);
    const hide = `Object.defineProperty(document, "visibilityState", { get: () => "hidden" });
      document.dispatchEvent(new Event("visibilitychange"))`;
    await page.evaluate(hide);
    expect(await isMarked()).toBe(true);
    await page.evaluate(`location.hash = "#/live"`);
    await page.getByRole("heading", { name: "Live" }).waitFor();
    await page.evaluate(`document.dispatchEvent(new Event("visibilitychange"))`);
    await expect.poll(script, WAIT).not.toBe(before);
    await page.getByRole("navigation").waitFor();
    await expect.poll(bar().count.bind(bar()), WAIT).toBe(0);
  });

  test("what is cut off, or another page under this name, is never kept as ours", async () => {
    await expect.poll(() => workerOf(page), WAIT).toBe("activated");
    await page.reload();
    await page.getByRole("navigation").waitFor();
    await expect.poll(bar().count.bind(bar()), WAIT).toBe(0);
    const file = assetNamed(directory, "Health-");
    renewPage(directory, "d");
    const whole = assetNamed(directory, "Health-");
    expect(whole).not.toBe(file);
    const bytes = readFileSync(whole);
    const name = `/assets/${path.basename(whole)}`;
    for (const wrong of [bytes.subarray(0, bytes.length / 2), "<!doctype html><p>Sign in"]) {
      writeFileSync(whole, wrong);
      const state = await page.evaluate<string>(`navigator.serviceWorker.getRegistration().then(
        (found) => new Promise((resolve) => {
          found.addEventListener("updatefound", () => {
            const worker = found.installing;
            worker.addEventListener("statechange", () => resolve(worker.state));
          });
          found.update().catch(() => resolve("refused"));
        }))`);
      expect(state).toBe("redundant");
      expect((await kept(page)).map((each) => each.path)).not.toContain(name);
    }
    expect(await bar().count()).toBe(0);
    writeFileSync(whole, bytes);
    cutSockets(home);
    await bar().waitFor(WAIT);
    expect((await kept(page)).map((each) => each.path)).toContain(name);
  });
});

/** As a device that was once told of a mailbox; what lies in it is sealed, and opened by nobody here. */
const KEEP_MAILBOX = `new Promise((resolve, reject) => {
  const request = indexedDB.open("doorward", 1);
  request.onsuccess = () => {
    const transaction = request.result.transaction("device", "readwrite");
    transaction.objectStore("device").put(new Uint8Array(8), "mailbox");
    transaction.oncomplete = () => {
      request.result.close();
      resolve(null);
    };
    transaction.onabort = () => reject(transaction.error);
  };
})`;
