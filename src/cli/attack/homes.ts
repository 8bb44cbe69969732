import { lstat, open, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { systemErrorCode } from "../../base/files.ts";
import { attempt, type Attempt, type Target } from "./attempt.ts";
import { addIdentities, noCandidates, tryCandidates } from "./candidates.ts";
import { attackBrowserFiles, isBrowserStorage } from "./browser.ts";
import { isPassphraseFile, tryPassphrases } from "./passphrases.ts";

/** What people left on the hub's machine: keys in homes, sealed key folders, browsers' storage. */

const FILES_MAX = 20_000;
const FILE_READ_MAX_BYTES = 256 * 1024;
const BYTES_MAX = 256 * 1024 * 1024;
const DEPTH_MAX = 12;
/** Programs and what they can fetch again: no key is kept there, and most of a home is. */
const SKIPPED = new Set([
  ...[
    "node_modules",
    ".git",
    ".cache",
    ".npm",
    ".cargo",
    ".rustup",
    "Cache",
    "Code Cache",
    "GPUCache",
  ],
  ...["CacheStorage", "ScriptCache", "Service Worker", "cache2", "DawnCache", "ms-playwright"],
]);

interface HomeFiles {
  readonly plain: string[];
  readonly sealed: string[];
  readonly browser: string[];
  /** True when not everything could be looked at. */
  isPart: boolean;
}

/** @param homes - By default those of the users that the hub's processes run as. */
export async function attackHomes(
  target: Target,
  homes: readonly string[] | null = null,
): Promise<Attempt[]> {
  const looked = homes ?? (await homesOf(target.pids));
  const files: HomeFiles = { plain: [], sealed: [], browser: [], isPart: false };
  for (const home of looked) await collect(home, target, files);
  const where = looked.length === 0 ? "no home" : looked.join(", ");
  return [
    await tryPlainFiles(files, target, where),
    await tryPassphrases(files.sealed, target.lock),
    await attackBrowserFiles(files.browser, target.lock),
  ];
}

/** Of every user that a process of the hub runs as, by the system's own list. */
async function homesOf(pids: readonly number[]): Promise<string[]> {
  const users = new Set<string>();
  for (const pid of pids) {
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
    const user = /^Uid:\s+(\d+)/m.exec(status)?.[1];
    if (user !== undefined) users.add(user);
  }
  const known = await readFile("/etc/passwd", "utf8").catch(() => "");
  const homes = known.split("\n").flatMap((line) => {
    const [, , user = "", , , home = ""] = line.split(":");
    return users.has(user) && home !== "" && home !== "/" ? [home] : [];
  });
  return [...new Set(homes)];
}

async function collect(home: string, target: Target, files: HomeFiles): Promise<void> {
  const left = new Set([target.dataDirectory, target.keysDirectory]);
  const folders: { readonly folder: string; readonly depth: number }[] = [
    { folder: home, depth: 0 },
  ];
  for (const { folder, depth } of folders) {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const file = path.join(folder, entry.name);
      if (left.has(file)) continue;
      if (entry.isDirectory() && !SKIPPED.has(entry.name)) {
        if (depth < DEPTH_MAX) folders.push({ folder: file, depth: depth + 1 });
        else files.isPart = true;
      }
      if (!entry.isFile()) continue;
      if (files.plain.length >= FILES_MAX) {
        files.isPart = true;
        return;
      }
      if (isBrowserStorage(file)) files.browser.push(file);
      else files.plain.push(file);
    }
  }
}

async function tryPlainFiles(files: HomeFiles, target: Target, where: string): Promise<Attempt> {
  const candidates = noCandidates();
  let bytes = 0;
  for (const file of files.plain) {
    const start = bytes < BYTES_MAX ? await readStart(file) : null;
    if (start === null) files.isPart = true;
    if (start === null) continue;
    bytes += start.length;
    if (isPassphraseFile(start)) files.sealed.push(file);
    // A home has thousands of hashes that are none of ours: here only what is written as a key.
    if (start.includes("AGE-SECRET-KEY-")) addIdentities(candidates, start.toString("latin1"));
  }
  const part = files.isPart ? ", not everything" : "";
  return attempt(
    `keys left in the homes of the hub's users (${where})`,
    await tryCandidates(candidates, target.lock),
    `${files.plain.length} files${part}, ${candidates.identities.size} age identities`,
  );
}

async function readStart(file: string): Promise<Buffer | null> {
  try {
    const { size } = await lstat(file);
    await using handle = await open(file, "r");
    const buffer = Buffer.alloc(Math.min(size, FILE_READ_MAX_BYTES));
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    if (systemErrorCode(error) === null) throw error;
    return null;
  }
}
