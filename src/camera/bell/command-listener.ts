import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { CameraError } from "../camera-error.ts";
import { Throttle } from "./listening.ts";
import { bellText, type Listen } from "./message.ts";

/** What is longer has no end, or was never meant as one. */
const LINE_BYTES_MAX = 4_096;
const END_AFTER_MS = 2_000;
/** Has the kernel end the program with us, however we end: it may hold the pin that the next one needs. */
const WITH_US = ["/usr/bin/setpriv", "--pdeathsig", "TERM", "--"];

/** Runs a program of this machine that prints a line for each press, such as `gpiomon`. */
export function commandBell(command: readonly string[]): Listen {
  return async (events, signal) => {
    const [program = "", ...arguments_] = existsSync(WITH_US[0] ?? "")
      ? [...WITH_US, ...command]
      : command;
    const child = spawn(program, arguments_, { stdio: ["ignore", "pipe", "ignore"], shell: false });
    const ended = new Promise<string>((resolve) => {
      child.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "it fails"));
      child.once("exit", (code, killedBy) => resolve(killedBy ?? `exit code ${code ?? "?"}`));
    });
    let kill: NodeJS.Timeout | undefined;
    const stop = (): void => {
      child.kill("SIGTERM");
      kill = setTimeout(() => child.kill("SIGKILL"), END_AFTER_MS);
      kill.unref();
    };
    signal.addEventListener("abort", stop, { once: true });
    try {
      if (child.pid !== undefined) events.up();
      const throttle = new Throttle();
      for await (const line of linesOf(child.stdout)) {
        await throttle.take(signal);
        const items = new Map([["", bellText(line)]]);
        events.message({ via: "command", topic: "", items, isInitial: false });
      }
      const why = await ended;
      if (signal.aborted) return;
      throw new CameraError("SOURCE_FAILED", `Cannot hear the bell: the program ended (${why})`);
    } finally {
      signal.removeEventListener("abort", stop);
      if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
        stop();
        await once(child, "exit");
      }
      clearTimeout(kill);
    }
  };
}

/** @throws CameraError `PROTOCOL_ERROR` for a line over its limit. */
async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + Buffer.from(chunk).toString("latin1")).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield line.slice(0, LINE_BYTES_MAX);
    if (rest.length > LINE_BYTES_MAX)
      throw new CameraError("PROTOCOL_ERROR", "Cannot hear the bell: a line is over 4 KiB");
  }
}
