import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { shippedModels } from "./shipped/models.ts";
import { closureOf, projectRoot, shippedPackages } from "./shipped/packages.ts";
import type { ShippedPackage } from "./shipped/packages.ts";

/**
 * Licences of what is shipped: `node scripts/licences.ts` says which are not allowed (exit 1), and
 * with `--write` writes NOTICE anew.
 */

/** What the project's own licence, AGPL-3.0-or-later, can be given out together with. */
export const LICENSES_ALLOWED: readonly string[] = [
  "0BSD",
  "Apache-2.0",
  "BlueOak-1.0.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "ISC",
  "MIT",
  "(MIT OR CC0-1.0)",
  // Holds for its own files, which are here as they were published; its section 3.3 allows the AGPL.
  "MPL-2.0",
];

/** Sources from which the files of the page are built. */
const PAGE_SOURCES = [
  ...["web/page", "web/viewer", "web/form", "web/service-worker"],
  ...["src/owner", "src/protocol", "src/blur"],
];
const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*"((?:@[a-z0-9-]+\/)?[a-z][a-z0-9.-]*)(?:\/[^"]*)?"/g;
const LICENSE_FILE = /^(?:licen[cs]e|copying|notice)(?:[.-].*)?$/i;

/** One line for each part that is shipped under a licence that is not allowed, or under none. */
export function licencesRefused(root: string = projectRoot): string[] {
  const parts = [
    ...shippedPackages(root).map(({ folder, license }) => ({ part: folder, license })),
    ...shippedModels(root).map(({ name, license }) => ({ part: `models/${name}`, license })),
  ];
  return parts
    .filter(({ license }) => license === null || !LICENSES_ALLOWED.includes(license))
    .map(({ part, license }) => `${part}: ${license ?? "no licence"}`);
}

/** Packages whose code is in the built page; their own copies of their licences are not. */
export function packagesOfPage(root: string = projectRoot): ShippedPackage[] {
  const names = new Set(PAGE_SOURCES.flatMap((source) => importsBelow(path.join(root, source))));
  const shipped = shippedPackages(root);
  const inPage = new Set(closureOf(names, shipped));
  return shipped.filter(({ folder }) => inPage.has(folder));
}

/** Text of NOTICE: what is given out with this project, and the words that have to go with it. */
export function noticeText(root: string = projectRoot): string {
  const shipped = shippedPackages(root);
  const lines = shipped.map(
    ({ name, version, license }) => `${name} ${version}: ${license ?? "no licence"}`,
  );
  const texts = packagesOfPage(root).map(
    ({ name, version, folder }) =>
      `${RULE}\n${name} ${version}\n\n${licenceTextsIn(path.join(root, folder))}`,
  );
  return `${[HEAD, [...new Set(lines)].join("\n"), BETWEEN, ...texts].join("\n\n")}\n`;
}

const RULE = "-".repeat(96);
const HEAD = `Doorward is free software under the GNU Affero General Public License, version 3 or later; see
LICENSE. Written by scripts/licences.ts.

The neural networks in models/ have licences of their own: see models/NOTICE.

These packages are installed with it. Each brings its licence in its own folder:`;
const BETWEEN = `The files of the page (web/dist) are built from this project and from parts of the packages below.
Their licences:`;

function importsBelow(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && /\.(?:ts|svelte)$/.test(entry.name),
  );
  return files.flatMap((entry) => {
    const text = readFileSync(path.join(entry.parentPath, entry.name), "utf8");
    return [...text.matchAll(IMPORT)].map(([, name = ""]) => name);
  });
}

function licenceTextsIn(folder: string): string {
  const files = readdirSync(folder).filter((file) => LICENSE_FILE.test(file));
  if (files.length > 0)
    return files
      .toSorted()
      .map((file) => tidy(readFileSync(path.join(folder, file), "utf8")))
      .join("\n\n");
  const manifest = JSON.parse(readFileSync(path.join(folder, "package.json"), "utf8")) as {
    license?: string;
    author?: string | { name?: string };
  };
  const author = typeof manifest.author === "string" ? manifest.author : manifest.author?.name;
  return `${manifest.license ?? "No licence"}, by ${author ?? "an unnamed author"}. The package brings no text of it.`;
}

function tidy(text: string): string {
  return text.replaceAll(/[^\S\n]+$/gm, "").trim();
}

function main(words: readonly string[]): number {
  const refused = licencesRefused();
  for (const line of refused) process.stderr.write(`not allowed: ${line}\n`);
  if (words.includes("--write")) writeFileSync(path.join(projectRoot, "NOTICE"), noticeText());
  return refused.length === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.exitCode = main(process.argv.slice(2));
