import { ask } from "../device/vault.ts";
import { VaultError } from "../device/vault-messages.ts";

/** At most this often, and once more after the last change. */
const EVERY_MS = 20_000;
const SOON_MS = 1_500;

let keptAtMs = Number.NEGATIVE_INFINITY;
let timer: ReturnType<typeof setTimeout> | undefined;

/** Keeps what is known now for when the hub does not answer; soon, not at once. */
export function keepLastState(requests: number | null): () => void {
  clearTimeout(timer);
  const waitMs = Math.max(SOON_MS, keptAtMs + EVERY_MS - performance.now());
  timer = setTimeout(() => void keep(requests), waitMs);
  return () => clearTimeout(timer);
}

async function keep(requests: number | null): Promise<void> {
  keptAtMs = performance.now();
  try {
    await ask("keepLastState", { requests });
  } catch (error) {
    // The one before stays, with its own time.
    if (!(error instanceof VaultError)) throw error;
  }
}
