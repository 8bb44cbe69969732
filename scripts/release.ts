import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { licencesRefused, noticeText } from "./licences.ts";
import { billOfMaterials } from "./sbom.ts";
import { secretsIn } from "./secrets.ts";
import { ownManifest } from "./shipped/packages.ts";

/**
 * Makes a release of one commit: an archive that anybody can make again byte for byte, what it
 * consists of, their hashes, and a signature over these. See docs/releases.md.
 *
 *     node scripts/release.ts --commit v0.1.0 --to FOLDER [--key SSH_KEY]
 *
 * Wants git, GNU tar, gzip and, with a key, ssh-keygen; and node_modules as the commit's lock file
 * lists it. Exit codes: 0 made, 1 this must not be given out, 2 wrong use.
 */

/** What a signature is for, so that one over the same bytes elsewhere does not count here. */
export const SIGNATURE_NAMESPACE = "doorward-release";

const HASHES_FILE = "SHA256SUMS";
/** Nothing that a hub, its command line or the build of its page needs. */
const LEFT_OUT = ["test", "bench", ".ci", ".gitignore", "knip.json", "vitest.config.ts"];

export interface ReleaseOptions {
  /** A clone with its packages installed. */
  readonly root: string;
  /** Commit, branch or tag. */
  readonly commit: string;
  /** Must not exist, or be empty. */
  readonly to: string;
  /** Path of an SSH private key, or of a public one whose private half an agent holds. */
  readonly key: string | null;
}

export class ReleaseError extends Error {}

/**
 * @returns Names of the files that were made.
 * @throws ReleaseError where the commit must not be given out, and says why.
 */
