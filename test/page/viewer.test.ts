import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generateReader, type ReaderKey } from "../../src/owner/identity.ts";
import { linkAddress } from "../../src/owner/share.ts";
import { VIEWER_MAX_BYTES } from "../../src/protocol/bundle.ts";
import { sha256Hex } from "../../src/protocol/bytes.ts";
import { looksLikeBundle, verifyBundle } from "../../src/protocol/verify-bundle.ts";
import { hostileBundles, membersOf } from "../support/hostile-bundles.ts";
import { axe, CHROMIUM, CHROMIUM_COMMANDS } from "../support/page.ts";
import { builtPage } from "../support/page-build.ts";
import { missingCommands } from "../support/requirements.ts";
import {
  decide,
  draftApproval,
  signTerms,
  statusPath,
  typeRequest,
} from "../support/test-consent.ts";
import { requireOk, startTestHub, type TestHub } from "../support/test-hub.ts";
import { sharedClip } from "../support/test-share.ts";

/** The viewer as somebody without our software meets it: a file in a folder, and no network. */

const isMissing = missingCommands(...CHROMIUM_COMMANDS);

let hub: TestHub;
let browser: Browser;
let folder: string;
let bundle: Uint8Array;
let key: ReaderKey;
let viewer: Uint8Array;
beforeAll(async () => {
  if (isMissing) return;
  const pageDirectory = builtPage();
  hub = await startTestHub({
    ...{ clips: 1, footage: "real", kind: "pq", nowMs: "system", pageDirectory, outside: true },
  });
  viewer = await readFile(path.join(pageDirectory, "viewer.html"));
  key = await generateReader("pq");
  bundle = await released(key);
  folder = await mkdtemp(path.join(os.tmpdir(), "doorward-viewer-"));
  await writeFile(path.join(folder, "viewer.html"), viewer);
  const isRoot = process.getuid?.() === 0;
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: [...(isRoot ? ["--no-sandbox"] : []), "--autoplay-policy=no-user-gesture-required"],
  });
});
afterAll(async () => {
  if (isMissing) return;
  await browser.close();
  await hub[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** A bundle with the hub's viewer in it. */
async function released({ recipient }: ReaderKey): Promise<Uint8Array> {
  const request = await typeRequest(hub, { recipient });
  const id = request.record.request;
  const draft = await draftApproval(hub, id, { clip: hub.clips[0] ?? "" });
  const terms = { ...draft, viewerSha256: sha256Hex(viewer) };
  requireOk(await decide(hub, id, await signTerms(hub, terms)));
  return new Uint8Array(requireOk(await hub.call("GET", statusPath(request))).rawPayload);
}

interface OpenedViewer extends AsyncDisposable {
  readonly page: Page;
  readonly requests: readonly string[];
  readonly problems: readonly string[];
}

async function openViewer(at: string, locale = "en-GB"): Promise<OpenedViewer> {
  const context = await browser.newContext({ locale, offline: at.startsWith("file:") });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  const requests: string[] = [];
  const problems: string[] = [];
  page.on("request", (request) => requests.push(request.url()));
  page.on("pageerror", (error) => problems.push(error.stack ?? error.message));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(message.text());
  });
  await page.goto(at);
  return { page, requests, problems, [Symbol.asyncDispose]: async () => context.close() };
}

const fromFile = (): string => pathToFileURL(path.join(folder, "viewer.html")).href;

/** Chooses files and waits until it has an answer: true, false, or what it says instead. */
async function verdict(
  page: Page,
  files: readonly { name: string; buffer: Buffer }[],
): Promise<boolean | string> {
  const main = page.locator("main");
  const runs = Number(await main.getAttribute("data-runs"));
  const chosen = files.map((file) => ({ ...file, mimeType: "application/octet-stream" }));
  await page.locator("#bundle").setInputFiles(chosen);
  await page.locator(`main[data-runs="${runs + 1}"]`).waitFor();
  const shown = page.locator("[data-holds]");
  if ((await shown.count()) === 0) return page.locator("#problem").innerText();
  return (await shown.getAttribute("data-holds")) === "true";
}

async function drop(page: Page, name: string, content: Buffer): Promise<void> {
  const base64 = JSON.stringify(content.toString("base64"));
  const files = await page.evaluateHandle(`
    const transfer = new DataTransfer();
    const bytes = Uint8Array.from(atob(${base64}), (character) => character.charCodeAt(0));
    transfer.items.add(new File([bytes], ${JSON.stringify(name)}));
    transfer`);
  await page.dispatchEvent("main", "drop", { dataTransfer: files });
}

async function playing(page: Page): Promise<void> {
  await expect
    .poll(() => page.evaluate("document.querySelector('video')?.currentTime ?? 0"))
    .toBeGreaterThan(0.3);
}

const asZip = (bytes: Uint8Array) => [{ name: "bundle.zip", buffer: Buffer.from(bytes) }];

describe.skipIf(isMissing)("the viewer, from a file", () => {
  test("is one file of at most 250 kB whose policy lets nothing in or out", async () => {
    expect(viewer.length).toBeLessThanOrEqual(VIEWER_MAX_BYTES);
    const page = Buffer.from(viewer).toString();
    expect(page).toContain("default-src 'none'");
    expect(page).toContain("connect-src 'none'");
    expect(page).not.toMatch(/(?:src|href)=["']?(?:https?:)?\/\//);
    await using opened = await openViewer(fromFile());
    const tried = await opened.page.evaluate(async () =>
      fetch("https://example.org/").then(
        () => "let out",
        () => "kept in",
      ),
    );
    expect(tried).toBe("kept in");
    expect(opened.problems.some((said) => said.includes("Content Security Policy"))).toBe(true);
  });

  test(
    "says of good and of changed bundles what the command line says",
    { timeout: 150_000 },
    async () => {
      await using opened = await openViewer(fromFile());
      const { page } = opened;
      expect(await verdict(page, asZip(bundle))).toBe(true);
      const hostile = await hostileBundles(bundle);
      expect(hostile.size).toBeGreaterThanOrEqual(30);
      for (const [what, changed] of hostile) {
        const { holds } = await verifyBundle(changed);
        expect(holds, what).toBe(false);
        const expected = looksLikeBundle(changed) ? false : expect.any(String);
        expect(await verdict(page, asZip(changed)), what).toEqual(expected);
        expect(await page.locator("#identity").count(), what).toBe(0);
      }
      expect(await verdict(page, asZip(Buffer.from("no bundle")))).toContain(
        "not a file of recordings",
      );
      expect(opened.requests).toEqual([fromFile()]);
      expect(opened.problems).toEqual([]);
    },
  );

  test("opens with the recipient's key, plays, saves, and sends nothing", async () => {
    await using opened = await openViewer(fromFile());
    const { page } = opened;
    expect(await axe(page)).toEqual([]);
    expect(await verdict(page, asZip(bundle))).toBe(true);
    await page.locator("#identity").fill((await generateReader("pq")).identity);
    await page.locator("#open").click();
    await page.getByText("not the key that the recordings are sealed to").waitFor();
    await page.locator("#identity").fill(key.identity);
    await page.locator("#open").click();
    await page.getByRole("button", { name: "Play" }).click();
    await playing(page);
    const { approval } = await verifyBundle(bundle);
    const words = approval?.terms.recipientWords.join(" ") ?? "?";
    expect(await page.locator(".mark").first().innerText()).toContain(words);
    expect(await page.locator("#decision-sha256").innerText()).toBe(approval?.decisionSha256);
    expect(await axe(page)).toEqual([]);
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Save this recording" }).click();
    const saved = await readFile(await (await download).path());
    expect(saved.subarray(4, 8).toString()).toBe("ftyp");
    const own = opened.requests.filter((url) => !url.startsWith("blob:"));
    expect(own).toEqual([fromFile()]);
    expect(opened.problems).toEqual([]);
  });

  test("takes a key that is dropped anywhere on it, and another bundle instead of this one", async () => {
    await using opened = await openViewer(fromFile());
    const { page } = opened;
    expect(await verdict(page, asZip(bundle))).toBe(true);
    await drop(page, "key.txt", Buffer.from((await generateReader("pq")).identity));
    await page.getByText("not the key that the recordings are sealed to").waitFor();
    await drop(page, "key.txt", Buffer.from(`# my key\n${key.identity}\n`));
    await page.getByRole("button", { name: "Play" }).waitFor();
    await drop(page, "other.zip", Buffer.from("no bundle"));
    await page.getByText("not a file of recordings").waitFor();
    expect(opened.problems).toEqual([]);
  });

  test("takes the files out of the zip as well, and speaks French", async () => {
    await using opened = await openViewer(fromFile(), "fr-FR");
    const { page } = opened;
    const loose = membersOf(bundle).map(([name, content]) => ({
      name: path.basename(name),
      buffer: Buffer.from(content),
    }));
    expect(await verdict(page, loose.toReversed())).toBe(true);
    await page.getByText("Tout est exact").waitFor();
    expect(await verdict(page, loose.slice(1))).toBe(false);
    expect(opened.problems).toEqual([]);
  });
});

describe.skipIf(isMissing)("a share link", () => {
  test("opens in a browser that has no key, once more and no more; its key leaves the address", async () => {
    const made = await sharedClip(hub, { viewsMax: 1, lifetimeMs: 600_000 });
    const port = new URL(hub.hub.outsideUrl ?? "").port;
    const address = linkAddress(`http://localhost:${port}`, made.link);
    await using opened = await openViewer(address);
    const { page } = opened;
    await page.locator("#open-link").waitFor();
    expect(page.url()).toBe(`http://localhost:${port}/share/`);
    expect(await axe(page)).toEqual([]);
    await page.locator("#open-link").click();
    await page.getByText("Everything holds").waitFor();
    expect(await page.locator("#meant-for").innerText()).toBe("Anna next door");
    await page.getByRole("button", { name: "Play" }).click();
    await playing(page);
    expect(await page.locator(".mark").first().innerText()).toContain("Anna next door");
    expect(await axe(page)).toEqual([]);
    const secret = address.split("#")[1] ?? "?";
    const own = opened.requests.filter((url) => !url.startsWith("blob:"));
    expect(own.map((url) => new URL(url).pathname)).toEqual(["/share/", "/share/fetch"]);
    expect(opened.requests.slice(1).some((url) => url.includes(secret))).toBe(false);
    expect(opened.problems).toEqual([]);

    await using again = await openViewer(address);
    await again.page.locator("#open-link").click();
    await again.page.getByText("There is nothing here").waitFor();
  });
});
