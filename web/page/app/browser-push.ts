import type { PushBody } from "../../../src/protocol/api-push.ts";
import { isInstalled, platform } from "../device/platform.ts";
import { ask } from "../device/vault.ts";
import { language } from "../words/language.ts";

/**
 * Whether this browser can be told anything while the page is closed:
 * - `insecure`: the page did not come over https, so browsers allow nothing;
 * - `not-installed`: an iPhone or iPad, where it is for pages on the home screen only;
 * - `unsupported`: the browser has no such thing, or is in a private window;
 * - `denied`: a person, or the browser for him, has said no;
 * - `off`, `on`.
 */
export type PushStanding = "insecure" | "not-installed" | "unsupported" | "denied" | "off" | "on";

const READY_MAX_MS = 15_000;

export async function pushStanding(): Promise<PushStanding> {
  if (!isSecureContext) return "insecure";
  const isAble =
    "serviceWorker" in navigator && "PushManager" in globalThis && "Notification" in globalThis;
  if (!isAble)
    return (platform === "iphone" || platform === "ipad") && !isInstalled()
      ? "not-installed"
      : "unsupported";
  if (Notification.permission === "denied") return "denied";
  if (Notification.permission !== "granted") return "off";
  return (await ownSubscription()) === null ? "off" : "on";
}

/** What the hub would push to: this browser has it, and the hub knows it. */
async function ownSubscription(): Promise<PushSubscription | null> {
  const registration = await navigator.serviceWorker.getRegistration();
  const subscription = (await registration?.pushManager.getSubscription()) ?? null;
  if (!subscription) return null;
  const id = await idOf(subscription.endpoint);
  const { subscriptions } = await ask("push", null);
  return subscriptions.some((known) => known.id === id) ? subscription : null;
}

/** Why switching on came to nothing, by name; the screen has words for each. */
export class PushFailure extends Error {
  readonly reason: "said-no" | "no-worker" | "no-service";

  constructor(reason: PushFailure["reason"], options?: ErrorOptions) {
    super(reason, options);
    this.reason = reason;
  }
}

/**
 * Asks for the permission; call it from a tap, and after it was said what will come.
 *
 * @throws PushFailure, VaultError.
 */
export async function switchPushOn(): Promise<void> {
  if ((await Notification.requestPermission()) !== "granted") throw new PushFailure("said-no");
  await subscribe();
}

async function subscribe(): Promise<void> {
  const { pushManager } = await worker();
  const { key } = await ask("push", null);
  const before = await pushManager.getSubscription();
  // Of a hub that was here before, or of a key that this one had before.
  if (before && keyOf(before) !== key) await before.unsubscribe();
  let subscription: PushSubscription;
  try {
    subscription = await pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: key,
    });
  } catch (cause) {
    throw new PushFailure("no-service", { cause });
  }
  await ask("setPush", bodyOf(subscription));
}

export async function switchPushOff(): Promise<void> {
  const registration = await navigator.serviceWorker.getRegistration();
  const subscription = await registration?.pushManager.getSubscription();
  if (!subscription) return;
  // The hub first: where it does not hear of it, it is still on, and the screen says so.
  await ask("stopPush", { id: await idOf(subscription.endpoint) });
  await subscription.unsubscribe();
}

/**
 * For a browser that has no keys any more: its service then tells the hub, also where this browser
 * has no session left to tell it with.
 */
export async function endPush(): Promise<void> {
  if (!("serviceWorker" in navigator)) return;
  const registration = await navigator.serviceWorker.getRegistration();
  const subscription = await registration?.pushManager?.getSubscription();
  await subscription?.unsubscribe();
  for (const shown of (await registration?.getNotifications()) ?? []) shown.close();
}

/**
 * Tells the hub again where this browser is: after a logout it has forgotten it, and what a person
 * has switched on here stays on. Asks nobody for anything.
 */
export async function keepPush(): Promise<void> {
  if (!isSecureContext || !("PushManager" in globalThis)) return;
  if (Notification.permission !== "granted") return;
  const registration = await navigator.serviceWorker.getRegistration();
  if (!(await registration?.pushManager.getSubscription())) return;
  const own = await ownSubscription();
  const { key, subscriptions, secretName } = await ask("push", null);
  const id = own && (await idOf(own.endpoint));
  const known = subscriptions.find((each) => each.id === id);
  // Without the secret that the hub has given it last, the service worker finds out nothing.
  const canAsk = secretName !== null && known?.secretName === secretName;
  if (!canAsk || known?.language !== language || (own && keyOf(own) !== key)) await subscribe();
}

async function worker(): Promise<ServiceWorkerRegistration> {
  const timer = new Promise<null>((resolve) => setTimeout(() => resolve(null), READY_MAX_MS));
  const registration = await Promise.race([navigator.serviceWorker.ready, timer]);
  if (!registration) throw new PushFailure("no-worker");
  return registration;
}

function bodyOf(subscription: PushSubscription): PushBody {
  const { endpoint = "", keys } = subscription.toJSON();
  return { endpoint, p256dh: keys?.["p256dh"] ?? "", auth: keys?.["auth"] ?? "", language };
}

function keyOf({ options }: PushSubscription): string | null {
  const bytes = new Uint8Array(options.applicationServerKey ?? new ArrayBuffer(0));
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** As the hub names a subscription without telling its address. */
async function idOf(endpoint: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(endpoint));
  const hex = Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0"));
  return hex.join("").slice(0, 32);
}
