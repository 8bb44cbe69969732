/**
 * What this browser looks up notices with while nobody has the page open, in a database of its own:
 * written by the page's vault when it gives a subscription to the hub, read by the service worker.
 */
const DATABASE = "doorward-notices";
const STORE = "secret";
const KEY = "subscription";
const SECRET = /^[0-9a-f]{64}$/;

/** Null where none is kept. */
export async function keptSecret(): Promise<string | null> {
  const kept = await run<unknown>("readonly", (store) => store.get(KEY));
  return typeof kept === "string" && SECRET.test(kept) ? kept : null;
}

/**
 * Keeps what the hub gives, one at a time in this browser: each that it gives ends the one before.
 *
 * @param give Gives the hub a subscription, for whatever it answers.
 */
export async function renewSecret(
  give: () => Promise<{ readonly secret?: unknown } | null>,
): Promise<void> {
  await navigator.locks.request(DATABASE, async () => {
    const secret = (await give())?.secret;
    if (typeof secret === "string" && SECRET.test(secret))
      await run("readwrite", (store) => store.put(secret, KEY));
  });
}

/** @param only Leaves any other than this one: it is newer. */
export async function forgetSecret(only?: string): Promise<void> {
  await navigator.locks.request(DATABASE, async () => {
    if (only === undefined || (await keptSecret()) === only)
      await run("readwrite", (store) => store.delete(KEY));
  });
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
