import { execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findOnPath } from "../../src/base/ffmpeg.ts";
import { refusedCalls, seccompFilter } from "../../src/base/seccomp.ts";
import {
  SandboxedChild,
  sandboxState,
  spawnSandboxed,
  type SandboxOptions,
} from "../../src/base/sandbox.ts";
import { missingCommands, projectRoot } from "../support/requirements.ts";

const execFileAsync = promisify(execFile);
const PYTHON = "/usr/bin/python3";

interface Outcome {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

async function run(command: readonly string[], more: Partial<SandboxOptions> = {}) {
  await using child = await spawnSandboxed({ command, stdin: "ignore", ...more });
  let output = "";
  child.stdout.on("data", (bytes: Uint8Array) => (output += Buffer.from(bytes).toString()));
  const { code } = await child.exited;
  return { code, output, errors: child.stderrTail() } satisfies Outcome;
}

/** Runs Python inside, as what a decoder that was taken over could do; prints one word. */
async function attempt(python: string, more: Partial<SandboxOptions> = {}): Promise<string> {
  const program = [
    "import os, sys",
    "try:",
    ...python.split("\n").map((line) => `  ${line}`),
    "  print('done')",
    "except BaseException as error: print(type(error).__name__)",
  ].join("\n");
  const { output } = await run([PYTHON, "-I", "-S", "-c", program], more);
  return output.trim();
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "doorward-sandbox-"));
  await writeFile(path.join(folder, "secret"), "camera password");
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const withoutSandbox = missingCommands("bwrap", "python3", "ffmpeg");

