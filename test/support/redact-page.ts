import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { build } from "vite";
import { addPageFiles } from "../../src/http/page-files.ts";
import { createServer } from "../../src/http/server.ts";
import type { Box } from "../../src/blur/boxes.ts";
import type { TrackBox } from "../../src/blur/tracks.ts";
import { CHROMIUM } from "./page.ts";
import { projectRoot } from "./requirements.ts";

/**
 * The part of the page that blurs, alone: built as the page is, and served by the hub's own server
 * under the policies that it gives to the page and to the worker.
 */
export interface RedactPage extends AsyncDisposable {
  readonly page: Page;
  /** Console errors, exceptions, and anything that a policy stopped. */
  readonly problems: readonly string[];
  /** Every address that was asked for. */
  readonly requests: readonly string[];
}

export interface RedactPageOptions {
  /** Opened segments of one clip, as `window.segments` has them. */
  readonly segments: readonly Uint8Array[];
  readonly language?: "en" | "fr";
  readonly scheme?: "light" | "dark";
  readonly viewport?: { readonly width: number; readonly height: number };
  /** Answers of the server are changed on their way: name of the file and its bytes. */
  readonly tamper?: (name: string, bytes: Buffer) => Buffer;
}

const HARNESS = path.join(projectRoot, "node_modules/.cache/doorward-redact");
const MAIN = `
import "../../../web/page/styles/tokens.css";
import "../../../web/page/styles/base.css";
import { mount, unmount } from "svelte";
import { openRedactor } from "../../../web/page/redact/redactor.ts";
import Redact from "../../../web/page/redact/Redact.svelte";
const read = async (index) => (await fetch("/segment/" + index)).arrayBuffer();
async function segments() {
  const { count } = await (await fetch("/segments")).json();
  return Promise.all(Array.from({ length: count }, async (_, segment) =>
    ({ segment, fromMs: segment * 1000, toMs: segment * 1000 + 1000, bytes: await read(segment) })));
}
const keep = async (files) => Promise.all(files.map(({ segment, bytes }) =>
  fetch("/made/" + segment, { method: "POST", body: bytes,
    headers: { "content-type": "application/octet-stream" } })));
let shown = null;
window.harness = {
  run: async ({ corrections, cancelAt }) => {
    const redactor = openRedactor();
    const controller = new AbortController();
    const onProgress = (done) => { if (done === cancelAt) controller.abort(); };
    const options = { signal: controller.signal, onProgress };
    try {
      const startMs = performance.now();
      const findings = await redactor.look(await segments(), options);
      const lookedMs = performance.now();
      const files = await redactor.make(corrections ?? { added: [], removed: [] }, options);
      const madeMs = performance.now();
      await keep(files);
      const tracks = findings.tracks.map(({ id, boxes }) => ({ id, boxes: [...boxes] }));
      const times = { lookMs: lookedMs - startMs, makeMs: madeMs - lookedMs };
      return { ...findings, ...times, tracks, error: null };
    } catch (error) {
      return { error: error.code ?? String(error), message: error.message };
    } finally {
      redactor.close();
    }
  },
  show: async () => {
    window.outcome = "open";
    const given = await segments();
    shown = mount(Redact, { target: document.getElementById("app"), props: {
      segments: given,
      stillOf: 1,
      onDone: async (files, still) => {
        await keep(files);
        window.still = { segment: still.segment, begins: [...still.bytes.subarray(0, 2)] };
        window.outcome = "done";
      },
      onCancel: () => { window.outcome = "cancelled"; },
    } });
  },
  hide: () => unmount(shown),
};
window.ready = true;
`;
const INDEX = `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Blur</title><link rel="icon" href="data:,"></head>
<body><main><h1>Blur</h1><div id="app"></div></main><script type="module" src="./main.js"></script></body></html>`;

let built: Promise<string> | null = null;

