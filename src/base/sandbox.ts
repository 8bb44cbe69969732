import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, lstatSync, readlinkSync } from "node:fs";
import path from "node:path";
import type { Readable, Writable } from "node:stream";
import { HubError } from "../protocol/errors.ts";
import {
  decoderUnit,
  decoderUnitCommand,
  decoderUnitRefusal,
  type DecoderUnit,
} from "./decoder-unit.ts";
import { findOnPath } from "./ffmpeg.ts";
import { seccompFilter } from "./seccomp.ts";

/** What a child may use of memory unless its caller says otherwise. */
export const SANDBOX_MEMORY_DEFAULT_BYTES = 768 * 1024 * 1024;
const OPEN_FILES_MAX = 64;
const STDERR_TAIL_MAX = 8 * 1024;
const INFO_MAX = 1_024;
const PROBE_TIMEOUT_MS = 10_000;
/** Descriptor of the child's second output, see {@link SandboxOptions.sideOutput}. */
export const SIDE_OUTPUT_FD = 3;
const SECCOMP_FD = 4;
const INFO_FD = 5;

export interface SandboxOptions {
  /** Program (absolute path) and arguments. Both can be read by every user of the machine. */
  readonly command: readonly string[];
  /** Files and folders besides the system's programs and libraries that the child may read. */
  readonly readOnlyPaths?: readonly string[];
  /** Devices besides `null`, `zero` and `urandom` that the child may use. */
  readonly devicePaths?: readonly string[];
  /** Limit of the child's address space. */
  readonly memoryLimitBytes?: number;
  /** The child is killed after this much processor time. */
  readonly cpuSecondsMax?: number;
  readonly stdin: "pipe" | "ignore";
  /** Gives the child descriptor 3 to write to, read as {@link SandboxedChild.sideOutput}. */
  readonly sideOutput?: boolean;
}

/** Whether children really are locked in on this machine, for the health page and `doctor`. */
export interface SandboxState {
  readonly inForce: boolean;
  readonly reason: string;
}

export interface ChildExit {
  /** A child killed by signal N inside the sandbox is reported as code 128 + N. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /**
   * For a person: a signal, an exit code, or that nothing was started and why. Never words of a
   * program that has seen pictures.
   */
  readonly inWords: string;
}

/** What keeps a child in: bubblewrap by its path, or the system's unit for decoders. */
type Wall = string | DecoderUnit;

interface Confinement {
  /** Path of bubblewrap, a unit of the system, or null where only the limits are in force. */
  readonly wall: Wall | null;
  readonly reason: string;
}

let confinement: Promise<Confinement> | undefined;

/**
 * Tried once for real: bubblewrap may be installed and yet not be allowed to make namespaces, as in
 * many containers.
 */
export async function sandboxState(): Promise<SandboxState> {
  return stateOf(await confinementInForce());
}

/** As {@link sandboxState}, of a hub that is started with this environment. */
export async function sandboxStateIn(environment: NodeJS.ProcessEnv): Promise<SandboxState> {
  return stateOf(await tryConfinement(environment));
}

function stateOf({ wall, reason }: Confinement): SandboxState {
  return { inForce: wall !== null, reason };
}

/**
 * Starts a program that is about to read hostile bytes. Where bubblewrap works it has no network,
 * no file but the system's programs and libraries, no place to write, no other process in sight
 * and a filter on system calls; everywhere it has limits on memory, open files and file size, an
 * empty environment, and dies with this process.
 *
 * @throws HubError `SANDBOX_FAILED` when nothing could be started at all. A program that is missing
 *   or refuses shows as an exit code.
 */
export async function spawnSandboxed(options: SandboxOptions): Promise<SandboxedChild> {
  const { wall } = await confinementInForce();
  return SandboxedChild.start(options, wall);
}

