import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { until } from "./frame.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/** A real hub in a process of its own. Leaving the scope ends it. */
export interface HubProcess extends AsyncDisposable {
  readonly pid: number;
  readonly url: string;
  readonly claimCode: string;
  /** Both outputs so far. */
  readonly said: () => string;
}

export async function startHubProcess(
  dataDirectory: string,
  { environment = {}, signal }: { environment?: NodeJS.ProcessEnv; signal: AbortSignal },
): Promise<HubProcess> {
  const child = spawn(process.execPath, [MAIN, "--data", dataDirectory, "--port", "0", "--json"], {
    env: { PATH: process.env["PATH"], ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = once(child, "close");
  let [out, all] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
    all += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => (all += text));
  const end = async (): Promise<void> => {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
    await ended;
    clearTimeout(timer);
  };
  try {
    await until("a hub that listens", () => out.includes("\n") || child.exitCode !== null, {
      ...{ signal, limitMs: 120_000 },
    });
    if (child.exitCode !== null) throw new Error(`The hub has ended: ${all.slice(-500)}`);
    const { url, claimCode } = JSON.parse(out) as { url: string; claimCode: string };
    return {
      ...{ pid: child.pid ?? 0, url, claimCode, said: () => all },
      [Symbol.asyncDispose]: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** A process and all that it has started. */
export function processesBelow(pid: number): number[] {
  const children = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => parentOf(name) === pid)
    .map(Number);
  return [pid, ...children.flatMap(processesBelow)];
}

function parentOf(pid: string): number | null {
  try {
    // The name, in brackets, may have brackets and blanks of its own.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return Number(fields[1]);
  } catch {
    return null;
  }
}

/** The library that `faketime` puts before the C library's; null where there is none. */
export function fakeTimeLibrary(): string | null {
  const machine = { x64: "x86_64", arm64: "aarch64" }[process.arch as string] ?? process.arch;
  const file = path.join("/usr/lib", `${machine}-linux-gnu`, "faketime/libfaketimeMT.so.1");
  return existsSync(file) ? file : null;
}
