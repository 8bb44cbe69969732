import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from "node:fs";
import path from "node:path";
import { projectRoot } from "./requirements.ts";

/** What goes into a build; this file says how it is made. */
const SOURCES = [
  "test/support/page-build.ts",
  "web",
  "src/owner",
  "src/protocol",
  "src/blur",
  "package-lock.json",
];
const KEPT = path.join(projectRoot, "node_modules/.cache/doorward-page");
const BUILDS_KEPT_MS = 60 * 60_000;

let built: string | null = null;

/**
 * Folder of the page as the tree is when a test file first asks, built where no earlier test has
 * built the very same: tests may run beside one another, and beside somebody who builds `web/dist`.
 *
 * A file of tests keeps its page: were the tree changed while it runs, a later test would wait for a
 * build, and on a busy machine longer than it may take.
 */
export function builtPage(): string {
  built ??= buildPage();
  return built;
}

function buildPage(): string {
  const folder = path.join(KEPT, fingerprint());
  if (existsSync(path.join(folder, "index.html"))) {
    // In use, however old: others are not to forget it.
    const now = new Date();
    utimesSync(folder, now, now);
    return folder;
  }
  const unfinished = `${folder}.${process.pid}`;
  const vite = path.join(projectRoot, "node_modules/vite/bin/vite.js");
  const words = [vite, "build", "web", "--outDir", unfinished, "--logLevel", "error"];
  // Tests run as NODE_ENV=test, which would build a page for developers.
  const env = { ...process.env, NODE_ENV: "production" };
  const result = spawnSync(process.execPath, words, { cwd: projectRoot, env, encoding: "utf8" });
  if (result.status !== 0) {
    rmSync(unfinished, { recursive: true, force: true });
    throw new Error(`Cannot build the page:\n${result.stdout}${result.stderr}`);
  }
  try {
    renameSync(unfinished, folder);
  } catch {
    // Another test built the same in the meantime.
    rmSync(unfinished, { recursive: true, force: true });
  }
  forgetOldBuilds();
  return folder;
}

function fingerprint(): string {
  const hash = createHash("sha256");
  for (const source of SOURCES) {
    const full = path.join(projectRoot, source);
    for (const file of path.extname(source) !== "" ? [full] : filesBelow(full)) {
      hash.update(`${path.relative(projectRoot, file)}\0`);
      hash.update(readFileSync(file));
    }
  }
  return hash.digest("hex").slice(0, 24);
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes("/web/dist"))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}

/** Only what nobody can be using any more: other tests may be looking at an older tree. */
function forgetOldBuilds(): void {
  for (const name of readdirSync(KEPT)) {
    const folder = path.join(KEPT, name);
    const ageMs = Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (ageMs > BUILDS_KEPT_MS) rmSync(folder, { recursive: true, force: true });
  }
}
