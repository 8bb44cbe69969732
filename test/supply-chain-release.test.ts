import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeRelease, ReleaseError, SIGNATURE_NAMESPACE } from "../scripts/release.ts";
import { shippedPackages } from "../scripts/shipped/packages.ts";
import { missingCommands, projectRoot } from "./support/requirements.ts";
import { temporaryFolder } from "./support/temporary.ts";

const MAKER = "releases@doorward";
const HASHES = "SHA256SUMS";
const isMissing = missingCommands("git", "tar", "gzip", "ssh-keygen", "sha256sum");

let folder: ReturnType<typeof temporaryFolder>;
let first: string;
let names: string[];

beforeAll(() => {
  folder = temporaryFolder();
  if (isMissing) return;
  execFileSync("ssh-keygen", [
    "-q",
    "-t",
    "ed25519",
    "-N",
    "",
    "-f",
    below("key"),
    "-C",
    "a maker",
  ]);
  const half = readFileSync(below("key.pub"), "utf8").split(" ").slice(0, 2).join(" ");
  writeFileSync(below("signers"), `${MAKER} namespaces="${SIGNATURE_NAMESPACE}" ${half}\n`);
  first = below("first");
  names = makeRelease({ root: projectRoot, commit: "HEAD", to: first, key: below("key") });
}, 400_000);
afterAll(() => folder[Symbol.asyncDispose]());

function below(name: string): string {
  return path.join(folder.path, name);
}

/** As docs/releases.md has it: who signed, then whether the files are those. */
function check(release: string, signers = below("signers")): { signed: boolean; same: boolean } {
  const words = ["-Y", "verify", "-f", signers, "-I", MAKER, "-n", SIGNATURE_NAMESPACE];
  const signature = ["-s", path.join(release, `${HASHES}.sig`)];
  const input = readFileSync(path.join(release, HASHES));
  const signed = spawnSync("ssh-keygen", [...words, ...signature], { input }).status === 0;
  const same = spawnSync("sha256sum", ["--strict", "-c", HASHES], { cwd: release }).status === 0;
  return { signed, same };
}

function copyOf(release: string, name: string): string {
  const copy = below(name);
  execFileSync("cp", ["-a", release, copy]);
  return copy;
}

