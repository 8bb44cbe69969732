import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import {
  chromium,
  type Browser,
  type BrowserContext,
  type CDPSession,
  type Page,
} from "playwright-core";
import { expect } from "vitest";
import type { Role } from "../../src/protocol/keyring.ts";
import { builtPage } from "./page-build.ts";
import { putDevice } from "./page-device.ts";
import { startTestHub, type TestDevice, type TestHub, type TestHubOptions } from "./test-hub.ts";

/** The page in a real browser, served by a real hub: for tests that do what people do. */

export interface PageOptions {
  readonly hub?: TestHubOptions;
  /** Whose device the browser is: the founder, somebody admitted, or nobody's yet. */
  readonly device?: Role | "none";
  readonly language?: "en" | "fr";
  readonly viewport?: keyof typeof VIEWPORTS;
  readonly scheme?: "light" | "dark";
  readonly reducedMotion?: boolean;
  /** False: passkeys of this browser derive no secret (no PRF extension). */
  readonly prf?: boolean;
  /** True: the page may put its service worker in, as in life; by default it is kept from it. */
  readonly serviceWorker?: boolean;
  /** The page's files; by default those of the tree as it is. */
  readonly pageDirectory?: string;
  /** Shown first; by default the address without a fragment. */
  readonly at?: string;
  /** Further switches of the browser. */
  readonly switches?: readonly string[];
}

export interface TestPage extends AsyncDisposable {
  readonly hub: TestHub;
  readonly page: Page;
  readonly browser: Browser;
  readonly context: BrowserContext;
  /** Origin of the page, by a name: passkeys belong to names. */
  readonly url: string;
  /** The household's device in this browser, or null where it has none. */
  readonly device: TestDevice | null;
  /** What no page of ours may cause: see {@link collectProblems}. */
  readonly problems: readonly string[];
  expectClean(): void;
  /** Another browser that looks at the same hub. */
  another(options?: Omit<PageOptions, "hub">): Promise<TestPage>;
}

export const CHROMIUM = "/usr/bin/chromium";
export const CHROMIUM_COMMANDS = ["chromium"] as const;
const VIEWPORTS = {
  phone: { width: 390, height: 844 },
  desktop: { width: 1280, height: 800 },
} as const;
const LOCALES = { en: "en-GB", fr: "fr-FR" } as const;

/** Starts a hub that serves the page, a browser, and opens it there. */
export async function startPage(options: PageOptions = {}): Promise<TestPage> {
  const hub = await startTestHub({
    nowMs: "system",
    footage: "real",
    ...options.hub,
    pageDirectory: options.pageDirectory ?? builtPage(),
  });
  try {
    return await openPage(hub, options, async () => hub[Symbol.asyncDispose]());
  } catch (error) {
    await hub[Symbol.asyncDispose]();
    throw error;
  }
}

async function openPage(
  hub: TestHub,
  options: Omit<PageOptions, "hub">,
  disposeHub: () => Promise<void>,
): Promise<TestPage> {
  const url = `http://localhost:${new URL(hub.hub.url).port}`;
  const isRoot = process.getuid?.() === 0;
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: [
      ...(isRoot ? ["--no-sandbox"] : []),
      "--autoplay-policy=no-user-gesture-required",
      ...(options.switches ?? []),
    ],
  });
  try {
    const context = await browser.newContext({
      viewport: VIEWPORTS[options.viewport ?? "desktop"],
      hasTouch: options.viewport === "phone",
      isMobile: options.viewport === "phone",
      colorScheme: options.scheme ?? "light",
      reducedMotion: options.reducedMotion === false ? "no-preference" : "reduce",
      locale: LOCALES[options.language ?? "en"],
      timezoneId: "Europe/Paris",
      serviceWorkers: options.serviceWorker === true ? "allow" : "block",
    });
    context.setDefaultTimeout(15_000);
    const page = await context.newPage();
    const problems = collectProblems(context, page, url);
    await addAuthenticator(page, options.prf ?? true);
    const device = await deviceFor(hub, options.device ?? "owner");
    if (device) {
      // A plain file of the page's: the origin's storage, and none of its scripts yet.
      await page.goto(`${url}/door.svg`);
      await putDevice(page, device.bundle);
    }
    await page.goto(`${url}/${options.at ?? ""}`);
    return {
      ...{ hub, page, browser, context, url, device, problems },
      expectClean: () => expect(problems).toEqual([]),
      another: (others = {}) => openPage(hub, others, async () => undefined),
      [Symbol.asyncDispose]: async () => {
        await browser.close();
        await disposeHub();
      },
    };
  } catch (error) {
    await browser.close();
    throw error;
  }
}

