import { existsSync } from "node:fs";
import path from "node:path";
import { HubError } from "../protocol/errors.ts";

/** In a data folder that a restore has begun and not finished. */
export const RESTORING_FILE = "restoring.json";

/**
 * A hub that started on half of itself would found a ledger of its own there.
 *
 * @throws HubError RESTORE_UNFINISHED.
 */
export function requireNotRestoring(dataDirectory: string): void {
  if (existsSync(path.join(dataDirectory, RESTORING_FILE)))
    throw new HubError(
      "RESTORE_UNFINISHED",
      `Cannot start: a restore into ${dataDirectory} is not finished; run doorward restore again with the same folder`,
    );
}