/** A running child. Leaving the scope kills it and waits for its end. */
export class SandboxedChild implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly pid: number;
  /** False where the child only has its limits, see {@link sandboxState}. */
  readonly sandboxed: boolean;
  /** Resolves once the child has ended and its outputs are closed; never rejects. */
  readonly exited: Promise<ChildExit>;
  #innerPid: number | null = null;
  #stderrTail = "";

  private constructor(child: ChildProcess, pid: number, wall: Wall | null) {
    this.#child = child;
    this.pid = pid;
    this.sandboxed = wall !== null;
    this.exited = new Promise((resolve) => {
      child.once("close", (code, signal) => {
        const refused = isUnit(wall) ? decoderUnitRefusal(code, this.stderrTail()) : null;
        resolve({ code, signal, inWords: refused ?? signal ?? `code ${code}` });
      });
    });
    child.stderr?.setEncoding("latin1").on("data", (text: string) => {
      this.#stderrTail = (this.#stderrTail + text).slice(-STDERR_TAIL_MAX);
    });
  }

  /** Use {@link spawnSandboxed}, which knows whether this machine has a sandbox. */
  static async start(options: SandboxOptions, wall: Wall | null): Promise<SandboxedChild> {
    const filter = wall === null ? null : seccompFilter(process.arch);
    const hasInfo = typeof wall === "string";
    const [program, ...words] = isUnit(wall)
      ? decoderUnitCommand(wall, { ...options, memoryLimitKib: memoryLimitKib(options) })
      : ["/bin/sh", ...commandLine(options, wall, filter !== null)];
    const child = spawn(program, words, {
      cwd: "/",
      env: {},
      // A process group of its own, see `kill`.
      detached: true,
      stdio: [
        options.stdin,
        "pipe",
        "pipe",
        options.sideOutput === true ? "pipe" : "ignore",
        filter === null ? "ignore" : "pipe",
        hasInfo ? "pipe" : "ignore",
      ],
    });
    // A child that dies while it is written to must not take this process along; `exited` tells.
    for (const stream of child.stdio) stream?.on("error", () => undefined);
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", (cause) =>
        reject(
          new HubError("SANDBOX_FAILED", "Cannot start a child process: the system refused", {
            cause,
          }),
        ),
      );
    });
    const started = new SandboxedChild(child, child.pid ?? 0, wall);
    if (filter !== null) (pipeOf(child, SECCOMP_FD) as Writable).end(filter);
    if (hasInfo) started.#innerPid = await innerPid(pipeOf(child, INFO_FD) as Readable);
    return started;
  }

  get stdin(): Writable {
    if (!this.#child.stdin) throw new Error("The child was started without an input");
    return this.#child.stdin;
  }

  get stdout(): Readable {
    if (!this.#child.stdout) throw new Error("The child has no output");
    return this.#child.stdout;
  }

  get sideOutput(): Readable {
    const stream = this.#child.stdio[SIDE_OUTPUT_FD];
    if (!stream) throw new Error("The child was started without a side output");
    return stream as Readable;
  }

  /** The last words of the child, printable characters and line ends only. */
  stderrTail(): string {
    return this.#stderrTail.replaceAll(/[^\n\x20-\x7e]/g, "?");
  }

  /** Ends the child at once, and with it everything inside the sandbox. */
  kill(): void {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    // Bubblewrap's inside dies with its outside, but only once it has got round to asking for that:
    // the inside is killed by name.
    for (const target of [this.#innerPid, -this.pid]) {
      if (target !== null) killIfThere(target);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.kill();
    // Unread output would hold `close` back for ever.
    this.#child.stdout?.resume();
    if (this.#child.stdio[SIDE_OUTPUT_FD]) this.sideOutput.resume();
    await this.exited;
  }
}

/** Node's types know of five descriptors. */
function pipeOf(child: ChildProcess, descriptor: number): Readable | Writable | null | undefined {
  const pipes: readonly (Readable | Writable | null | undefined)[] = child.stdio;
  return pipes[descriptor];
}

function killIfThere(target: number): void {
  try {
    process.kill(target, "SIGKILL");
  } catch (error) {
    // Gone already, and not yet reported.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/** Id of the sandbox's first process, which bubblewrap tells; null where it failed before. */
async function innerPid(info: Readable): Promise<number | null> {
  let text = "";
  // To its end: bubblewrap dies half-way when nobody listens.
  for await (const part of info) {
    if (text.length < INFO_MAX) text += String(part);
  }
  const found = /"child-pid": *(\d+)/.exec(text)?.[1];
  return found === undefined ? null : Number(found);
}

function isUnit(wall: Wall | null): wall is DecoderUnit {
  return typeof wall === "object" && wall !== null;
}

function memoryLimitKib({ memoryLimitBytes }: SandboxOptions): number {
  return Math.floor((memoryLimitBytes ?? SANDBOX_MEMORY_DEFAULT_BYTES) / 1024);
}

/** Arguments of `sh`: the limits, then bubblewrap where there is one, then the program. */
function commandLine(
  options: SandboxOptions,
  bubblewrap: string | null,
  filtered: boolean,
): string[] {
  const limits = ["-c 0", "-f 0", `-n ${OPEN_FILES_MAX}`, `-v ${memoryLimitKib(options)}`];
  if (options.cpuSecondsMax !== undefined) limits.push(`-t ${Math.ceil(options.cpuSecondsMax)}`);
  // `sh` and its ulimit are on every machine, prlimit is not. It only hands the command on as
  // separate words, so nothing in it is read as shell.
  const script = `${limits.map((limit) => `ulimit ${limit}`).join(" && ")} && exec "$@"`;
  return ["-c", script, "sh", ...wrapper(options, bubblewrap, filtered), ...options.command];
}

const SET_PRIVILEGES = "/usr/bin/setpriv";

function wrapper(options: SandboxOptions, bubblewrap: string | null, filtered: boolean): string[] {
  if (bubblewrap === null) {
    return existsSync(SET_PRIVILEGES)
      ? [SET_PRIVILEGES, "--pdeathsig", "KILL", "--no-new-privs", "--"]
      : [];
  }
  const program = options.command[0] ?? "";
  const ofTheSystem = /^\/(usr|bin|sbin)\//.test(program);
  return [
    bubblewrap,
    "--unshare-all",
    ...["--cap-drop", "ALL"],
    "--die-with-parent",
    "--new-session",
    ...["--ro-bind", "/usr", "/usr"],
    ...["/bin", "/sbin", "/lib", "/lib32", "/lib64"].flatMap(systemFolder),
    ...["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"],
    // Debian resolves a few libraries (BLAS) through links in here.
    ...["--ro-bind-try", "/etc/alternatives", "/etc/alternatives"],
    ...["/dev/null", "/dev/zero", "/dev/urandom", ...(options.devicePaths ?? [])].flatMap(
      (node) => ["--dev-bind", node, node],
    ),
    ...[...(ofTheSystem ? [] : [program]), ...(options.readOnlyPaths ?? [])].flatMap((file) => [
      "--ro-bind",
      path.resolve(file),
      path.resolve(file),
    ]),
    // The root of the sandbox is memory that could be written to: the child may not.
    ...["--remount-ro", "/"],
    ...["--chdir", "/"],
    ...["--info-fd", String(INFO_FD)],
    ...(filtered ? ["--seccomp", String(SECCOMP_FD)] : []),
    "--",
  ];
}

/** `/lib` and its like: a link into `/usr` on most systems, a folder of its own on some. */
function systemFolder(folder: string): string[] {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  if (!found) return [];
  return found.isSymbolicLink()
    ? ["--symlink", readlinkSync(folder), folder]
    : ["--ro-bind", folder, folder];
}

function confinementInForce(): Promise<Confinement> {
  confinement ??= tryConfinement(process.env);
  return confinement;
}

async function tryConfinement(environment: NodeJS.ProcessEnv): Promise<Confinement> {
  const unit = decoderUnit(environment);
  const limitsOnly = "decoders have limits only";
  const filter =
    seccompFilter(process.arch) === null
      ? `without a system-call filter on ${process.arch}`
      : "with a system-call filter";
  if (unit !== null) {
    const failed = await failureIn(unit, [unit.ffmpeg, "-hide_banner", "-version"]);
    return failed === null
      ? { wall: unit, reason: `a unit of the system for each decoder, ${filter}` }
      : { wall: null, reason: `${unit.socket} gives no decoder (${failed}): ${limitsOnly}` };
  }
  const bubblewrap = await findOnPath("bwrap", environment);
  if (bubblewrap === null) {
    return {
      wall: null,
      reason: `bubblewrap is not installed (apt-get install bubblewrap): ${limitsOnly}`,
    };
  }
  const failed = await failureIn(bubblewrap, ["/usr/bin/true"]);
  return failed === null
    ? { wall: bubblewrap, reason: `bubblewrap ${filter}` }
    : { wall: null, reason: `bubblewrap cannot make a sandbox here (${failed}): ${limitsOnly}` };
}

/** What the last words were of a child that should have ended well there; null where it did. */
async function failureIn(wall: Wall, command: readonly string[]): Promise<string | null> {
  await using child = await SandboxedChild.start({ command, stdin: "ignore" }, wall);
  const timeout = setTimeout(() => child.kill(), PROBE_TIMEOUT_MS);
  child.stdout.resume();
  const { code } = await child.exited;
  clearTimeout(timeout);
  return code === 0 ? null : child.stderrTail().trim().split("\n").at(-1) || "no reason given";
}
