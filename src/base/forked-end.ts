import type { ChildProcess } from "node:child_process";

/** Exit code or signal of a process; nulls where it never ran. */
export type ProcessEnd = readonly [code: number | null, signal: NodeJS.Signals | null];

/**
 * Resolves when a forked process is gone, also where it could not be started: a machine at its
 * limits tells that later, as an error, which would end the hub if nobody heard it. Never rejects.
 */
export function whenGone(child: ChildProcess): Promise<ProcessEnd> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve([code, signal]));
    // Stays: a signal or a message that does not reach it is an error too, and no end.
    child.on("error", () => {
      if (child.pid !== undefined) return;
      if (child.connected) child.disconnect();
      resolve([null, null]);
    });
  });
}
