import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { logIn, type HubClient } from "../../src/owner/hub-client.ts";
import { openKeys } from "../../src/cli/keys-directory.ts";
import { processTree } from "../../src/cli/memory-scan.ts";
import { clipIdentities } from "../../src/owner/device-bundle.ts";
import * as Api from "../../src/protocol/api.ts";
import { projectRoot } from "./requirements.ts";

/** A hub as people run it: real processes, a folder of its own, and an owner at the command line. */

export interface LiveHubOptions {
  /** Of the house, as the page shows it. */
  readonly name?: string;
  /** The settings' list of cameras, in YAML; without it a demo plays. */
  readonly cameras?: string;
  /** Of cameras that say nothing of faces; by default `keep`, which costs no time. */
  readonly faces?: "keep" | "blur-copy" | "blur-only";
  /** Whether it is told what moves; by default not, which costs no time either. */
  readonly objects?: boolean;
  /** `secrets/cameras.yaml`. */
  readonly secrets?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Through `./doorward hub`, as a person would; by default the hub's process itself. */
  readonly launcher?: boolean;
  /** The settings' `listen`, in YAML; by default nothing listens on the local network. */
  readonly listen?: string;
  /** A program and its arguments that start what follows them, in the same process. */
  readonly within?: readonly string[];
}

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ReadyLine {
  readonly url: string;
  readonly claimCode: string | null;
  readonly cameras: readonly { readonly id: string; readonly name: string }[];
}

export interface LiveHub extends AsyncDisposable {
  readonly dataDirectory: string;
  readonly clipsDirectory: string;
  /** The hub's working directory, and its folder for temporary files: both empty at first. */
  readonly workDirectory: string;
  readonly temporaryDirectory: string;
  /** On the owner's side: nothing of the hub's looks or writes in here. */
  readonly ownerDirectory: string;
  readonly keysDirectory: string;
  readonly ready: ReadyLine;
  readonly url: string;
  /** Of the hub's own process, whatever was started to get there. */
  readonly pid: number;
  /** All that it has written to its two outputs since the first start. */
  output(): string;
  log(): string;
  /** Runs the command line in a process of its own, with unsealed keys. */
  cli(...args: string[]): Promise<CommandResult>;
  /** @throws Error with what the command line said, where the claim fails. */
  claim(...flags: string[]): Promise<void>;
  identities(): Promise<string[]>;
  health(): Promise<Api.HealthAnswer>;
  clips(): Promise<Api.ClipSummary[]>;
  clip(id: string): Promise<Api.ClipDetail>;
  /** The newest clip in `state` that is not in `but`; waits until there is one. */
  waitForClip(
    state: "recording" | "closed" | "torn",
    options?: { readonly but?: readonly string[]; readonly timeoutMs?: number; camera?: string },
  ): Promise<Api.ClipSummary>;
  /** Asks again and again until the answer is not null. */
  waitFor<T>(what: string, ask: () => Promise<T | null> | T | null, timeoutMs?: number): Promise<T>;
  /** Hub, ingest process and decoders, parents first. */
  tree(): Promise<number[]>;
  ingestPid(): Promise<number>;
  /** All processes at one instant, as a power cut would. */
  kill9(): Promise<void>;
  /** SIGTERM; the exit code. */
  stop(): Promise<number | null>;
  /** Starts it again on the same folder, with more in its environment where that is given. */
  restart(environment?: Readonly<Record<string, string>>): Promise<void>;
}

const HUB_ENTRY = path.join(projectRoot, "src/main.ts");
export const CLI_ENTRY = path.join(projectRoot, "src/cli/main.ts");
const OUTPUT_MAX = 4 * 1024 * 1024;
const WAIT_MS = 60_000;
/** For a test that waits for several things, on a machine that has others to run beside it. */
export const TEST_TIMEOUT_MS = 180_000;
const POLL_MS = 100;

interface Running {
  readonly child: ChildProcess;
  readonly ready: ReadyLine;
  readonly pid: number;
}

