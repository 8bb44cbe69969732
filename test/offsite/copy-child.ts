import { copyTo } from "../support/test-copy.ts";
import { startTestHub } from "../support/test-hub.ts";

/**
 * `copy-child.ts DATA FOLDER BYTES_PER_SECOND`: a hub of its own process on data that are there, which
 * copies until it is ended.
 */
const [dataDirectory = "", folder = "", rate = ""] = process.argv.slice(2);
const house = await startTestHub({
  ...{ dataDirectory, claimed: false, nowMs: "system" },
  settings: { copy: copyTo(folder, { bytesPerSecond: Number(rate) }) },
});
// Keeps the process up also while the copy waits for its pace.
setInterval(() => undefined, 60_000);
await house.hub.services.copy.now();
process.stdout.write("over\n");
