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
let isWanted = false;

/** Keeps the socket up until {@link stopNews}. */
export function startNews(): void {
  if (isWanted) return;
  isWanted = true;
  connect();
  globalThis.addEventListener("online", hurry);
  document.addEventListener("visibilitychange", hurry);
}

export function stopNews(): void {
  isWanted = false;
  clearTimeout(retry);
  clearTimeout(silence);
  socket?.close();
  socket = null;
}

/** Back from sleep, from another tab, or on a network again: now, not when the timer says so. */
function hurry(): void {
  if (!isWanted || document.visibilityState === "hidden") return;
  if (socket?.readyState === WebSocket.OPEN) listenFor(5_000);
  else if (socket?.readyState !== WebSocket.CONNECTING) connect();
  if (socket?.readyState === WebSocket.OPEN) socket.send('{"type":"ping"}');
}

function connect(): void {
  clearTimeout(retry);
  const opened = new WebSocket(`${location.origin.replace(/^http/, "ws")}/api/news`);
  socket = opened;
  opened.addEventListener("open", () => {
    if (connection === "lost") reconnections += 1;
    connection = "connected";
    failures = 0;
    listenFor(SILENCE_MS);
  });
  opened.addEventListener("message", (event: MessageEvent<unknown>) => {
    listenFor(SILENCE_MS);
    const topic = topicOf(event.data);
    if (topic) counters[topic] += 1;
    for (const take of takers) take(event.data);
  });
  opened.addEventListener("close", ({ code }) => {
    if (socket !== opened) return;
    socket = null;
    clearTimeout(silence);
    if (!isWanted) return;
    connection = "lost";
    failures += 1;
    if (code === SESSION_OVER || failures % 4 === 3) void sessionEnded();
    const backOffMs = Math.min(RETRY_FIRST_MS * 2 ** (failures - 1), RETRY_MAX_MS);
    retry = setTimeout(connect, backOffMs * (0.75 + Math.random() / 2));
  });
}

function listenFor(limitMs: number): void {
  clearTimeout(silence);
  silence = setTimeout(() => socket?.close(), limitMs);
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
