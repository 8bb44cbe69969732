import { HubError } from "../protocol/errors.ts";
import type { OutwardLog } from "./outward.ts";
import { signatureOf, type WebhookEvent, type WebhookMessage } from "./webhook-message.ts";
import { postWebhook, type LookUp } from "./webhook-post.ts";

const TIMEOUT_MS = 5_000;
const WAITING_MAX = 32;
/** Before the second and the third try; then it is given up. */
const PAUSES_MS = [2_000, 8_000];
/** A light that goes on a minute after the bell says something wrong. */
const LATEST_MS = 60_000;

export interface Webhook {
  readonly url: string;
  readonly events: readonly WebhookEvent[];
  readonly anywhere: boolean;
}

/** How it did when it was last called; null where it never was. */
export interface WebhookTried {
  /** UTC. */
  readonly atMs: number;
  readonly problem: { readonly code: string; readonly message: string } | null;
}

export interface WebhooksOptions {
  readonly hooks: () => readonly Webhook[];
  /** Null where it could not be kept. */
  readonly secretOf: (url: string) => Uint8Array | null;
  readonly connections: OutwardLog;
  readonly nowMs: () => number;
  readonly log: (level: "warn", message: string) => void;
  /** Replaced in tests. */
  readonly lookUp?: LookUp;
  readonly pausesMs?: readonly number[];
  readonly timeoutMs?: number;
}

interface Line {
  waiting: number;
  last: Promise<void>;
  tried: WebhookTried | null;
}

/** Programs of the house that are called when something happens. Each has a line of its own. */
export class Webhooks implements AsyncDisposable {
  readonly #options: WebhooksOptions;
  readonly #lines = new Map<string, Line>();
  readonly #stop = new AbortController();

  constructor(options: WebhooksOptions) {
    this.#options = options;
  }

  /** Returns at once; a call that finds its line full is given up. */
  tell(message: WebhookMessage): void {
    for (const hook of this.#options.hooks())
      if (message.event !== "test" && hook.events.includes(message.event))
        this.#queue(hook, message);
  }

  /** Calls each once, now. @returns how each of them did, in the order of the settings. */
  async test(): Promise<readonly WebhookTried[]> {
    const at = new Date(this.#options.nowMs()).toISOString();
    return Promise.all(
      this.#options.hooks().map(async (hook) => {
        const problem = await this.#try(hook, { event: "test", camera: null, at });
        return this.#remember(hook, problem);
      }),
    );
  }

  tried(url: string): WebhookTried | null {
    return this.#lines.get(url)?.tried ?? null;
  }

  /** Resolves when nothing waits any more. */
  async settled(): Promise<void> {
    await Promise.all([...this.#lines.values()].map(({ last }) => last));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.settled();
  }

  #queue(hook: Webhook, message: WebhookMessage): void {
    const line = this.#lineOf(hook);
    if (line.waiting >= WAITING_MAX) return;
    line.waiting += 1;
    line.last = line.last
      .then(() => this.#deliver(hook, message))
      // Not what a target did, which is remembered: no call may stand in the way of the next.
      .catch(() => undefined)
      .finally(() => (line.waiting -= 1));
  }

  async #deliver(hook: Webhook, message: WebhookMessage): Promise<void> {
    const { pausesMs = PAUSES_MS } = this.#options;
    const sinceMs = performance.now();
    for (let tries = 0; ; tries += 1) {
      const isLate = performance.now() - sinceMs > LATEST_MS;
      const isTaken = this.#options.hooks().some(({ url }) => url === hook.url);
      if (isLate || !isTaken || this.#stop.signal.aborted) return;
      const problem = await this.#try(hook, message);
      this.#remember(hook, problem);
      const pauseMs = pausesMs[tries];
      // Where it leads is no accident that passes.
      if (problem === null || problem.code === "WEBHOOK_NOT_LOCAL" || pauseMs === undefined) return;
      await this.#pause(pauseMs);
    }
  }

  async #try(hook: Webhook, message: WebhookMessage): Promise<WebhookTried["problem"]> {
    const { secretOf, connections, nowMs, lookUp, timeoutMs = TIMEOUT_MS } = this.#options;
    const secret = secretOf(hook.url);
    if (!secret)
      return { code: "WEBHOOK_NO_SECRET", message: "Cannot call webhook: its secret is not kept" };
    const body = JSON.stringify(message);
    const headers = {
      "content-type": "application/json",
      "user-agent": "Doorward",
      "x-doorward-signature": signatureOf(secret, body, nowMs()),
    };
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(timeoutMs)]);
    try {
      const post = { url: new URL(hook.url), anywhere: hook.anywhere, headers, body };
      await postWebhook(post, connections, signal, lookUp);
      return null;
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      return { code: error.code, message: error.message };
    }
  }

  #remember(hook: Webhook, problem: WebhookTried["problem"]): WebhookTried {
    const line = this.#lineOf(hook);
    const isNews = problem !== null && line.tried?.problem?.message !== problem.message;
    // Its path may be a secret of whoever is called.
    if (isNews) this.#options.log("warn", `webhook ${new URL(hook.url).host}: ${problem.message}`);
    line.tried = { atMs: this.#options.nowMs(), problem };
    return line.tried;
  }

  #lineOf({ url }: Webhook): Line {
    const known = this.#lines.get(url);
    if (known) return known;
    const urls = new Set(this.#options.hooks().map((hook) => hook.url));
    for (const [old, { waiting }] of this.#lines)
      if (!urls.has(old) && waiting === 0) this.#lines.delete(old);
    const line: Line = { waiting: 0, last: Promise.resolve(), tried: null };
    this.#lines.set(url, line);
    return line;
  }

  async #pause(pauseMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, pauseMs);
    const stop = (): void => resolve();
    this.#stop.signal.addEventListener("abort", stop, { once: true });
    await promise;
    clearTimeout(timer);
    this.#stop.signal.removeEventListener("abort", stop);
  }
}