export function makeRelease({ root, commit, to, key }: ReleaseOptions): string[] {
  mkdirSync(to, { recursive: true });
  if (readdirSync(to).length > 0)
    throw new ReleaseError(`Cannot make a release: ${to} is not empty`);
  const work = mkdtempSync(path.join(tmpdir(), "doorward-release-"));
  try {
    const exact = run("git", ["rev-parse", "--verify", `${commit}^{commit}`], root).trim();
    const { name, tree } = unpackCommit(root, exact, work);
    requireNoSecrets(tree);
    requireSamePackages(root, tree);
    requireLicences(tree);
    buildPageOf(tree);
    const bill = billOfMaterials(tree);
    writeFileSync(path.join(tree, "sbom.cdx.json"), bill);
    for (const left of [...LEFT_OUT, "node_modules"])
      rmSync(path.join(tree, left), { recursive: true, force: true });
    const seconds = run("git", ["show", "-s", "--format=%ct", exact], root).trim();
    packArchive(work, name, path.join(to, `${name}.tar.gz`), seconds);
    writeFileSync(path.join(to, `${name}.cdx.json`), bill);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const lines = readdirSync(to)
    .toSorted()
    .map((name) => `${sha256(readFileSync(path.join(to, name)))}  ${name}\n`);
  writeFileSync(path.join(to, HASHES_FILE), lines.join(""));
  if (key !== null) sign(path.join(to, HASHES_FILE), key);
  return readdirSync(to).toSorted();
}

/** Only what the commit holds: nothing that merely lies in the clone. */
function unpackCommit(root: string, commit: string, work: string): { name: string; tree: string } {
  const archive = path.join(work, "tree.tar");
  const unpacked = path.join(work, "tree");
  run("git", ["archive", "--format=tar", `--output=${archive}`, commit], root);
  mkdirSync(unpacked);
  run("tar", ["-xf", archive, "-C", unpacked], work);
  rmSync(archive);
  const name = `doorward-${ownManifest(unpacked).version}`;
  const tree = path.join(work, name);
  renameSync(unpacked, tree);
  return { name, tree };
}

/** The page is built from the packages that are installed here: they have to be the commit's. */
function requireSamePackages(root: string, tree: string): void {
  const [here, wanted] = [root, tree].map((folder) =>
    readFileSync(path.join(folder, "package-lock.json"), "utf8"),
  );
  if (here !== wanted)
    throw new ReleaseError(
      "Cannot make a release: other packages are installed than this commit's; check it out, and run node scripts/set-up.mjs install",
    );
  symlinkSync(path.join(root, "node_modules"), path.join(tree, "node_modules"));
}

function requireNoSecrets(tree: string): void {
  const secrets = filesBelow(tree).flatMap((name) =>
    secretsIn(name, readFileSync(path.join(tree, name))),
  );
  if (secrets.length > 0)
    throw new ReleaseError(`Cannot make a release with secrets in it:\n${secrets.join("\n")}`);
}

function requireLicences(tree: string): void {
  const refused = licencesRefused(tree);
  if (refused.length > 0)
    throw new ReleaseError(`Cannot make a release under these licences:\n${refused.join("\n")}`);
  if (readFileSync(path.join(tree, "NOTICE"), "utf8") !== noticeText(tree))
    throw new ReleaseError(
      "Cannot make a release: NOTICE is not of what is shipped; run node scripts/licences.ts --write",
    );
}

/** By the commit's own words, with its stamp: where it is unpacked, it is not built again. */
function buildPageOf(tree: string): void {
  const setUp = pathToFileURL(path.join(tree, "scripts/set-up-page.mjs")).href;
  const script = `const { buildPage } = await import(${JSON.stringify(setUp)});
    process.exitCode = (await buildPage(process.execPath)) ? 0 : 1;`;
  const words = ["--input-type=module", "--eval", script];
  // Whoever tests this has NODE_ENV=test, and would get a page for developers.
  const env = { ...process.env, NODE_ENV: "production" };
  const { status, stderr } = spawnSync(process.execPath, words, { env, encoding: "utf8" });
  if (status !== 0) throw new ReleaseError(`Cannot build the page:\n${stderr}`);
}

/** The same bytes for the same tree: sorted, nobody's, of the commit's time, and no time in gzip. */
function packArchive(work: string, name: string, archive: string, seconds: string): void {
  const tar = path.join(work, `${name}.tar`);
  const same = ["--format=ustar", "--sort=name", `--mtime=@${seconds}`, "--mode=u=rwX,go=rX"];
  const nobody = ["--owner=0", "--group=0", "--numeric-owner"];
  run("tar", ["-cf", tar, ...same, ...nobody, name], work);
  run("gzip", ["-9", "--no-name", tar], work);
  copyFileSync(`${tar}.gz`, archive);
}

function sign(file: string, key: string): void {
  const words = ["-Y", "sign", "-q", "-f", key, "-n", SIGNATURE_NAMESPACE, file];
  const { status, stderr } = spawnSync("ssh-keygen", words, {
    ...{ encoding: "utf8", stdio: ["inherit", "ignore", "pipe"] },
  });
  if (status !== 0) throw new ReleaseError(`Cannot sign ${file}: ${stderr.trim()}`);
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
}

function run(program: string, words: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(program, words, {
    ...{ cwd, encoding: "utf8", env: { ...process.env, LC_ALL: "C", TZ: "UTC" } },
  });
  if (status !== 0)
    throw new ReleaseError(`Cannot run ${program}: ${(error?.message ?? stderr).trim()}`);
  return stdout;
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function main(words: string[]): number {
  const usage = "Usage: node scripts/release.ts --commit COMMIT --to FOLDER [--key SSH_KEY]\n";
  try {
    const { values } = parseArgs({
      args: words,
      options: { commit: { type: "string" }, to: { type: "string" }, key: { type: "string" } },
    });
    if (values.commit === undefined || values.to === undefined) {
      process.stderr.write(usage);
      return 2;
    }
    const to = path.resolve(values.to);
    const root = fileURLToPath(new URL("..", import.meta.url));
    const made = makeRelease({ root, commit: values.commit, to, key: values.key ?? null });
    process.stdout.write(made.map((name) => `${path.join(to, name)}\n`).join(""));
    if (values.key === undefined)
      process.stderr.write(
        "Not signed: nobody can check where it comes from. See docs/releases.md\n",
      );
    return 0;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof ReleaseError ? 1 : 2;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.exitCode = main(process.argv.slice(2));