export async function startLiveHub(options: LiveHubOptions = {}): Promise<LiveHub> {
  const root = mkdtempSync(path.join(os.tmpdir(), "doorward-live-"));
  const folders = Object.fromEntries(
    ["data", "work", "tmp", "owner"].map((name) => [name, path.join(root, name)]),
  );
  for (const folder of Object.values(folders)) await mkdir(folder, { mode: 0o700 });
  const { data = "", work = "", tmp = "", owner = "" } = folders;
  await writeSettings(data, options);
  const written = { out: "", log: "" };
  const start = (port: string, more: LiveHubOptions["environment"] = {}): Promise<Running> =>
    launch({
      ...{ data, work, tmp, port, launcher: options.launcher === true },
      within: options.within ?? [],
      environment: { ...options.environment, ...more },
      written: (name, text) => keep(written, name, text),
    });
  let running: Running;
  try {
    running = await start("0");
  } catch (error) {
    await rm(root, { recursive: true, force: true });
    throw error;
  }
  const keysDirectory = path.join(owner, "keys");
  const cli = (...args: string[]): Promise<CommandResult> => runCli(args, owner);
  const waitFor = waiting(() => written.log);
  let session: HubClient | null = null;
  // One session for a whole run of the hub: log-ins are limited, and tests ask often.
  const client = async (): Promise<HubClient> =>
    (session ??= await logIn(running.ready.url, (await openKeys(keysDirectory)).bundle));
  const tree = (): Promise<number[]> => processTree(running.pid);

  const hub: LiveHub = {
    dataDirectory: data,
    clipsDirectory: path.join(data, "clips"),
    workDirectory: work,
    temporaryDirectory: tmp,
    ownerDirectory: owner,
    keysDirectory,
    get ready() {
      return running.ready;
    },
    get url() {
      return running.ready.url;
    },
    get pid() {
      return running.pid;
    },
    output: () => written.out,
    log: () => written.log,
    cli,
    claim: async (...flags) => {
      const { url, claimCode } = running.ready;
      const command = ["owner", "claim", "--hub", url, "--code", claimCode ?? ""];
      const { code, stderr } = await cli(...command, "--keys", keysDirectory, ...flags);
      if (code !== 0) throw new Error(`Cannot claim: exit code ${String(code)}: ${stderr}`);
    },
    identities: async () => clipIdentities((await openKeys(keysDirectory)).bundle),
    health: async () => (await client()).get("/api/health", Api.HealthAnswer),
    clips: async () => (await (await client()).get("/api/clips?limit=500", Api.ClipList)).clips,
    clip: async (id) => (await client()).get(`/api/clips/${id}`, Api.ClipDetail),
    waitForClip: (state, { but = [], timeoutMs, camera } = {}) =>
      waitFor(
        `a ${state} clip`,
        async () =>
          (await hub.clips()).find(
            (clip) =>
              clip.state === state &&
              !but.includes(clip.id) &&
              (camera === undefined || clip.camera === camera),
          ) ?? null,
        timeoutMs,
      ),
    waitFor,
    tree,
    ingestPid: () =>
      waitFor("the ingest process", async () => {
        for (const pid of await tree())
          if ((await commandLine(pid)).includes("ingest-main.ts")) return pid;
        return null;
      }),
    kill9: async () => {
      await killTree(running.pid);
      await ended(running.child);
    },
    stop: async () => {
      running.child.kill("SIGTERM");
      return ended(running.child);
    },
    restart: async (environment) => {
      session = null;
      // The owner's keys know it under its first address.
      running = await start(new URL(running.ready.url).port, environment);
    },
    [Symbol.asyncDispose]: async () => {
      await killTree(running.pid);
      await killTree(running.child.pid ?? 0);
      await ended(running.child);
      await rm(root, { recursive: true, force: true });
    },
  };
  return hub;
}

async function writeSettings(
  data: string,
  {
    name = "Live hub",
    cameras = "",
    faces = "keep",
    objects = false,
    listen = "{ lan: false }",
    secrets,
  }: LiveHubOptions,
): Promise<void> {
  await writeFile(
    path.join(data, "doorward.yaml"),
    `name: ${name}\nlisten: ${listen}\nfaces: ${faces}\nmotion: { objects: ${objects} }\n${cameras}\n`,
  );
  if (secrets === undefined) return;
  await mkdir(path.join(data, "secrets"), { mode: 0o700 });
  await writeFile(path.join(data, "secrets", "cameras.yaml"), secrets, { mode: 0o600 });
}

function keep(written: { out: string; log: string }, name: "out" | "log", text: string): void {
  written[name] = (written[name] + text).slice(-OUTPUT_MAX);
}

