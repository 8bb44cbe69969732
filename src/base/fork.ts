import { existsSync } from "node:fs";
import { fork, type ChildProcess, type ForkOptions } from "node:child_process";
import { fileURLToPath } from "node:url";

/**
 * Where Node keeps what it compiled, so that a process begins in less than half the time. Whoever can
 * write there can write the code itself; where nobody can, Node goes on without.
 */
const COMPILE_CACHE = fileURLToPath(new URL("../../node_modules/.cache/doorward", import.meta.url));

/**
 * The limit is what the kernel and systemd's collector of crashes go by; the filter leaves memory out
 * of what any other collector is handed. `exec`: the process keeps this one's id and its pipes. What
 * shells put into an environment by themselves is taken out again.
 */
const WITHOUT_CORE = [
  "{ echo 0 >/proc/self/coredump_filter; } 2>/dev/null",
  'ulimit -c 0 && exec /usr/bin/env -u PWD -u OLDPWD -u SHLVL -u _ "$@"',
].join("; ");

/**
 * Forks a process of the hub that no crash writes to the disk: what it has in memory are pictures of
 * people, passwords of cameras or both, and it reads what strangers send. The same holds for whatever
 * it starts.
 *
 * @param entry - Path of the process's entry.
 * @throws Error where the machine refuses at once; mostly the child's event `error` says so.
 */
export function forkWithoutCore(
  entry: string,
  options: Pick<ForkOptions, "env" | "stdio"> & { readonly execArgv?: readonly string[] },
): ChildProcess {
  return fork(entry, [], {
    // Not V8's own format, which was never made for a sender that is not trusted.
    serialization: "json",
    env: {
      ...options.env,
      NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] ?? COMPILE_CACHE,
    },
    stdio: options.stdio,
    // Where there is no Node any more the shell would only say 127: this way the machine says so.
    execPath: existsSync(process.execPath) ? "/bin/sh" : process.execPath,
    execArgv: ["-c", WITHOUT_CORE, "sh", process.execPath, ...(options.execArgv ?? [])],
  });
}
