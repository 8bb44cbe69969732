import { vi } from "vitest";
import { exitCodeOf, type ExitCode } from "../../src/cli/exit.ts";
import { HubError } from "../../src/protocol/errors.ts";
import type { CommandResult } from "./live-hub.ts";

/**
 * One command of the command line in this process, and what it printed: for what has been seen to work
 * as a program, and is asked often. One at a time.
 */
export async function inProcess(
  command: (args: string[]) => Promise<ExitCode>,
  ...args: string[]
): Promise<CommandResult> {
  const text = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((name) =>
    vi.spyOn(process[name], "write").mockImplementation((part) => {
      text[name] += String(part);
      return true;
    }),
  );
  try {
    return { code: await command(args), ...text };
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    return { code: exitCodeOf(error), stdout: text.stdout, stderr: text.stderr + error.message };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
