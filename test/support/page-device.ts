import type { Page } from "playwright-core";
import type { DeviceBundle } from "../../src/owner/device-bundle.ts";

/**
 * Puts a device of the household into a browser, as the page itself would have kept it: sealed by a
 * key that this browser makes and never shows (web/page/device/device-store.ts, owner-device.ts).
 *
 * @param page - At any address of the page's own origin.
 */
export async function putDevice(page: Page, bundle: DeviceBundle): Promise<void> {
  await page.evaluate(`(${PUT_DEVICE})(${JSON.stringify(bundle)})`);
}

/** Runs in the browser, where these tests have no types. */
const PUT_DEVICE = `async (bundle) => {
  const algorithm = { name: "AES-GCM", length: 256 };
  const key = await crypto.subtle.generateKey(algorithm, false, ["encrypt", "decrypt"]);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const content = new TextEncoder().encode(JSON.stringify(bundle));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, content);
  const device = {
    v: 1, seal: { by: "browser", key }, iv, sealed, label: bundle.label, role: bundle.role,
  };
  const database = await new Promise((resolve, reject) => {
    const request = indexedDB.open("doorward", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("device");
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const transaction = database.transaction("device", "readwrite");
  transaction.objectStore("device").put(device, "device");
  await new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });
  database.close();
}`;

/**
 * All that a browser has stored for the page, as text in which bytes stand as Latin-1 characters:
 * IndexedDB, local and session storage, caches and the cookies that scripts see.
 */
export async function storedText(page: Page): Promise<string> {
  return page.evaluate<string>(`(${READ_STORES})()`);
}

const READ_STORES = `async () => {
  const parts = [JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie];
  const latin = (bytes) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  const take = (value) => {
    if (value instanceof ArrayBuffer) parts.push(latin(new Uint8Array(value)));
    else if (ArrayBuffer.isView(value))
      parts.push(latin(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)));
    else if (value instanceof CryptoKey) parts.push(value.extractable ? "EXTRACTABLE KEY" : "key");
    else if (value !== null && typeof value === "object")
      for (const [name, each] of Object.entries(value)) { parts.push(name); take(each); }
    else parts.push(String(value));
  };
  for (const { name } of await indexedDB.databases()) {
    const database = await new Promise((resolve, reject) => {
      const request = indexedDB.open(name);
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    for (const store of database.objectStoreNames) {
      const request = database.transaction(store).objectStore(store).getAll();
      await new Promise((resolve) => { request.onsuccess = resolve; });
      take(request.result);
    }
    database.close();
  }
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys())
      take(await (await cache.match(request)).arrayBuffer());
  }
  return parts.join("\\n");
}`;