async function deviceFor(hub: TestHub, role: Role | "none"): Promise<TestDevice | null> {
  if (role === "none" || hub.hub.services.household.keyring === null) return null;
  return role === "owner" ? hub.owner : hub.admit(role);
}

const sessions = new WeakMap<Page, CDPSession>();

/**
 * The one line to the browser's tools for a page. It is never closed: with any that is, the page's
 * authenticator goes.
 */
export async function toolsOf(page: Page): Promise<CDPSession> {
  const known = sessions.get(page);
  if (known) return known;
  const session = await page.context().newCDPSession(page);
  sessions.set(page, session);
  return session;
}

/** A platform authenticator whose user is always there and always says yes. */
async function addAuthenticator(page: Page, hasPrf: boolean): Promise<void> {
  const session = await toolsOf(page);
  await session.send("WebAuthn.enable");
  await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      ctap2Version: "ctap2_1",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      hasPrf,
      automaticPresenceSimulation: true,
    },
  });
}

/**
 * Words in the console that say something is wrong, exceptions, anything that the page's policy
 * stopped, answers that say the hub failed, and requests to any other origin.
 */
function collectProblems(context: BrowserContext, page: Page, url: string): string[] {
  const problems: string[] = [];
  context.on("request", (request) => {
    const asked = new URL(request.url());
    const isOwn = asked.origin === url || ["blob:", "data:"].includes(asked.protocol);
    if (!isOwn) problems.push(`request to ${asked.href}`);
  });
  context.on("response", (response) => {
    if (response.status() >= 500) problems.push(`${response.status()} from ${response.url()}`);
  });
  page.on("pageerror", (error) => problems.push(`exception: ${error.stack ?? error.message}`));
  page.on("console", (message) => {
    // An answer that says no is part of the talk with the hub; the browser writes it down anyway.
    const isAnswer = message.text().startsWith("Failed to load resource: the server responded");
    // Decided: the household's format knows no RSA signatures.
    const isAboutRsa = message.text().startsWith("publicKey.pubKeyCredParams is missing");
    const isKeptOut = message.text() === "Service Worker registration blocked by Playwright";
    const isNothing = isAnswer || isAboutRsa || isKeptOut;
    if (["error", "warning"].includes(message.type()) && !isNothing)
      problems.push(`console: ${message.text()}`);
  });
  page.on("crash", () => problems.push("the page crashed"));
  return problems;
}

/** A finding of axe, told so that one can find it again. */
export interface AxeFinding {
  readonly rule: string;
  readonly impact: string;
  readonly nodes: readonly string[];
}

const AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
let axeSource: string | null = null;

/**
 * What axe finds on the page as it stands now. It runs in a world of its own: the page's scripts
 * and its policy stay as they are.
 */
export async function axe(page: Page): Promise<AxeFinding[]> {
  axeSource ??= readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  const session = await toolsOf(page);
  const { frameTree } = await session.send("Page.getFrameTree");
  const { executionContextId: contextId } = await session.send("Page.createIsolatedWorld", {
    frameId: frameTree.frame.id,
    worldName: "axe",
  });
  const expression = `${axeSource};
    axe.run(document, ${JSON.stringify({ runOnly: AXE_TAGS, resultTypes: ["violations"] })})
      .then(({ violations }) => JSON.stringify(violations.map(({ id, impact, nodes }) => ({
        rule: id, impact: impact ?? "",
        nodes: nodes.map(({ html, failureSummary }) => html.slice(0, 200) + " | " + failureSummary),
      }))))`;
  const { result, exceptionDetails } = await session.send("Runtime.evaluate", {
    ...{ expression, contextId, awaitPromise: true, returnByValue: true },
  });
  if (exceptionDetails)
    throw new Error(`Cannot run axe: ${exceptionDetails.exception?.description ?? "?"}`);
  return JSON.parse(String(result.value)) as AxeFinding[];
}

export async function expectAccessible(page: Page): Promise<void> {
  expect(await axe(page)).toEqual([]);
}
