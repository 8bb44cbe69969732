import { setTimeout as sleep } from "node:timers/promises";
import { HubError } from "../../protocol/errors.ts";
import type { Listen, ListenerEvents } from "./message.ts";

const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 30_000;
/**
 * Cameras lock an account, or an address, after a few wrong log-ins, and with it whoever records
 * them: each of ours may be two of those, once as a token and once as a digest.
 */
export const RETRY_PASSWORD_MS = 300_000;
const REFUSALS: ReadonlySet<string> = new Set(["WRONG_PASSWORD", "BASIC_REFUSED"]);
/** Between two messages of one listener, beyond what is let through at once. */
const BURST = 200;
const BURST_MS = 1_000;

export interface Problem {
  readonly code: string;
  readonly message: string;
}

export interface KeptEvents extends Omit<ListenerEvents, "up"> {
  /** It begins to listen, or does so no more. */
  readonly state: (isListening: boolean, problem: Problem | null) => void;
}

/**
 * Keeps a listener going until `signal` is aborted: tried again after 1 s, 2 s, up to 30 s. Where the
 * password is refused it is tried once more if it was good before, and then after `retryPasswordMs`.
 */
export async function keepListening(
  listen: Listen,
  events: KeptEvents,
  signal: AbortSignal,
  retryPasswordMs = RETRY_PASSWORD_MS,
): Promise<void> {
  let pauseMs = RETRY_FIRST_MS;
  let wasAccepted = false;
  while (!signal.aborted) {
    // One attempt's parts all end with it, whichever of them failed.
    const attempt = new AbortController();
    const stop = (): void => attempt.abort();
    signal.addEventListener("abort", stop, { once: true });
    try {
      await listen(
        {
          up: () => {
            pauseMs = RETRY_FIRST_MS;
            wasAccepted = true;
            events.state(true, null);
          },
          message: events.message,
          contact: events.contact,
        },
        attempt.signal,
      );
      if (!signal.aborted) events.state(false, { code: "ENDED", message: "the device hung up" });
    } catch (error) {
      const problem = problemOf(error);
      if (!signal.aborted) events.state(false, problem);
      if (REFUSALS.has(problem.code)) {
        if (!wasAccepted) pauseMs = retryPasswordMs;
        wasAccepted = false;
      }
    } finally {
      attempt.abort();
      signal.removeEventListener("abort", stop);
    }
    await pause(pauseMs * (0.75 + Math.random() / 2), signal);
    pauseMs = pauseMs > RETRY_MAX_MS ? RETRY_FIRST_MS : Math.min(pauseMs * 2, RETRY_MAX_MS);
  }
}

function problemOf(error: unknown): Problem {
  if (error instanceof HubError) return { code: error.code, message: error.message };
  // Ours to mend; whatever one camera has brought about, the others' bells go on.
  return { code: "FAILED", message: error instanceof Error ? error.message : "unknown" };
}

export async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(durationMs, undefined, { signal });
  } catch {
    // Aborted: whoever waits looks at the signal.
  }
}

/**
 * Lets {@link BURST} messages a second through and has the sender wait for the rest, so that a flood
 * fills the sender's buffers and not ours.
 */
export class Throttle {
  #windowFromMs = performance.now();
  #taken = 0;

  async take(signal: AbortSignal): Promise<void> {
    const nowMs = performance.now();
    if (nowMs - this.#windowFromMs >= BURST_MS) {
      this.#windowFromMs = nowMs;
      this.#taken = 0;
    }
    this.#taken += 1;
    if (this.#taken <= BURST) return;
    await pause(this.#windowFromMs + BURST_MS - nowMs, signal);
    this.#windowFromMs = performance.now();
    this.#taken = 1;
  }
}
