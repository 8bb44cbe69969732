import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { VIEWER_NAME } from "../src/protocol/bundle.ts";
import { builtPage } from "../test/support/page-build.ts";
import type { Figure } from "./figure.ts";

/** Screens that everybody opens: they count into what the page weighs at first. */
const BASE_SCREENS = ["Live", "Timeline"];

/** What a browser fetches before the live picture and the timeline are there, compressed. */
export async function pageSizeFigures(): Promise<readonly Figure[]> {
  const folder = builtPage();
  const names = readdirSync(path.join(folder, "assets")).map((name) => `assets/${name}`);
  const read = (name: string): string => readFileSync(path.join(folder, name), "utf8");
  const index = read("index.html");
  const isNamed = (text: string, name: string): boolean => text.includes(path.basename(name));
  const wanted = new Set(names.filter((name) => isNamed(index, name)));
  for (const screen of BASE_SCREENS)
    for (const name of names)
      if (new RegExp(`^assets/${screen}-[\\w-]+\\.(?:js|css)$`).test(name)) wanted.add(name);
  // What these import at once; what they import when it is needed stands in import() calls.
  for (const name of wanted)
    for (const imported of staticImports(read(name))) {
      const found = names.find((each) => path.basename(each) === imported);
      if (found !== undefined) wanted.add(found);
    }
  const gzipped = (name: string): number =>
    gzipSync(readFileSync(path.join(folder, name)), { level: 9 }).length;
  // Of the words of the frame and of these screens one language is fetched: the longer one counts.
  const words = [...wanted].flatMap((name) => {
    const languages = dynamicImports(read(name)).filter(isWords);
    if (languages.length !== 0 && languages.length !== 2)
      throw new Error(`Cannot find the words of ${name} in two languages`);
    const sizes = languages.map((each) => gzipped(`assets/${each}`));
    return sizes.length === 0 ? [] : [Math.max(...sizes)];
  });
  if (words.length !== 1 + BASE_SCREENS.length)
    throw new Error("Cannot find the words of the frame and of each screen");
  const files = [...wanted, "index.html"].map(gzipped);
  const total = [...files, ...words].reduce((sum, bytes) => sum + bytes, 0);
  const vault = names.filter((name) => /vault-worker-/.test(name));
  return [
    {
      name: "page.gzip",
      value: total,
      unit: "bytes",
      context: `index.html and ${wanted.size} files, live and timeline included, the vault apart`,
    },
    {
      name: "page.vault_gzip",
      value: vault.reduce((sum, name) => sum + gzipped(name), 0),
      unit: "bytes",
      context: "the worker that holds the keys: loaded beside the page, blocks nothing",
    },
    {
      name: "viewer.bytes",
      value: statSync(path.join(folder, VIEWER_NAME)).size,
      unit: "bytes",
      context: "viewer.html as it lies in a bundle, everything in it",
    },
  ];
}

function staticImports(text: string): string[] {
  return [...text.matchAll(/(?:from|import)\s*"\.\/([\w.-]+)"/g)].map(([, name]) => name ?? "");
}

function dynamicImports(text: string): string[] {
  return [...text.matchAll(/\bimport\(\s*["'`]\.\/([\w.-]+)["'`]/g)].map(([, name]) => name ?? "");
}

function isWords(name: string): boolean {
  return /^words\.(?:en|fr)-/.test(name);
}
