import { readLiveFragment, type LiveFragment } from "../../../src/protocol/live-frame.ts";
import type { LiveClientMessage } from "../../../src/protocol/live-messages.ts";
import { HubClock } from "./hub-clock.ts";
import { readLiveMessage, type LiveInit } from "./live-message.ts";
import { SOCKET_CODES } from "./socket-codes.ts";

/**
 * - `connecting`: on the way, for the first time or after `asleep`;
 * - `open`: the hub answers; a picture may still be missing;
 * - `lost`: it does not; tried again by itself;
 * - `full`: it shows as many pictures as it can; tried again by itself;
 * - `gone`: it has no such camera any more; tried again by itself, seldom;
 * - `asleep`: closed because nobody looks at this tab; opened again when somebody does.
 */
export type SocketState = "connecting" | "open" | "lost" | "full" | "gone" | "asleep";

export interface LiveSocketHandlers {
  readonly onState: (state: SocketState) => void;
  readonly onInit: (init: LiveInit) => void;
  readonly onFragment: (fragment: LiveFragment) => void;
  readonly onSkipped: () => void;
  readonly onWaiting: (waiting: { readonly reason: string; readonly message?: string }) => void;
  /** The session is over; a new one lets the socket open again. */
  readonly onSessionOver: () => Promise<void>;
}

const RETRY_FIRST_MS = 250;
const RETRY_MAX_MS = 8_000;
const RETRY_SELDOM_MS = 15_000;
const TICK_MS = 1_000;
const PING_MS = 2_000;
/** The hub answers each ping, so this much silence is a line that is dead. */
const SILENCE_MAX_MS = 6_000;
const SILENCE_HURRIED_MS = 2_500;
/** Without a picture and without a reason for it. */
const PICTURE_MAX_MS = 5_000;
const HIDDEN_MAX_MS = 30_000;
/** A tick that comes this late: the computer slept. */
const SLEPT_MS = 10_000;

/** One camera's live socket, kept up until it is disposed of. */
export class LiveSocket {
  readonly clock = new HubClock();
  readonly #address: string;
  readonly #handlers: LiveSocketHandlers;
  #socket: WebSocket | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #hidden: ReturnType<typeof setTimeout> | undefined;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #listeners = new AbortController();
  #failures = 0;
  #isOpen = false;
  #heardAtMs = 0;
  #pingedAtMs = 0;
  #pictureAtMs = 0;
  #pictureMaxMs = PICTURE_MAX_MS;
  #knowsWhy = false;
  #tickedAtMs = Date.now();

