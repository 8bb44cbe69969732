/** What this browser keeps of the device, in IndexedDB; used by the vault alone. */

const DATABASE = "doorward";
const STORE = "device";

/** The device's keys, sealed with AES-256-GCM. */
export interface SealedDevice {
  readonly v: 1;
  /** What unseals them: the passkey's secret, or a key that this browser never gives out. */
  readonly seal:
    | { readonly by: "passkey"; readonly credentialId: string; readonly salt: Uint8Array }
    | { readonly by: "browser"; readonly key: CryptoKey };
  readonly iv: Uint8Array;
  readonly sealed: ArrayBuffer;
  readonly label: string;
  readonly role: string;
}

/** `draft` is what a first run that was interrupted left: see founding-draft.ts. */
type ItemName = "device" | "seen" | "watch" | "draft" | "last" | "mailbox";

export async function readItem<Item>(name: ItemName): Promise<Item | null> {
  const item = await run<unknown>("readonly", (store) => store.get(name));
  return (item as Item | undefined) ?? null;
}

export async function writeItem(name: ItemName, item: unknown): Promise<void> {
  await run("readwrite", (store) => store.put(item, name));
}

export async function forgetItem(name: ItemName): Promise<void> {
  await run("readwrite", (store) => store.delete(name));
}

export async function forgetAll(): Promise<void> {
  await run("readwrite", (store) => store.clear());
}

async function run<Result>(
  mode: IDBTransactionMode,
  work: (store: IDBObjectStore) => IDBRequest<Result>,
): Promise<Result> {
  const database = await open();
  try {
    const transaction = database.transaction(STORE, mode, { durability: "strict" });
    const request = work(transaction.objectStore(STORE));
    await new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error("nothing was stored"));
    });
    return request.result;
  } finally {
    database.close();
  }
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("no storage"));
  });
}

const HKDF_INFO = new TextEncoder().encode("doorward device seal v1");

/** AES key from a passkey's secret (HKDF-SHA256, RFC 5869); it cannot be taken out again. */
export async function sealingKey(secret: Uint8Array, salt: Uint8Array): Promise<CryptoKey> {
  const material = await crypto.subtle.importKey("raw", new Uint8Array(secret), "HKDF", false, [
    "deriveKey",
  ]);
  return crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(salt), info: HKDF_INFO },
    material,
    { name: "AES-GCM", length: 256 },
    false,
    ["encrypt", "decrypt"],
  );
}

/** A key that this browser uses and never shows, not to us either. */
export async function browserKey(): Promise<CryptoKey> {
  return crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}
