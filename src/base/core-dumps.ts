import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

const PROGRAM_MAX_MS = 5_000;

/** What a crash of this process could write down of its memory. */
export interface CoreDumps {
  /** The kernel's limit of a core's size is 0: it writes none, and systemd's collector keeps none. */
  readonly isLimited: boolean;
  /** What any other collector is handed holds no memory. */
  readonly isEmpty: boolean;
}

/**
 * Sees to it that no crash of this process, or of whatever it starts from now on, writes memory to a
 * disk: keys, passwords and pictures are in it (invariant 3). Node cannot set a limit of its own, so
 * that `prlimit` of util-linux does; the filter is a file of the kernel's, core(5).
 *
 * @returns What is in force now; nothing is thrown, since a hub goes on without either.
 */
export function refuseCoreDumps(): CoreDumps {
  try {
    writeFileSync("/proc/self/coredump_filter", "0\n");
  } catch {
    // No Linux, or no /proc: what is in force is read below.
  }
  spawnSync("prlimit", ["--pid", String(process.pid), "--core=0:0"], {
    // Only where programs are found: what the hub was given is nobody else's.
    env: { PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin" },
    stdio: "ignore",
    timeout: PROGRAM_MAX_MS,
  });
  return coreDumps();
}

/** @param pid - Of a process of this user's; by default this one. */
export function coreDumps(pid: number | "self" = "self"): CoreDumps {
  return {
    isLimited: /^Max core file size\s+0\s+0\s/m.test(readOf(`/proc/${pid}/limits`)),
    isEmpty: /^0+$/.test(readOf(`/proc/${pid}/coredump_filter`).trim()),
  };
}

function readOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
