import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { rolldown } from "rolldown";
import type { KeyKind } from "../src/owner/identity.ts";
import { CHROMIUM } from "../test/support/page.ts";
import { decideCase, figure, SEGMENTS } from "./consent.ts";
import type { Figure } from "./figure.ts";

const ENTRY = fileURLToPath(new URL("./decide-page-worker.ts", import.meta.url));
const SAMPLES = 20;
/** Never reached: the browser is answered from here. A name, since only those are secure. */
const ADDRESS = "http://localhost:1/";
const SMALL_BYTES = 1_000;
/** Four seconds at 4 Mbit/s. */
const WHOLE_BYTES = 2_000_000;

/** What a decision for ten segments costs in a worker of the browser, with all files at hand. */
export async function decidePageFigures(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const kind of ["x25519", "pq"] as const)
    for (const bytes of [SMALL_BYTES, WHOLE_BYTES]) figures.push(await decideFigure(kind, bytes));
  return figures;
}

async function decideFigure(kind: KeyKind, payloadBytes: number): Promise<Figure> {
  const { bundle, terms, files } = await decideCase(kind, payloadBytes);
  await using browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });
  const page = await browser.newPage();
  const script = await workerScript();
  const bodies = [...files.values()].map((file) => Buffer.from(file));
  await page.route(`${ADDRESS}**`, async (route) => {
    const name = new URL(route.request().url()).pathname.slice(1);
    if (name === "") await route.fulfill({ contentType: "text/html", body: "<!doctype html>" });
    else if (name === "worker.js")
      await route.fulfill({ contentType: "text/javascript", body: script });
    else await route.fulfill({ body: bodies[Number(name)] ?? Buffer.alloc(0) });
  });
  await page.goto(ADDRESS);
  const work = JSON.stringify({ bundle, terms: terms(), samples: SAMPLES });
  const durationsMs = await page.evaluate<number[]>(
    `(${RUN})(${work}, ${JSON.stringify([...files.keys()])})`,
  );
  const isWhole = payloadBytes === WHOLE_BYTES;
  return figure(
    `decide.browser_ms${kind === "pq" ? ".pq" : ""}${isWhole ? ".whole" : ""}`,
    durationsMs.toSorted((left, right) => left - right),
    `open, re-wrap and sign ${SEGMENTS} segments in a worker of headless Chromium, keys of kind ${kind}, ${
      isWhole ? "2 MB each, hashed whole before their key is passed on" : "headers alone"
    }`,
  );
}

/** Runs in the browser, where this program has no types. */
const RUN = `async (work, names) => {
  const files = new Map();
  for (const [index, name] of names.entries())
    files.set(name, new Uint8Array(await (await fetch("/" + index)).arrayBuffer()));
  const worker = new Worker("/worker.js", { type: "module" });
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => reject(new Error(message || "the worker failed"));
    worker.postMessage({ ...work, files });
  });
}`;

async function workerScript(): Promise<string> {
  await using build = await rolldown({ input: ENTRY, platform: "browser", logLevel: "silent" });
  return (await build.generate({ format: "esm", minify: true })).output[0].code;
}
