import { setTimeout as sleep } from "node:timers/promises";
import { processTree, scanProcess, type MemoryFinding } from "../../src/cli/memory-scan.ts";

export { processTree, scanProcess };

/** Searches a process and everything it started; the findings say in which process. */
export async function scanProcessTree(
  pid: number,
  needles: readonly Uint8Array[],
): Promise<(MemoryFinding & { readonly pid: number })[]> {
  const found: (MemoryFinding & { readonly pid: number })[] = [];
  for (const each of await processTree(pid)) {
    const scan = await scanProcess(each, needles);
    found.push(...scan.found.map((finding) => ({ ...finding, pid: each })));
  }
  return found;
}

/** The second after a file was closed, in which its keys must have gone (invariant 2). */
export async function waitForKeysToGo(): Promise<void> {
  await sleep(1_000);
}