const SET_PRIVILEGES = "/usr/bin/setpriv";

/** A hub must not outlive a test that was killed. */
function withParent(command: readonly string[]): readonly string[] {
  return existsSync(SET_PRIVILEGES)
    ? [SET_PRIVILEGES, "--pdeathsig", "KILL", "--", ...command]
    : command;
}

async function launch(own: {
  readonly data: string;
  readonly work: string;
  readonly tmp: string;
  readonly port: string;
  readonly launcher: boolean;
  readonly within: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly written: (name: "out" | "log", text: string) => void;
}): Promise<Running> {
  const { data, work, tmp, port, launcher, environment, written } = own;
  const command = launcher
    ? [path.join(projectRoot, "doorward"), "hub"]
    : [process.execPath, HUB_ENTRY];
  const [program = "", ...args] = withParent([
    ...own.within,
    ...command,
    ...["--data", data, "--port", port, "--json"],
  ]);
  const child = spawn(program, args, {
    cwd: work,
    env: { ...plainEnvironment(), TMPDIR: tmp, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  let out = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log = (log + text).slice(-OUTPUT_MAX);
    written("log", text);
  });
  const line = new Promise<string>((resolve) => {
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out = (out + text).slice(-OUTPUT_MAX);
      written("out", text);
      if (out.includes("\n")) resolve(out.slice(0, out.indexOf("\n")));
    });
  });
  const failed = once(child, "exit").then(([code]) => {
    throw new Error(`Cannot start hub: exit code ${String(code)}: ${log}`);
  });
  const ready = JSON.parse(await Promise.race([line, failed])) as ReadyLine;
  // Once it runs, its end is for the tests to ask about.
  failed.catch(() => undefined);
  const pid = launcher ? await runningPid(data) : (child.pid ?? 0);
  return { child, ready, pid };
}

async function runningPid(data: string): Promise<number> {
  const text = await readFile(path.join(data, "hub.json"), "utf8");
  return (JSON.parse(text) as { pid: number }).pid;
}

/** What a login shell has, and nothing of the tests' own settings. */
export function plainEnvironment(): Record<string, string> {
  const { PATH = "", HOME = "/", DOORWARD_FFMPEG } = process.env;
  return { PATH, HOME, ...(DOORWARD_FFMPEG === undefined ? {} : { DOORWARD_FFMPEG }) };
}

/** Runs `doorward ...` without the launcher, which only finds Node. */
export async function runCli(
  args: readonly string[],
  directory: string = os.tmpdir(),
  environment: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  return runCommand([process.execPath, CLI_ENTRY, ...args], directory, environment);
}

export async function runCommand(
  command: readonly string[],
  directory: string = os.tmpdir(),
  environment: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  const [program = "", ...args] = withParent(command);
  const child = spawn(program, args, {
    cwd: directory,
    env: { ...plainEnvironment(), DOORWARD_PASSPHRASE: "", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const text = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (part: string) => {
      text[name] = (text[name] + part).slice(-OUTPUT_MAX);
    });
  const [code] = (await once(child, "close")) as [number | null];
  return { code, ...text };
}

function waiting(log: () => string): LiveHub["waitFor"] {
  return async (what, question, timeoutMs = WAIT_MS) => {
    const deadlineMs = performance.now() + timeoutMs;
    for (;;) {
      const answer = await question();
      if (answer !== null) return answer;
      if (performance.now() > deadlineMs)
        throw new Error(
          `Waited ${timeoutMs} ms for ${what}; the hub says:\n${log().slice(-4_000)}`,
        );
      await sleep(POLL_MS);
    }
  };
}

export async function commandLine(pid: number): Promise<string> {
  return readFile(`/proc/${pid}/cmdline`, "utf8").then(
    (text) => text.replaceAll("\0", " "),
    () => "",
  );
}

/** Stopped first, so that none of them can do anything about the end of another. */
async function killTree(pid: number): Promise<void> {
  const tree = pid === 0 ? [] : await processTree(pid).catch(() => []);
  for (const signal of ["SIGSTOP", "SIGKILL"] as const)
    for (const each of tree) {
      try {
        process.kill(each, signal);
      } catch {
        // It ended by itself in between.
      }
    }
}

async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  return child.exitCode;
}
