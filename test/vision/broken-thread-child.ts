import { readFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";

/** In the place of the thread with networks: says it is ready, and then does what it is told. */

const { folder } = workerData as { readonly folder: string };
const port = parentPort;
if (!port) throw new Error("this is the entry of a thread");

interface Asked {
  readonly number: number;
  readonly bytes: Uint8Array;
}

const answer = (finds: unknown) => (message: Asked) =>
  port.postMessage({ type: "found", number: message.number, finds });

let blackPictures = 0;

const ways: Readonly<Record<string, (message: Asked) => void>> = {
  hangs: () => {
    for (;;);
  },
  dies: () => process.exit(1),
  throws: () => {
    throw new Error("out of luck");
  },
  "counts black pictures": (message) => {
    if (message.bytes.every((value) => value === 0)) blackPictures += 1;
    answer(Float64Array.of(blackPictures, 0, 1, 1, 0.5, 0))(message);
  },
  "answers with no number": answer(Float64Array.of(1, 2, NaN, 4, 0.5, 0)),
  "answers with half a box": answer(Float64Array.of(1, 2, 3)),
  "answers with a text": answer("a face"),
  "answers with a kind that there is not": answer(Float64Array.of(1, 2, 3, 4, 0.5, 9)),
};
// Waits in the system, where nobody can end it, until there is something in the pipe of that name.
const waitsFor = folder.startsWith("/") ? () => void readFileSync(folder) : undefined;
port.on("message", (message: Asked) => (waitsFor ?? ways[folder])?.(message));
if (folder !== "never begins") port.postMessage({ type: "ready" });
else for (;;);
