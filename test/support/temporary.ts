import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";

/** A folder that is gone with its scope. */
export function temporaryFolder(): AsyncDisposable & { readonly path: string } {
  const folder = mkdtempSync(path.join(os.tmpdir(), "doorward-test-"));
  return {
    path: folder,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
