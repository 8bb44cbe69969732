// Takes the pictures in docs/screens: node scripts/make-screens.ts [FOLDER]
//
// A real hub with the demo scene, its household at the command line, the page in a real browser. It
// takes some minutes, since the demo's visitors come when they come.
import { spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { openKeys } from "../src/cli/keys-directory.ts";
import { generateReader } from "../src/owner/identity.ts";
import { startLiveHub, type LiveHub } from "../test/support/live-hub.ts";
import { CHROMIUM } from "../test/support/page.ts";
import { putDevice } from "../test/support/page-device.ts";
import { projectRoot } from "../test/support/requirements.ts";
import { startTestHub } from "../test/support/test-hub.ts";

const folder = path.resolve(process.argv[2] ?? path.join(projectRoot, "docs/screens"));
const VISITORS = 4;
const VISIT_TIMEOUT_MS = 120_000;
const LOOKS = [
  { name: "phone", viewport: { width: 390, height: 844 }, colorScheme: "light" },
  { name: "phone-dark", viewport: { width: 390, height: 844 }, colorScheme: "dark" },
  { name: "desktop", viewport: { width: 1280, height: 800 }, colorScheme: "light" },
  { name: "desktop-dark", viewport: { width: 1280, height: 800 }, colorScheme: "dark" },
] as const;
type Look = (typeof LOOKS)[number];
/** Beside the phone by day, which each screen has: one of each kind is enough to be judged by. */
const ALSO: readonly string[] = [
  ...["event-phone-dark", "health-phone-dark"],
  ...["live-desktop", "event-desktop", "decide-desktop-dark"],
];

/** What to do on a screen before its picture is taken. */
interface Screen {
  readonly name: string;
  readonly at: string;
  readonly prepare?: (page: Page) => Promise<void>;
}

await mkdir(folder, { recursive: true });
const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: [
    "--autoplay-policy=no-user-gesture-required",
    ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
  ],
});
try {
  await takeFirstRun(browser);
  await takeHouse(browser);
} finally {
  await browser.close();
}

/** What somebody sees who opens a hub that belongs to nobody. */
async function takeFirstRun(browser: Browser): Promise<void> {
  await using hub = await startTestHub({
    ...{ claimed: false, nowMs: "system" },
    pageDirectory: path.join(projectRoot, "web/dist"),
  });
  for (const look of LOOKS) {
    const { page, close } = await open(browser, look, localAddress(hub.hub.url));
    await page.getByRole("heading", { level: 1 }).waitFor();
    await take(page, "welcome", look);
    await close();
  }
}

async function takeHouse(browser: Browser): Promise<void> {
  await using hub = await startLiveHub({ name: "Our house", objects: true });
  await hub.claim();
  console.error("Waiting for the demo's visitors ...");
  const seen: string[] = [];
  while (seen.length < VISITORS) {
    const clip = await hub.waitForClip("closed", { but: seen, timeoutMs: VISIT_TIMEOUT_MS });
    seen.push(clip.id);
    console.error(`${seen.length} of ${VISITORS}`);
  }
  const request = await askFor(hub);
  const { bundle } = await openKeys(hub.keysDirectory);
  const screens = screensOf(seen.at(-1) ?? "", request);
  for (const look of LOOKS) {
    const { page, close, url } = await open(browser, look, localAddress(hub.url));
    await page.goto(`${url}/door.svg`);
    await putDevice(page, bundle);
    for (const screen of screens) {
      await page.goto(`${url}/#/${screen.at}`);
      await page.getByRole("heading", { level: 1 }).waitFor();
      await screen.prepare?.(page);
      await page.waitForTimeout(2_500);
      await take(page, screen.name, look);
    }
    await close();
  }
}

function screensOf(clip: string, request: string): readonly Screen[] {
  return [
    { name: "live", at: "live" },
    {
      name: "event",
      at: `event/${clip}`,
      prepare: async (page) => {
        await page.waitForTimeout(4_000);
      },
    },
    { name: "events", at: "events" },
    { name: "requests", at: "requests" },
    { name: "request", at: `request/${request}` },
    {
      name: "decide",
      at: `request/${request}`,
      prepare: async (page) => {
        await page.getByRole("checkbox").first().check();
        await page.getByRole("button", { name: "Show me exactly what would leave" }).click();
        await page.getByRole("heading", { name: "This leaves, and nothing else" }).waitFor();
        await page.waitForTimeout(3_000);
        await page.evaluate(`document.querySelector(".review").scrollIntoView()`);
      },
    },
    { name: "ask", at: "ask" },
    { name: "ledger", at: "ledger" },
    { name: "transparency", at: "transparency" },
    { name: "house", at: "house" },
    { name: "cameras", at: "cameras" },
    {
      name: "zones",
      at: "cameras/demo",
      prepare: async (page) => {
        await page.locator('.picture[data-still="there"]').waitFor();
        await page.getByRole("button", { name: "New zone" }).click();
      },
    },
    { name: "health", at: "health" },
    { name: "notifications", at: "notifications" },
  ];
}

/** A letter, typed in by the owner. @returns the request's id. */
async function askFor(hub: LiveHub): Promise<string> {
  const { recipient } = await generateReader("x25519");
  const from = new Date(Date.now() - 10 * 60_000).toISOString();
  const letter = {
    kind: "police_voluntary",
    urgency: "normal",
    requester: {
      name: "M. Lefèvre",
      agency: "Town police",
      contact: "+33 1 99 00 12 34",
    },
    legalBasis: { basis: "none" },
    case: "2026-1183",
    narrative: "A bicycle was taken from the yard next door this evening.",
    purpose: "To see whether the bicycle passes the door",
    sought: {
      ...{ cameras: "unspecified", from, to: new Date().toISOString() },
      ...{ tracks: ["video"], clearFaces: false },
    },
    recipient,
  };
  const file = path.join(hub.ownerDirectory, "letter.json");
  await writeFile(file, JSON.stringify(letter));
  const keys = ["--keys", hub.keysDirectory, "--hub", hub.url];
  const typed = await hub.cli("owner", "request", ...keys, "--file", file, "--json");
  if (typed.code !== 0) throw new Error(typed.stderr);
  return (JSON.parse(typed.stdout) as { request: string }).request;
}

async function open(browser: Browser, look: Look, url: string) {
  const { viewport, colorScheme } = look;
  const isPhone = viewport.width < 600;
  const context = await browser.newContext({
    ...{ viewport, colorScheme, locale: "en-GB", reducedMotion: "reduce" },
    ...{ hasTouch: isPhone, isMobile: isPhone, deviceScaleFactor: isPhone ? 2 : 1 },
  });
  const page = await context.newPage();
  await page.goto(url);
  return { page, url, close: () => context.close() };
}

async function take(page: Page, name: string, look: Look): Promise<void> {
  const picture = `${name}-${look.name}`;
  if (look.name !== "phone" && !ALSO.includes(picture)) return;
  const file = path.join(folder, `${picture}.webp`);
  const input = await page.screenshot({ type: "png" });
  const words = ["-v", "error", "-y", "-f", "png_pipe", "-i", "pipe:0"];
  const { status, stderr } = spawnSync(
    "ffmpeg",
    [...words, "-c:v", "libwebp", "-quality", "72", "-compression_level", "6", file],
    { input, encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`Cannot write ${file}: ${stderr}`);
  console.error(path.relative(projectRoot, file));
}

/** Passkeys belong to names, so the page is opened by one. */
function localAddress(url: string): string {
  return `http://localhost:${new URL(url).port}`;
}
