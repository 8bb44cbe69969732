import { sessionEnded } from "../device/device.svelte.ts";

/**
 * What happens at the hub, as it happens: one socket for the whole page. A screen that shows
 * clips reads `news.clips` in an effect and asks again when it counts up.
 */
const TOPICS = ["clips", "requests", "cameras", "bells", "ledger", "keyring", "pairings"] as const;
export type Topic = (typeof TOPICS)[number];

const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 15_000;
/** The hub says something at least every 20 s. */
const SILENCE_MS = 50_000;
/** Until a socket must have opened, and until a hub that is asked must have answered. */
const OPEN_MAX_MS = 10_000;
const ANSWER_MAX_MS = 5_000;
/** A tick that comes this late: the computer slept, or the page was frozen. */
const TICK_MS = 5_000;
const SLEPT_MS = 15_000;
const SESSION_OVER = 4401;

const counters: Record<Topic, number> = $state({
  ...{ clips: 0, requests: 0, cameras: 0, bells: 0, ledger: 0, keyring: 0, pairings: 0 },
});
let connection = $state<"connecting" | "connected" | "lost">("connecting");
let reconnections = $state(0);

export const news = {
  get connection(): "connecting" | "connected" | "lost" {
    return connection;
  },
  /** Counts up when the hub was lost and is back: everything shown may be old. */
  get reconnections(): number {
    return reconnections;
  },
  /** Counts up with everything new about a topic. */
  of(topic: Topic): number {
    return counters[topic] + reconnections;
  },
};

/** Told everything that the hub says, as it comes. */
export const takers = new Set<(data: unknown) => void>();

let socket: WebSocket | null = null;
let failures = 0;
let retry: ReturnType<typeof setTimeout> | undefined;
let silence: ReturnType<typeof setTimeout> | undefined;
let ticks: ReturnType<typeof setInterval> | undefined;
let openedAtMs = 0;
let isWanted = false;

/** Keeps the socket up until {@link stopNews}. */
export function startNews(): void {
  if (isWanted) return;
  isWanted = true;
  connect();
  globalThis.addEventListener("online", hurry);
  document.addEventListener("visibilitychange", hurry);
  document.addEventListener("resume", hurry);
  let tickedAtMs = Date.now();
  clearInterval(ticks);
  ticks = setInterval(() => {
    if (Date.now() - tickedAtMs > SLEPT_MS) hurry();
    tickedAtMs = Date.now();
  }, TICK_MS);
}

export function stopNews(): void {
  isWanted = false;
  clearTimeout(retry);
  clearTimeout(silence);
  clearInterval(ticks);
  const left = socket;
  socket = null;
  left?.close();
}

/** Back from sleep, from another tab, or on a network again: now, not when the timer says so. */
function hurry(): void {
  if (!isWanted || document.visibilityState === "hidden") return;
  failures = 0;
  if (socket?.readyState === WebSocket.OPEN) {
    listenFor(ANSWER_MAX_MS);
    socket.send('{"type":"ping"}');
  } else if (!socket || performance.now() - openedAtMs > ANSWER_MAX_MS) connect();
}

function connect(): void {
  clearTimeout(retry);
  // One that is still on its way, or that hears nothing any more, is left to itself.
  const left = socket;
  const opened = new WebSocket(`${location.origin.replace(/^http/, "ws")}/api/news`);
  socket = opened;
  left?.close();
  openedAtMs = performance.now();
  listenFor(OPEN_MAX_MS);
  opened.addEventListener("open", () => {
    if (socket !== opened) return;
    if (connection === "lost") reconnections += 1;
    connection = "connected";
    failures = 0;
    listenFor(SILENCE_MS);
  });
  opened.addEventListener("message", (event: MessageEvent<unknown>) => {
    if (socket !== opened) return;
    listenFor(SILENCE_MS);
    const topic = topicOf(event.data);
    if (topic) counters[topic] += 1;
    for (const take of takers) take(event.data);
  });
  opened.addEventListener("close", ({ code }) => {
    if (socket === opened) lost(code);
  });
}

/** Not told by the browser alone: a dead line's socket may take long to say that it is closed. */
function lost(code: number): void {
  const left = socket;
  socket = null;
  left?.close();
  clearTimeout(silence);
  if (!isWanted) return;
  connection = "lost";
  failures += 1;
  // Refused at once, as it is where the session is over, looks like a hub that is not there.
  if (code === SESSION_OVER || failures % 4 === 2) void sessionEnded();
  const backOffMs = Math.min(RETRY_FIRST_MS * 2 ** (failures - 1), RETRY_MAX_MS);
  retry = setTimeout(connect, backOffMs * (0.75 + Math.random() / 2));
}

function listenFor(limitMs: number): void {
  clearTimeout(silence);
  silence = setTimeout(() => lost(0), limitMs);
}

function topicOf(data: unknown): Topic | null {
  if (typeof data !== "string" || data.length > 10_000) return null;
  try {
    const { type } = JSON.parse(data) as { type?: unknown };
    return TOPICS.find((topic) => topic === type) ?? null;
  } catch {
    // Not ours; the hub is not believed to be well.
    return null;
  }
}
