import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const projectRoot = fileURLToPath(new URL("../..", import.meta.url));

interface LockedPackage {
  readonly version: string;
  readonly license?: string;
  readonly integrity: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly optional?: boolean;
  readonly os?: string | readonly string[];
  readonly cpu?: string | readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  /** npm installs these as well. */
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** One package that an installed hub has, as package-lock.json lists it. */
export interface ShippedPackage {
  readonly name: string;
  readonly version: string;
  /** SPDX expression as the package says it; null where it says none. */
  readonly license: string | null;
  /** Hexadecimal, of the package's archive. */
  readonly sha512: string;
  /** Below the project's folder, as `node_modules/ws`. */
  readonly folder: string;
  readonly isOptional: boolean;
  /** Folders of those that it loads, as Node would find them. */
  readonly needs: readonly string[];
}

/**
 * What is installed for a household on Linux, x64 or arm64: the lock file without the packages that
 * only building and testing need, and without the builds for other systems. Sorted by folder.
 *
 * @param root - A folder with a package-lock.json.
 */
export function shippedPackages(root: string = projectRoot): ShippedPackage[] {
  const { packages } = readLock(root);
  const { dependencies, optionalDependencies } = ownManifest(root);
  const candidates = Object.entries(packages)
    .filter(([folder, entry]) => folder !== "" && isShipped(entry))
    .map(([folder, entry]) => ({
      name: nameOf(folder),
      version: entry.version,
      license: entry.license ?? null,
      sha512: Buffer.from(entry.integrity.replace(/^sha512-/, ""), "base64").toString("hex"),
      folder,
      isOptional: entry.optional === true,
      needs: needsOf(folder, entry, packages),
    }))
    .toSorted((one, other) => (one.folder < other.folder ? -1 : 1));
  // Some are there only for the sake of a build for another system.
  const names = Object.keys({ ...dependencies, ...optionalDependencies });
  const loaded = new Set(closureOf(names, candidates));
  return candidates.filter(({ folder }) => loaded.has(folder));
}

/** Folders of the shipped packages that are loaded, directly or not, where `names` are imported. */
export function closureOf(names: Iterable<string>, shipped: readonly ShippedPackage[]): string[] {
  const byFolder = new Map(shipped.map((entry) => [entry.folder, entry]));
  const found = new Set<string>();
  const waiting = [...names].map((name) => `node_modules/${name}`);
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    const entry = byFolder.get(folder);
    if (entry === undefined || found.has(folder)) continue;
    found.add(folder);
    waiting.push(...entry.needs);
  }
  return [...found].toSorted();
}

/** What package.json says of the project itself. */
export function ownManifest(root: string = projectRoot): {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
} {
  return JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as ReturnType<
    typeof ownManifest
  >;
}

function readLock(root: string): { packages: Record<string, LockedPackage> } {
  return JSON.parse(readFileSync(path.join(root, "package-lock.json"), "utf8")) as ReturnType<
    typeof readLock
  >;
}

function isShipped(entry: LockedPackage): boolean {
  if (entry.dev === true || entry.devOptional === true) return false;
  return isFor(entry.os, ["linux"]) && isFor(entry.cpu, ["x64", "arm64"]);
}

/** npm writes one word, a list, or nothing for all. */
function isFor(written: string | readonly string[] | undefined, ours: readonly string[]): boolean {
  return written === undefined || [written].flat().some((word) => ours.includes(word));
}

function nameOf(folder: string): string {
  return folder.slice(folder.lastIndexOf("node_modules/") + "node_modules/".length);
}

function needsOf(
  folder: string,
  { dependencies, optionalDependencies, peerDependencies }: LockedPackage,
  packages: Readonly<Record<string, LockedPackage>>,
): string[] {
  const names = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
  return names
    .flatMap((name) => {
      for (let place = folder; ; place = place.slice(0, place.lastIndexOf("/node_modules/"))) {
        const candidate = `${place}/node_modules/${name}`;
        const entry = packages[candidate];
        if (entry !== undefined) return isShipped(entry) ? [candidate] : [];
        if (!place.includes("/node_modules/")) break;
      }
      const entry = packages[`node_modules/${name}`];
      return entry !== undefined && isShipped(entry) ? [`node_modules/${name}`] : [];
    })
    .toSorted();
}