  constructor(camera: string, stream: "main" | "sub", handlers: LiveSocketHandlers) {
    const origin = location.origin.replace(/^http/, "ws");
    this.#address = `${origin}/api/live/${encodeURIComponent(camera)}?stream=${stream}`;
    this.#handlers = handlers;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    const { signal } = this.#listeners;
    globalThis.addEventListener("online", () => this.#hurry(), { signal });
    globalThis.addEventListener("offline", () => this.#doubt(), { signal });
    document.addEventListener("visibilitychange", () => this.#visibility(), { signal });
    if (document.visibilityState === "hidden") handlers.onState("asleep");
    else this.#connect("connecting");
  }

  close(): void {
    this.#listeners.abort();
    clearInterval(this.#timer);
    clearTimeout(this.#hidden);
    const socket = this.#socket;
    // Closed on its way it would be an error in the browser's console, and nothing is wrong.
    if (socket?.readyState === WebSocket.CONNECTING) {
      this.#socket = null;
      socket.addEventListener("open", () => socket.close());
    }
    this.#drop();
  }

  /** Says nothing where the socket is not open. */
  say(message: LiveClientMessage): void {
    if (this.#isOpen) this.#socket?.send(JSON.stringify(message));
  }

  /** Begins anew at once; for a picture that does not come although the socket is open. */
  reopen(): void {
    this.#drop();
    this.#connect("lost");
  }

  #connect(state: SocketState): void {
    clearTimeout(this.#retry);
    this.#handlers.onState(state);
    this.clock.forget();
    const socket = new WebSocket(this.#address);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#isOpen = false;
    this.#heardAtMs = performance.now();
    const { signal } = this.#listeners;
    const own = (listener: (event: Event) => void) => (event: Event) => {
      if (this.#socket === socket) listener(event);
    };
    const listen = (name: string, listener: (event: Event) => void): void =>
      socket.addEventListener(name, own(listener), { signal });
    listen("open", () => this.#opened());
    listen("message", (event) => this.#take((event as MessageEvent<unknown>).data));
    listen("close", (event) => this.#closed((event as CloseEvent).code));
  }

  #opened(): void {
    this.#isOpen = true;
    this.#pictureAtMs = performance.now();
    this.#knowsWhy = false;
    this.#heardAtMs = performance.now();
    this.#handlers.onState("open");
    this.#ping();
  }

  #take(data: unknown): void {
    this.#heardAtMs = performance.now();
    try {
      if (typeof data === "string") this.#takeText(data);
      else if (data instanceof ArrayBuffer) this.#takeFragment(data);
    } catch {
      // Not what a hub sends: nothing more of this socket is believed.
      this.#lose(RETRY_MAX_MS);
    }
  }

  #takeText(text: string): void {
    const message = readLiveMessage(text);
    switch (message.type) {
      case "init":
        this.#handlers.onInit(message);
        return;
      case "skipped":
        this.#handlers.onSkipped();
        return;
      case "waiting":
        this.#knowsWhy = true;
        this.#failures = 0;
        this.#handlers.onWaiting(message);
        return;
      case "pong":
        this.clock.take(message.atMs, message.hubMs);
    }
  }

  #takeFragment(data: ArrayBuffer): void {
    const fragment = readLiveFragment(new Uint8Array(data));
    this.#failures = 0;
    if (fragment.track === "video") {
      this.#knowsWhy = false;
      this.#pictureAtMs = this.#heardAtMs;
      this.#pictureMaxMs = Math.max(PICTURE_MAX_MS, 3 * fragment.durationMs);
    }
    this.#handlers.onFragment(fragment);
  }

  #closed(code: number): void {
    const { sessionOver, cameraGone, tooManyViewers } = SOCKET_CODES;
    if (code === sessionOver) {
      this.#drop();
      this.#handlers.onState("lost");
      void this.#handlers.onSessionOver().finally(() => this.#retryIn(RETRY_FIRST_MS));
    } else if (code === cameraGone || code === tooManyViewers) {
      this.#drop();
      this.#handlers.onState(code === cameraGone ? "gone" : "full");
      this.#retryIn(RETRY_SELDOM_MS);
    } else this.#lose();
  }

  #lose(afterMs?: number): void {
    this.#drop();
    this.#handlers.onState("lost");
    const backOffMs = Math.min(RETRY_FIRST_MS * 2 ** this.#failures, RETRY_MAX_MS);
    this.#failures += 1;
    this.#retryIn((afterMs ?? backOffMs) * (0.75 + Math.random() / 2));
  }

  #retryIn(waitMs: number): void {
    clearTimeout(this.#retry);
    if (this.#listeners.signal.aborted || this.#socket) return;
    this.#retry = setTimeout(() => this.#connect("lost"), waitMs);
  }

  #drop(): void {
    clearTimeout(this.#retry);
    const socket = this.#socket;
    this.#socket = null;
    this.#isOpen = false;
    socket?.close();
  }

  #tick(): void {
    const slept = Date.now() - this.#tickedAtMs > SLEPT_MS;
    this.#tickedAtMs = Date.now();
    if (!this.#socket) return;
    const nowMs = performance.now();
    if (slept && document.visibilityState !== "hidden") this.reopen();
    else if (nowMs - this.#heardAtMs > SILENCE_MAX_MS) this.#lose();
    else if (!this.#isOpen) return;
    else if (!this.#knowsWhy && nowMs - this.#pictureAtMs > this.#pictureMaxMs) this.#lose();
    else if (nowMs - this.#pingedAtMs > PING_MS) this.#ping();
  }

  #ping(): void {
    if (!this.#isOpen || !this.#socket) return;
    this.#pingedAtMs = performance.now();
    this.say({ type: "ping", atMs: this.#pingedAtMs });
  }

  #visibility(): void {
    clearTimeout(this.#hidden);
    if (document.visibilityState !== "hidden") {
      this.#hurry();
      return;
    }
    this.#hidden = setTimeout(() => {
      this.#drop();
      this.#handlers.onState("asleep");
    }, HIDDEN_MAX_MS);
  }

  /** Looked at again, or on a network again: now, not when the timer says so. */
  #hurry(): void {
    if (document.visibilityState === "hidden") return;
    this.#failures = 0;
    if (!this.#socket) this.#connect("connecting");
    else this.#doubt();
  }

  /** Asks whether the line still stands, and does not wait long for the answer. */
  #doubt(): void {
    if (!this.#isOpen) return;
    this.#ping();
    const askedAtMs = performance.now();
    setTimeout(() => {
      if (this.#isOpen && this.#heardAtMs < askedAtMs) this.reopen();
    }, SILENCE_HURRIED_MS);
  }
}