describe.skipIf(isMissing)("a release", () => {
  test("is an archive, what it consists of, their hashes, and a signature over these", () => {
    expect(names).toEqual([
      HASHES,
      `${HASHES}.sig`,
      "doorward-0.1.0.cdx.json",
      "doorward-0.1.0.tar.gz",
    ]);
    expect(check(first)).toEqual({ signed: true, same: true });
  });

  test("of the same commit is the same bytes, whenever, wherever and by whomever it is made", () => {
    const elsewhere = below("a folder with another name");
    mkdirSync(elsewhere);
    const script = `import { makeRelease } from ${JSON.stringify(path.join(projectRoot, "scripts/release.ts"))};
      process.umask(0o077);
      makeRelease({ root: ${JSON.stringify(projectRoot)}, commit: "HEAD", to: "second", key: null });`;
    execFileSync(process.execPath, ["--input-type=module", "--eval", script], {
      cwd: elsewhere,
      env: { ...process.env, TMPDIR: elsewhere, TZ: "Australia/Lord_Howe", LC_ALL: "C.UTF-8" },
    });
    const second = path.join(elsewhere, "second");
    for (const name of names.filter((entry) => !entry.endsWith(".sig")))
      expect(hashOf(path.join(second, name)), name).toBe(hashOf(path.join(first, name)));
  }, 400_000);

  test.for(["doorward-0.1.0.tar.gz", "doorward-0.1.0.cdx.json"])(
    "with one byte changed in %s is refused",
    (name) => {
      const copy = copyOf(first, `changed-${name}`);
      flipByte(path.join(copy, name), 1_000);
      expect(check(copy)).toEqual({ signed: true, same: false });
    },
  );

  test("with one byte changed in its hashes or its signature is nobody's", () => {
    const hashes = copyOf(first, "changed-hashes");
    flipByte(path.join(hashes, HASHES), 0);
    expect(check(hashes).signed).toBe(false);
    const signature = copyOf(first, "changed-signature");
    flipByte(path.join(signature, `${HASHES}.sig`), 120);
    expect(check(signature).signed).toBe(false);
  });

  test("signed by somebody else, or for something else, is nobody's", () => {
    const key = below("other");
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
    for (const [name, by, purpose] of [
      ["by-another", key, SIGNATURE_NAMESPACE],
      ["for-another", below("key"), "file"],
    ] as const) {
      const copy = copyOf(first, name);
      const file = path.join(copy, HASHES);
      execFileSync("rm", [`${file}.sig`]);
      execFileSync("ssh-keygen", ["-q", "-Y", "sign", "-f", by, "-n", purpose, file]);
      expect(check(copy), name).toEqual({ signed: false, same: true });
    }
  });

  test("counts as nobody's by the list in this tree, until somebody stands in it", () => {
    const list = path.join(projectRoot, "config/release-signers");
    expect(check(first, list).signed).toBe(false);
    for (const line of readFileSync(list, "utf8").split("\n"))
      expect(line).toMatch(/^(?:#.*|releases@doorward namespaces="doorward-release" ssh-.*|)$/);
  });

  test("is not made into a folder that has something in it, nor of what is no commit", () => {
    const again = { root: projectRoot, key: null };
    expect(() => makeRelease({ ...again, commit: "HEAD", to: first })).toThrow(ReleaseError);
    const to = below("of-nothing");
    expect(() => makeRelease({ ...again, commit: "no-such-thing", to })).toThrow(ReleaseError);
    expect(readdirSync(to)).toEqual([]);
  });

  test("starts a hub from what it holds, with no package for developers and nothing built", async () => {
    const unpacked = below("installed");
    mkdirSync(unpacked);
    execFileSync("tar", ["-xzf", path.join(first, "doorward-0.1.0.tar.gz"), "-C", unpacked]);
    const tree = path.join(unpacked, "doorward-0.1.0");
    for (const gone of ["test", "bench", ".git", "node_modules"])
      expect(readdirSync(tree)).not.toContain(gone);
    linkShippedPackages(tree);
    const started = await startFrom(tree);
    expect(started.said).not.toMatch(/Building|Installing/);
    expect(started.page).toContain("<title>Doorward</title>");
    expect(started.exitCode).toBe(0);
  }, 400_000);
});

function hashOf(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}

function flipByte(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}

/** As an installation without developers' packages leaves it; the packages themselves are ours. */
function linkShippedPackages(tree: string): void {
  for (const { folder: name } of shippedPackages(tree)) {
    if (name.lastIndexOf("node_modules/") > 0) continue;
    const target = path.join(projectRoot, name);
    mkdirSync(path.dirname(path.join(tree, name)), { recursive: true });
    symlinkSync(target, path.join(tree, name));
  }
  const lock = hashOf(path.join(tree, "package-lock.json"));
  writeFileSync(path.join(tree, "node_modules/.doorward-stamp"), `${lock} production\n`);
}

async function startFrom(
  tree: string,
): Promise<{ said: string; page: string; exitCode: number | null }> {
  const data = path.join(tree, "data");
  mkdirSync(data, { mode: 0o700 });
  writeFileSync(path.join(data, "doorward.yaml"), "faces: keep\nlisten: { lan: false }\n");
  const words = ["scripts/set-up.mjs", "start", "--data", data, "--port", "0", "--json"];
  const child = spawn(process.execPath, words, {
    cwd: tree,
    env: { ...process.env, NODE_ENV: "production" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(child, "exit") as Promise<[number | null]>;
  try {
    const url = await new Promise<string>((resolve, reject) => {
      let output = "";
      child.stdout.on("data", (chunk: Buffer) => {
        output += chunk.toString();
        const found = /"url":"([^"]+)"/.exec(output)?.[1];
        if (found !== undefined) resolve(found);
      });
      void ended.then(([code]) => reject(new Error(`ended with ${code}: ${said}`)));
    });
    const page = await (await fetch(url)).text();
    child.kill("SIGTERM");
    const [exitCode] = await ended;
    return { said, page, exitCode };
  } finally {
    child.kill("SIGKILL");
  }
}
