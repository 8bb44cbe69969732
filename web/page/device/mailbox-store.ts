import { openMemory, sealMemory } from "../../../src/owner/mailbox-memory.ts";
import { learnMailbox, type MemoryStore } from "../../../src/owner/mailbox.ts";
import { HubError } from "../../../src/protocol/errors.ts";
import { readItem, writeItem } from "./device-store.ts";
import type { OwnerDevice } from "./owner-device.ts";

/** Where the mailbox is, and what opens it: sealed to this device, in this browser. */
export function mailboxStore({ bundle }: Pick<OwnerDevice, "bundle">): MemoryStore {
  return {
    read: async () => {
      const sealed = await readItem<Uint8Array>("mailbox");
      return sealed && openMemory(bundle, sealed);
    },
    write: async (memory) => writeItem("mailbox", await sealMemory(bundle, memory)),
  };
}

/** Often enough: a place changes when an owner changes the settings. */
const LEARN_EVERY_MS = 600_000;
const KEPT_FILES = "doorward-page-";
let learntAtMs = Number.NEGATIVE_INFINITY;

/** At home, now and then; whatever stands in its way, what was asked for goes on. */
export async function learnMailboxNow(device: Pick<OwnerDevice, "bundle" | "home">): Promise<void> {
  const isDue = Date.now() - learntAtMs > LEARN_EVERY_MS;
  if (!isDue || device.bundle.role !== "owner") return;
  learntAtMs = Date.now();
  const before = await readItem<Uint8Array>("mailbox");
  try {
    const isThere = await learnMailbox(device.home, mailboxStore(device));
    // Nothing of it yet: the hub puts it there within a minute.
    if (!isThere) learntAtMs = Number.NEGATIVE_INFINITY;
    else if (before === null) await keepOwnFileAnew();
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
  }
}

/** The policy of this worker's file says whom it may ask; the kept file has that of before. */
async function keepOwnFileAnew(): Promise<void> {
  if (!("caches" in globalThis)) return;
  const names = (await caches.keys()).filter((name) => name.startsWith(KEPT_FILES));
  for (const name of names) await (await caches.open(name)).delete(location.pathname);
  await fetch(location.pathname, { cache: "reload" }).catch(() => undefined);
}