describe.skipIf(withoutSandbox)("a child in the sandbox", () => {
  test("is really locked in on this machine, and the state says so", async () => {
    const state = await sandboxState();
    if (!state.inForce) console.warn(`skipped in effect: ${state.reason}`);
    expect(state).toEqual({ inForce: true, reason: "bubblewrap with a system-call filter" });
  });

  test("computes and answers, so that the other tests mean something", async () => {
    expect(await attempt("assert 6 * 7 == 42")).toBe("done");
  });

  test("cannot open a socket of any kind", async () => {
    for (const family of ["AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK"]) {
      expect(await attempt(`import socket\nsocket.socket(socket.${family})`)).toBe(
        "PermissionError",
      );
    }
    expect(await attempt("import socket\nsocket.socketpair()")).toBe("PermissionError");
  });

  test("cannot read the system's files, this program or the data folder", async () => {
    for (const file of ["/etc/passwd", path.join(folder, "secret"), "/proc/self/environ"]) {
      expect(await attempt(`open(${JSON.stringify(file)})`)).toBe("FileNotFoundError");
    }
    expect(await attempt(`os.listdir(${JSON.stringify(projectRoot)})`)).toBe("FileNotFoundError");
  });

  test("reads a path that it was given, and cannot write there", async () => {
    const secret = JSON.stringify(path.join(folder, "secret"));
    const more = { readOnlyPaths: [folder] };
    expect(await attempt(`assert open(${secret}).read() == "camera password"`, more)).toBe("done");
    expect(await attempt(`open(${secret}, "a").write("x")`, more)).toBe("OSError");
    expect(await readFile(path.join(folder, "secret"), "utf8")).toBe("camera password");
  });

  test("has no place to write to", async () => {
    for (const file of ["/x", "/tmp/x", "/dev/shm/x", "/dev/x", "/usr/x"]) {
      expect(await attempt(`open(${JSON.stringify(file)}, "w")`)).toMatch(
        /^(OSError|FileNotFoundError)$/,
      );
    }
    expect(await attempt('os.memfd_create("x")')).toBe("PermissionError");
  });

  test("cannot start another process, but can start threads", async () => {
    expect(await attempt("os.fork()")).toBe("PermissionError");
    expect(await attempt("import threading\nt = threading.Thread(); t.start(); t.join()")).toBe(
      "done",
    );
  });

  test("sees nothing of this process's environment and descriptors", async () => {
    process.env["DOORWARD_CAMERA_FRONT_PASSWORD"] = "correct horse";
    try {
      const { output } = await run(["/usr/bin/env"]);
      expect(output).toBe("PWD=/\n");
    } finally {
      delete process.env["DOORWARD_CAMERA_FRONT_PASSWORD"];
    }
    const program = [
      "import os",
      "def is_open(fd):",
      "  try: return os.fstat(fd) is not None",
      "  except OSError: return False",
      "print([fd for fd in range(64) if is_open(fd)])",
    ].join("\n");
    expect((await run([PYTHON, "-I", "-S", "-c", program])).output).toBe("[0, 1, 2]\n");
    const more = { sideOutput: true };
    expect((await run([PYTHON, "-I", "-S", "-c", program], more)).output).toBe("[0, 1, 2, 3]\n");
  });

  test("is stopped when it asks for more memory than it may have", async () => {
    expect(await attempt("bytearray(900 * 1024 * 1024)")).toBe("MemoryError");
    expect(await attempt("bytearray(300 * 1024 * 1024)")).toBe("done");
    const limited = { memoryLimitBytes: 256 * 1024 * 1024 };
    expect(await attempt("bytearray(300 * 1024 * 1024)", limited)).toBe("MemoryError");
  });

  test("is killed when it has used up its processor time", async () => {
    const { code } = await run([PYTHON, "-I", "-S", "-c", "while True: pass"], {
      cpuSecondsMax: 1,
    });
    expect([128 + 9, 128 + 24]).toContain(code);
  });

  test("ends when the scope that owns it is left", async () => {
    let pid: number;
    {
      await using child = await spawnSandboxed({ command: ["/usr/bin/cat"], stdin: "pipe" });
      pid = child.pid;
      expect(existsSync(`/proc/${pid}`)).toBe(true);
    }
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });

  test("shares no network, process table, message queue or mount with this process", async () => {
    await using child = await spawnSandboxed({ command: ["/usr/bin/cat"], stdin: "pipe" });
    const namespace = (pid: string, kind: string) =>
      readlink(`/proc/${pid}/ns/${kind}`).catch(() => null);
    const innermost = async () => {
      let pid = String(child.pid);
      for (let below = pid; below !== "";) {
        pid = below;
        const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
        below = children.split(" ")[0] ?? "";
      }
      return (await readFile(`/proc/${pid}/comm`, "utf8")) === "cat\n" ? pid : null;
    };
    await expect.poll(innermost).not.toBeNull();
    const cat = (await innermost()) ?? "";
    for (const kind of ["net", "pid", "ipc", "mnt", "uts"]) {
      const inside = await namespace(cat, kind);
      expect(inside, kind).not.toBeNull();
      expect(inside, kind).not.toBe(await namespace("self", kind));
    }
  });

  test("leaves nothing behind when it is killed while it still starts", async () => {
    const duration = `87654.${process.pid}`;
    for (let delayMs = 0; delayMs < 20; delayMs += 1) {
      await using _child = await spawnSandboxed({
        command: ["/usr/bin/sleep", duration],
        stdin: "ignore",
      });
      await setTimeout(delayMs);
    }
    await expect.poll(() => processesWith(duration)).toEqual([]);
  });

  test("dies with this process, even when that one is killed outright", async () => {
    // A duration that nothing else on the machine sleeps for.
    const duration = `98765.${process.pid}`;
    const sandbox = path.join(projectRoot, "src/base/sandbox.ts");
    const parent = spawn(
      process.execPath,
      [
        "--input-type=module",
        "-e",
        `const { spawnSandboxed } = await import(${JSON.stringify(sandbox)});
         await spawnSandboxed({ command: ["/usr/bin/sleep", "${duration}"], stdin: "pipe" });
         setTimeout(() => console.log("started"), 200);
         setInterval(() => {}, 1000);`,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    await new Promise<void>((resolve) => parent.stdout.once("data", () => resolve()));
    expect(await processesWith(duration)).not.toEqual([]);
    parent.kill("SIGKILL");
    await expect.poll(() => processesWith(duration), { timeout: 5_000 }).toEqual([]);
  });

  test("that does not exist is an exit code, not a crash", async () => {
    const { code, errors } = await run(["/nonexistent/ffmpeg"]);
    expect(code).not.toBe(0);
    expect(errors).toContain("/nonexistent/ffmpeg");
  });

  test("may die while it is written to without harm to this process", async () => {
    await using child = await spawnSandboxed({ command: ["/usr/bin/true"], stdin: "pipe" });
    child.stdout.resume();
    for (let count = 0; count < 50; count += 1) child.stdin.write(Buffer.alloc(100_000));
    expect((await child.exited).code).toBe(0);
  });

  test("has its last words kept, printable and limited", async () => {
    const { errors } = await run([
      PYTHON,
      "-I",
      "-S",
      "-c",
      "import sys; sys.stderr.write('x' * 100000 + '\\x1b[2J end')",
    ]);
    expect(errors.length).toBeLessThanOrEqual(8 * 1024);
    expect(errors).toMatch(/x\?\[2J end$/);
  });

  test("decodes as fast as outside", async () => {
    const ffmpeg = (await findOnPath("ffmpeg")) ?? "";
    const footage = path.join(folder, "footage.mp4");
    await execFileAsync(ffmpeg, [
      ...["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=1280x720:r=25:d=8,noise=alls=10"],
      ...["-c:v", "libx264", "-preset", "ultrafast", footage],
    ]);
    const decoding = ["-v", "error", "-threads", "1", "-i", footage, "-f", "null", "-"];
    const outside: number[] = [];
    const inside: number[] = [];
    for (let round = 0; round < 3; round += 1) {
      let startedMs = performance.now();
      await execFileAsync(ffmpeg, decoding);
      outside.push(performance.now() - startedMs);
      startedMs = performance.now();
      const { code } = await run([ffmpeg, ...decoding], { readOnlyPaths: [footage] });
      expect(code).toBe(0);
      inside.push(performance.now() - startedMs);
    }
    console.log(`decoding: ${Math.min(...outside)} ms outside, ${Math.min(...inside)} ms inside`);
    // Generous, since this is a shared machine: what must not be is a sandbox that traps per frame.
    expect(Math.min(...inside)).toBeLessThan(Math.min(...outside) * 1.5 + 100);
  });
});

describe.skipIf(missingCommands("python3"))("a child on a machine without bubblewrap", () => {
  async function attemptUnconfined(python: string): Promise<string> {
    const command = [PYTHON, "-I", "-S", "-c", python];
    await using child = await SandboxedChild.start({ command, stdin: "ignore" }, null);
    expect(child.sandboxed).toBe(false);
    let output = "";
    child.stdout.on("data", (bytes: Uint8Array) => (output += Buffer.from(bytes).toString()));
    await child.exited;
    return output + child.stderrTail();
  }

  test("still has no environment, and its limits", async () => {
    const environment = await attemptUnconfined("import os; print(sorted(os.environ))");
    expect(environment).not.toMatch(/HOME|USER|NODE|DOORWARD/);
    expect(await attemptUnconfined("bytearray(900 * 1024 * 1024)")).toContain("MemoryError");
    const file = path.join(folder, "written");
    await attemptUnconfined(`open(${JSON.stringify(file)}, "w").write("x" * 10000)`);
    expect(await readFile(file, "utf8")).toBe("");
  });

  test("is killed when it has used up its processor time there too", async () => {
    const command = [PYTHON, "-I", "-S", "-c", "while True: pass"];
    const options = { command, stdin: "ignore", cpuSecondsMax: 1 } as const;
    await using child = await SandboxedChild.start(options, null);
    child.stdout.resume();
    const { code, signal } = await child.exited;
    expect(["SIGXCPU", "SIGKILL", 128 + 9, 128 + 24]).toContain(signal ?? code);
  });

  test("ends when the scope that owns it is left", async () => {
    let pid: number;
    {
      const command = ["/usr/bin/sleep", "1000"];
      await using child = await SandboxedChild.start({ command, stdin: "ignore" }, null);
      pid = child.pid;
    }
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });
});

/** Ids of live processes that have `text` among their arguments. */
async function processesWith(text: string): Promise<string[]> {
  const { stdout } = await execFileAsync("ps", ["-eo", "pid=,stat=,args="]);
  return stdout
    .split("\n")
    .filter((line) => line.includes(`sleep ${text}`) && !/^\s*\d+\s+Z/.test(line));
}

describe("the system-call filter", () => {
  test("is whole instructions, with jumps that stay inside", () => {
    for (const architecture of ["x64", "arm64"]) {
      const filter = seccompFilter(architecture);
      expect(filter).not.toBeNull();
      if (!filter) continue;
      expect(filter.length % 8).toBe(0);
      const count = filter.length / 8;
      for (let index = 0; index < count - 1; index += 1) {
        const jump = Math.max(filter[index * 8 + 2] ?? 0, filter[index * 8 + 3] ?? 0);
        expect(index + 1 + jump).toBeLessThan(count);
      }
      // The last instruction allows: everything before it either answers or jumps on.
      expect(filter.readUInt32LE((count - 1) * 8 + 4)).toBe(0x7fff0000);
    }
  });

  test("is not made for machines whose call numbers it does not know", () => {
    expect(seccompFilter("riscv64")).toBeNull();
  });

  test("names the numbers that the kernel headers of this machine name", async () => {
    const header = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h";
    if (!existsSync(header)) return console.warn(`skipped: no ${header}`);
    const numbers = new Map(
      [...(await readFile(header, "utf8")).matchAll(/#define __NR_(\w+) (\d+)/g)].map(
        ([, name, number]) => [name, Number(number)],
      ),
    );
    for (const [name, number] of refusedCalls("x64")) expect(numbers.get(name), name).toBe(number);
  });
});
