import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { projectRoot } from "../support/requirements.ts";

const read = (name: string): string => readFileSync(path.join(projectRoot, name), "utf8");
const SCRIPT = read("config/install.sh");
const NAMED = (/^RELEASE_FILES="([^"]+)"$/m.exec(SCRIPT)?.[1] ?? "").split(" ");
/** In the repository for whoever works on it. */
const NOT_INSTALLED = [
  ...[".ci", ".dockerignore", ".gitignore", ".oxfmtrc.json", ".oxlintrc.json", "CONTRIBUTING.md"],
  ...["Dockerfile", "bench", "compose.yaml", "knip.json", "test", "vitest.config.ts"],
];
/** What the guide has an owner write into the clone that he tries it from. */
const SOMEBODYS_OWN = [
  ...["keys/device.age", "keys/device.json", "keys/recovery.txt", "data/doorward.yaml"],
  ...["clip.mp4", "bundle.zip", "recovery.txt", "web/dist/index.html"],
];

let clone: string;
beforeEach(() => {
  clone = mkdtempSync(path.join(os.tmpdir(), "doorward-release-files-"));
});
afterEach(() => rmSync(clone, { recursive: true, force: true }));

test("the installer takes the program, and nothing that somebody left beside it", () => {
  const expected = NAMED.map(fileOf);
  for (const name of [...expected, ...NOT_INSTALLED.map(fileOf), ...SOMEBODYS_OWN]) put(name);
  expect(takenFiles()).toEqual(expected.toSorted());
  put("sbom.cdx.json");
  expect(takenFiles()).toEqual([...expected, "sbom.cdx.json"].toSorted());
});

test("that is enough for every command, and for the page to be made", () => {
  for (const name of NAMED)
    cpSync(path.join(projectRoot, name), path.join(clone, name), {
      ...{ recursive: true, preserveTimestamps: true },
      filter: (file) => file !== path.join(projectRoot, "web/dist"),
    });
  symlinkSync(path.join(projectRoot, "node_modules"), path.join(clone, "node_modules"));
  const help = execFileSync(path.join(clone, "doorward"), ["help"], { encoding: "utf8" });
  expect(help).toContain("owner approve");
  const vite = path.join(clone, "node_modules/vite/bin/vite.js");
  const made = spawnSync(process.execPath, [vite, "build", "web", "--logLevel", "warn"], {
    ...{ cwd: clone, encoding: "utf8" },
  });
  expect(made.stderr).toBe("");
  expect(existsSync(path.join(clone, "web/dist/index.html"))).toBe(true);
}, 120_000);

test("an image is made of the same", () => {
  const lines = read(".dockerignore")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  expect(lines).toEqual(["*", ...NAMED.map((name) => `!${name}`), "docs/screens", "web/dist"]);
});

/** What is a folder in the repository has one file here. */
function fileOf(name: string): string {
  const isFolder = statSync(path.join(projectRoot, name)).isDirectory();
  return isFolder ? path.join(name, "of-the-program") : name;
}

function put(name: string): void {
  const file = path.join(clone, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, "");
}

/** As the installer names them, in the order of their names. */
function takenFiles(): string[] {
  const parts = SCRIPT.slice(
    SCRIPT.indexOf("release_files() {"),
    SCRIPT.indexOf("\nrelease_name() {"),
  );
  const taken = execFileSync(
    "sh",
    ["-c", `set -eu; ${parts}\nrelease_files | tar -tf - | grep -v '/$'`],
    { env: { ...process.env, source_dir: clone, RELEASE_FILES: NAMED.join(" ") } },
  );
  return taken.toString().trim().split("\n").toSorted();
}