async function builtHarness(): Promise<string> {
  mkdirSync(HARNESS, { recursive: true });
  writeFileSync(path.join(HARNESS, "main.js"), MAIN);
  writeFileSync(path.join(HARNESS, "index.html"), INDEX);
  const outDir = path.join(HARNESS, `dist-${process.pid}`);
  // 16 MB each, of no use to another run; a test's process is ended without notice.
  for (const name of readdirSync(HARNESS)) {
    const pid = /^dist-(\d+)$/.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`))
      rmSync(path.join(HARNESS, name), { recursive: true, force: true });
  }
  await build({
    configFile: path.join(projectRoot, "web/vite.config.ts"),
    root: HARNESS,
    publicDir: path.join(projectRoot, "web/public"),
    logLevel: "warn",
    build: { outDir, emptyOutDir: true },
  });
  return outDir;
}

export async function startRedactPage(
  options: RedactPageOptions,
): Promise<RedactPage & { readonly made: ReadonlyMap<number, Uint8Array> }> {
  const directory = await (built ??= builtHarness());
  const made = new Map<number, Uint8Array>();
  const server = await createServer({
    ...{ sessions: null, version: "0", hostNames: ["localhost"], logLevel: "silent" },
  });
  server.addContentTypeParser(
    "application/octet-stream",
    { parseAs: "buffer", bodyLimit: 64 * 1024 * 1024 },
    (_request, body, done) => done(null, body),
  );
  await addPageFiles(server, directory);
  const config = { access: "public" } as const;
  server.get("/segments", { config }, async () => ({ count: options.segments.length }));
  server.get<{ Params: { index: string } }>("/segment/:index", { config }, async ({ params }) =>
    Buffer.from(options.segments[Number(params.index)] ?? new Uint8Array()),
  );
  server.post<{ Params: { index: string } }>(
    "/made/:index",
    { config, bodyLimit: 64 * 1024 * 1024 },
    async ({ params, body }) => {
      made.set(Number(params.index), new Uint8Array(body as Buffer));
      return {};
    },
  );
  await server.listen({ host: "127.0.0.1", port: 0 });
  const address = server.server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  const browser = await launch();
  const page = await openPage(browser, `http://localhost:${port}/`, options);
  return {
    ...page,
    made,
    [Symbol.asyncDispose]: async () => {
      await browser.close();
      await server.close();
    },
  };
}

function launch(): Promise<Browser> {
  const isRoot = process.getuid?.() === 0;
  return chromium.launch({ executablePath: CHROMIUM, args: isRoot ? ["--no-sandbox"] : [] });
}

async function openPage(
  browser: Browser,
  url: string,
  options: RedactPageOptions,
): Promise<Omit<RedactPage, typeof Symbol.asyncDispose>> {
  const context = await browser.newContext({
    viewport: options.viewport ?? { width: 1280, height: 800 },
    locale: options.language === "fr" ? "fr-FR" : "en-GB",
    colorScheme: options.scheme ?? "light",
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  const problems: string[] = [];
  const requests: string[] = [];
  context.on("request", (request) => requests.push(request.url()));
  page.on("pageerror", (error) => problems.push(`exception: ${error.message}`));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(message.text());
  });
  const { tamper } = options;
  if (tamper)
    await context.route("**/assets/**", async (route) => {
      const answer = await route.fetch();
      const name = path.basename(new URL(route.request().url()).pathname);
      await route.fulfill({ response: answer, body: tamper(name, await answer.body()) });
    });
  await page.goto(url);
  await page.waitForFunction("window.ready === true", undefined, { timeout: 20_000 });
  return { page, problems, requests };
}

export interface RedactRun {
  /** Code of what went wrong; null where files were made. */
  readonly error: string | null;
  readonly width: number;
  readonly height: number;
  readonly frameCount: number;
  readonly detectMs: number;
  readonly lookMs: number;
  readonly makeMs: number;
  readonly tracks: readonly {
    readonly id: number;
    readonly boxes: readonly [number, TrackBox][];
  }[];
  readonly weakest: readonly { readonly frame: number; readonly doubt: string }[];
}

/** The engine without its screen: looks, makes, and leaves the files in `made`. */
export async function runRedactor(
  page: Page,
  options: { readonly added?: readonly OwnerBox[]; readonly cancelAt?: number } = {},
): Promise<RedactRun> {
  const added = (options.added ?? []).map(
    ({ id, fromFrame, toFrame, drawn }) =>
      `{ id: ${id}, fromFrame: ${fromFrame}, toFrame: ${toFrame}, drawn: new Map(${JSON.stringify(drawn)}) }`,
  );
  const corrections = `{ added: [${added.join()}], removed: [] }`;
  const cancelAt = options.cancelAt ?? -1;
  return page.evaluate<RedactRun>(
    `window.harness.run({ corrections: ${corrections}, cancelAt: ${cancelAt} })`,
  );
}

export interface OwnerBox {
  readonly id: number;
  readonly fromFrame: number;
  readonly toFrame: number;
  readonly drawn: readonly (readonly [number, Box])[];
}

/** Names and sizes of what was built for the worker. */
export async function redactAssets(): Promise<{ name: string; bytes: number }[]> {
  const folder = path.join(await (built ??= builtHarness()), "assets/redact");
  return readdirSync(folder).map((name) => ({
    name,
    bytes: readFileSync(path.join(folder, name)).length,
  }));
}
