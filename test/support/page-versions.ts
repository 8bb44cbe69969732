import { createHash } from "node:crypto";
import { cpSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { builtPage } from "./page-build.ts";

/** Builds of the page as a hub has them before and after it was renewed. */

/** A build of one's own in `directory`, to be changed. */
export function copyOfPage(directory: string): string {
  cpSync(builtPage(), directory, { recursive: true });
  return directory;
}

/**
 * Makes another build of the one in `directory`, as after a change somewhere: every asset has another
 * name, every file that names it says so, and the service worker lists the new ones.
 *
 * @param mark - A letter or two that no build has had here.
 */
export function renewPage(directory: string, mark: string): void {
  const assets = path.join(directory, "assets");
  const files = readdirSync(assets, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
  const renamed = (file: string): string => file.replace(/\.(\w+)$/, `${mark}.$1`);
  const names = files.map((file) => path.basename(file).replaceAll(".", String.raw`\.`));
  const anyName = new RegExp(names.toSorted((a, b) => b.length - a.length).join("|"), "g");
  const rewrite = (file: string): void =>
    writeFileSync(file, readFileSync(file, "utf8").replaceAll(anyName, renamed));
  for (const file of files) {
    if (/\.(?:js|css)$/.test(file)) rewrite(file);
    renameSync(file, renamed(file));
  }
  for (const name of ["index.html", "service-worker.js"]) rewrite(path.join(directory, name));
  const worker = path.join(directory, "service-worker.js");
  const listed = readFileSync(worker, "utf8").replaceAll(
    /\[([`"'])(\/[^`"']*)\1,([`"'])[0-9a-f]{64}\3\]/g,
    (_all, _quote, name: string) => `["${name}","${hashOf(directory, name)}"]`,
  );
  writeFileSync(worker, listed);
}

function hashOf(directory: string, name: string): string {
  const file = path.join(directory, name === "/" ? "index.html" : name);
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

/** The asset whose name begins so, as a path. */
export function assetNamed(directory: string, beginning: string): string {
  const assets = path.join(directory, "assets");
  const found = readdirSync(assets).find((name) => name.startsWith(beginning));
  if (found === undefined) throw new Error(`the page has no ${beginning}`);
  return path.join(assets, found);
}
