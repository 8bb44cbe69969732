import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import {
  chromium,
  type Browser,
  type BrowserContext,
  type CDPSession,
  type Page,
} from "playwright-core";
import type { PushService, TestSubscription } from "./push-service.ts";
import { CHROMIUM } from "./page.ts";

/** A phone as far as Chromium can be one: its size, touch, certificates of its own, pushes. */

export const PHONE_COMMANDS = ["chromium", "certutil"] as const;
const ANDROID =
  "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36";
const AUTHORITY = "Doorward of the test";

/** What a person did in one step. */
export interface Done {
  taps: number;
  fields: number;
}

export interface Phone extends AsyncDisposable {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly problems: readonly string[];
  /** By step, in the order in which they were begun. */
  readonly done: ReadonlyMap<string, Done>;
  /** What is done from now on belongs to this step. */
  begin(step: string): void;
  /** Hands the page's service worker what a push carried. */
  deliver(text: string): Promise<void>;
}

export interface PhoneOptions {
  /** What is kept from one start of the browser to the next: certificates. */
  readonly home: string;
  /** Names that lead to this machine. */
  readonly names: readonly string[];
  readonly done: Map<string, Done>;
  /** What the browser subscribes with; its own push service is on the Internet. */
  readonly subscription?: TestSubscription;
  readonly colorScheme?: "light" | "dark";
  readonly locale?: string;
}

/** Trusts an authority as the phone's settings do: in the store that this browser reads. */
export function trustAuthority(home: string, pem: string): void {
  const store = path.join(home, ".pki/nssdb");
  mkdirSync(store, { recursive: true });
  const file = path.join(home, "authority.pem");
  writeFileSync(file, pem);
  const database = ["-d", `sql:${store}`];
  execFileSync("certutil", ["-N", ...database, "--empty-password"], { stdio: "pipe" });
  execFileSync("certutil", ["-A", ...database, "-n", AUTHORITY, "-t", "C,,", "-i", file], {
    stdio: "pipe",
  });
}

export async function startPhone(options: PhoneOptions): Promise<Phone> {
  const browser = await launch(options);
  try {
    const context = await browser.newContext({
      viewport: { width: 390, height: 844 },
      ...{ hasTouch: true, isMobile: true, userAgent: ANDROID, reducedMotion: "reduce" },
      colorScheme: options.colorScheme ?? "light",
      locale: options.locale ?? "en-GB",
      permissions: ["notifications"],
    });
    context.setDefaultTimeout(20_000);
    let step = "";
    const { done } = options;
    await context.exposeBinding("doorwardCounts", (_source, what: "taps" | "fields") => {
      const sum = done.get(step) ?? { taps: 0, fields: 0 };
      sum[what] += 1;
      done.set(step, sum);
    });
    await context.addInitScript(COUNTING);
    if (options.subscription) await context.addInitScript(pushManagerOf(options.subscription));
    const page = await context.newPage();
    const problems = problemsOf(page);
    const tools = await context.newCDPSession(page);
    await addAuthenticator(tools);
    const registrations = await workersOf(tools);
    return {
      ...{ page, context, problems, done },
      begin: (name) => {
        step = name;
        done.set(name, done.get(name) ?? { taps: 0, fields: 0 });
      },
      deliver: async (data) => {
        const [registration] = registrations.values();
        if (!registration) throw new Error("no service worker takes pushes");
        await tools.send("ServiceWorker.deliverPushMessage", { ...registration, data });
      },
      [Symbol.asyncDispose]: async () => browser.close(),
    };
  } catch (error) {
    await browser.close();
    throw error;
  }
}

function launch({ home, names }: PhoneOptions): Promise<Browser> {
  const rules = names.map((name) => `MAP ${name} 127.0.0.1`).join(",");
  return chromium.launch({
    executablePath: CHROMIUM,
    env: { ...process.env, HOME: home },
    args: [
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      "--autoplay-policy=no-user-gesture-required",
      `--host-resolver-rules=${rules}`,
    ],
  });
}

/** Gives what the service was handed to the phone, as the maker's own service would. */
export async function passOn(
  service: PushService,
  subscription: TestSubscription,
  phone: Phone,
  index: number,
): Promise<void> {
  await service.has(index + 1);
  const push = service.taken[index];
  if (!push) throw new Error("no push came");
  await phone.deliver(subscription.open(push.body));
}

function problemsOf(page: Page): string[] {
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(`exception: ${error.message}`));
  page.on("response", (response) => {
    if (response.status() >= 500) problems.push(`${response.status()} from ${response.url()}`);
  });
  return problems;
}

async function addAuthenticator(tools: CDPSession): Promise<void> {
  await tools.send("WebAuthn.enable");
  await tools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      ...{ protocol: "ctap2", ctap2Version: "ctap2_1", transport: "internal" },
      ...{ hasResidentKey: true, hasUserVerification: true, isUserVerified: true, hasPrf: true },
      automaticPresenceSimulation: true,
    },
  });
}

async function workersOf(
  tools: CDPSession,
): Promise<Map<string, { origin: string; registrationId: string }>> {
  const registrations = new Map<string, { origin: string; registrationId: string }>();
  tools.on("ServiceWorker.workerRegistrationUpdated", ({ registrations: found }) => {
    for (const { registrationId, scopeURL, isDeleted } of found)
      if (isDeleted) registrations.delete(registrationId);
      else registrations.set(registrationId, { origin: new URL(scopeURL).origin, registrationId });
  });
  await tools.send("ServiceWorker.enable");
  return registrations;
}

/**
 * Counts what a finger and a keyboard do: a tap is one on anything but a field; a field counts once,
 * when something is first typed into it, with the tap that leads there.
 */
const COUNTING = `(() => {
  const isField = (target) => target instanceof HTMLInputElement
    ? !["radio", "checkbox", "button", "submit", "file"].includes(target.type)
    : target instanceof HTMLTextAreaElement;
  const typed = new WeakSet();
  addEventListener("pointerup", ({ target, isTrusted }) => {
    if (isTrusted && !isField(target)) globalThis.doorwardCounts("taps");
  }, true);
  addEventListener("input", ({ target, isTrusted }) => {
    if (!isTrusted || !isField(target) || typed.has(target)) return;
    typed.add(target);
    globalThis.doorwardCounts("fields");
  }, true);
})()`;

/** In place of the browser's own, which asks a service on the Internet. */
function pushManagerOf({ endpoint, p256dh, auth }: TestSubscription): string {
  return `(() => {
    if (typeof PushManager === "undefined") return;
    let subscription = null;
    const given = ${JSON.stringify({ endpoint, keys: { p256dh, auth } })};
    PushManager.prototype.getSubscription = async () => subscription;
    PushManager.prototype.subscribe = async ({ applicationServerKey }) => {
      const text = applicationServerKey.replaceAll("-", "+").replaceAll("_", "/");
      const key = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
      subscription = {
        endpoint: given.endpoint,
        options: { applicationServerKey: key.buffer, userVisibleOnly: true },
        toJSON: () => given,
        unsubscribe: async () => { subscription = null; return true; },
      };
      return subscription;
    };
  })()`;
}
