import { wereKeysLent } from "../device/device.svelte.ts";
import { isAsking } from "../device/vault.ts";
import { workerUrl } from "../device/worker-url.ts";
import { remember, remembered } from "../remembered.ts";
import { place } from "../router.svelte.ts";

/**
 * Newer versions of this page: the service worker fetches one whole, and it is taken when nothing is
 * in the way, or when a person says so. Until then this page stays with its own files.
 */
const NAME = "/service-worker.js";
const LOOK_MS = 15_000;
const IDLE_MS = 60_000;
/** Whatever goes wrong, a page does not load itself again and again. */
const AGAIN_AFTER_MS = 10 * 60_000;
const TAKEN = "doorward-taken";
const ANSWER_MAX_MS = 5_000;
/** A browser may let the older worker finish first; the hub's own page is the newer one anyway. */
const TAKE_MAX_MS = 2_000;
/** Screens that lose nothing when they are loaded again. */
const AT_REST = new Set([undefined, "live", "events", "requests", "ledger", "house", "health"]);

let isNewer = $state(false);
export const newerVersion = {
  get isThere(): boolean {
    return isNewer;
  },
};

let registration: ServiceWorkerRegistration | null = null;
let touchedAtMs = Date.now();
let isEdited = false;
let isWatching = false;
let isTaking = false;
/** A worker of this page's own version is on its way: nothing is to be loaded again for it. */
let isOwnComing = false;

/** Puts the service worker in, and looks out for newer versions; once for each page. */
export async function watchVersions(): Promise<void> {
  // What the command line serves is there for an hour, under a name of that hour.
  if (isWatching || wereKeysLent()) return;
  isWatching = true;
  for (const type of ["pointerdown", "keydown", "input"])
    globalThis.addEventListener(type, () => (touchedAtMs = Date.now()), { passive: true });
  globalThis.addEventListener("input", () => (isEdited = true));
  globalThis.addEventListener("hashchange", () => (isEdited = false));
  document.addEventListener("visibilitychange", takeAtRest);
  setInterval(takeAtRest, LOOK_MS);
  if (!("serviceWorker" in navigator)) return;
  const { serviceWorker } = navigator;
  let wasControlled = serviceWorker.controller !== null;
  serviceWorker.addEventListener("controllerchange", () => {
    if (wasControlled && !isOwnComing) found();
    if (wasControlled && isTaking) location.reload();
    [wasControlled, isOwnComing] = [true, false];
  });
  try {
    const address = workerUrl(NAME);
    registration = (await serviceWorker.register(address, { updateViaCache: "none" })) ?? null;
  } catch {
    // A private window, or a hub that is gone just now: the page works without.
    return;
  }
  registration?.addEventListener("updatefound", () => watch(registration?.installing ?? null));
  watch(registration?.installing ?? null);
  await waits();
}

function watch(worker: ServiceWorker | null): void {
  worker?.addEventListener("statechange", () => {
    if (worker.state === "installed") void waits();
  });
}

/** A worker that waits: of this page's own version it may come; else there is a newer one. */
async function waits(): Promise<void> {
  const waiting = registration?.waiting;
  if (!waiting || !navigator.serviceWorker.controller) return;
  if (await isOwn(waiting)) {
    isOwnComing = true;
    waiting.postMessage("take");
  } else found();
}

function found(): void {
  isNewer = true;
  takeAtRest();
}

function ownScript(): string {
  const script = document.querySelector<HTMLScriptElement>('script[type="module"][src]');
  return script ? new URL(script.src).pathname : "";
}

async function isOwn(worker: ServiceWorker): Promise<boolean> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), ANSWER_MAX_MS);
    port1.onmessage = ({ data }) => {
      clearTimeout(timer);
      port1.close();
      resolve(data === true);
    };
    worker.postMessage({ has: ownScript() }, [port2]);
  });
}

/** After the hub was away it may be another version's; asked of it, and never of this page's memory. */
export async function lookForNewer(): Promise<void> {
  try {
    if (registration?.active) return void (await registration.update());
    const answer = await fetch("/", { cache: "no-cache", credentials: "omit" });
    const text = answer.ok ? await answer.text() : "";
    // Another page altogether is no newer version of this one.
    if (text.includes('<div id="page">') && !text.includes(ownScript())) found();
  } catch {
    // Away again: asked when it is back.
  }
}

function isAtRest(): boolean {
  const isHeard = document.querySelector(
    'figure ~ * button[aria-pressed="true"], figure button[aria-pressed="true"]',
  );
  const isIdle = document.visibilityState === "hidden" || Date.now() - touchedAtMs > IDLE_MS;
  return (
    isIdle &&
    !isEdited &&
    !isAsking() &&
    AT_REST.has(place.path[0]) &&
    !isHeard &&
    document.querySelector("dialog[open]") === null
  );
}

function takeAtRest(): void {
  // Being loaded again, a page is hidden for a moment.
  if (isTaking) return;
  const takenAtMs = Number(remembered("sessionStorage", TAKEN) ?? 0);
  if (!isNewer || !isAtRest() || Date.now() - takenAtMs < AGAIN_AFTER_MS) return;
  remember("sessionStorage", TAKEN, String(Date.now()));
  takeNewer();
}

/** Loads the newer version; what somebody was writing is gone. */
export function takeNewer(): void {
  isTaking = true;
  const waiting = registration?.waiting;
  if (!waiting) return location.reload();
  waiting.postMessage("take");
  setTimeout(() => location.reload(), TAKE_MAX_MS);
}
