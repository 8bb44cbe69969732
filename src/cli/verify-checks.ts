import { readFile } from "node:fs/promises";
import { systemErrorCode } from "../base/files.ts";
import type { BundleCheck } from "../protocol/verify-bundle.ts";
import { UsageError } from "./exit.ts";
import { print } from "./options.ts";

export function printChecks(checks: readonly BundleCheck[]): void {
  for (const { check, holds, detail } of checks)
    print(`${holds ? "holds        " : "DOES NOT HOLD"}  ${check} (${detail})`);
}

export async function readBundle(file: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(file));
  } catch (error) {
    if (systemErrorCode(error) === null) throw error;
    throw new UsageError(`Cannot read ${file}: ${systemErrorCode(error)}`);
  }
}
