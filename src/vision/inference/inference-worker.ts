import { parentPort, workerData } from "node:worker_threads";
import { openFaceFinder } from "./find-faces.ts";
import { openObjectFinder } from "./find-objects.ts";
import {
  NUMBERS_PER_FIND,
  type FromThread,
  type ThreadStart,
  type ToThread,
} from "./inference-messages.ts";

/** Runs networks apart from the thread that has to notice when one does not come back. */

const { task, folder } = workerData as ThreadStart;
const port = parentPort;
if (!port) throw new Error("this is the entry of a thread");
const tell = (message: FromThread): void => port.postMessage(message);

function tellFailed(number: number | null, cause: unknown): void {
  tell({ type: "failed", number, message: cause instanceof Error ? cause.message : "unknown" });
}

try {
  const finder = await (task.find === "faces"
    ? openFaceFinder(task.mode, folder)
    : openObjectFinder(folder));
  port.on("message", ({ number, width, height, bytes, scope }: ToThread) => {
    finder
      .find({ width, height, bytes }, scope)
      .then((found) => {
        const finds = new Float64Array(found.length * NUMBERS_PER_FIND);
        found.forEach((find, index) => finds.set(find, index * NUMBERS_PER_FIND));
        tell({ type: "found", number, finds });
      })
      .catch((cause: unknown) => tellFailed(number, cause));
  });
  tell({ type: "ready" });
} catch (cause) {
  tellFailed(null, cause);
}
