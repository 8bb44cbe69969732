import { parentPort, workerData } from "node:worker_threads";

/** In the place of the thread with networks: says it is ready, and then does what it is named for. */

const { folder } = workerData as { readonly folder: string };
const port = parentPort;
if (!port) throw new Error("this is the entry of a thread");

const answer = (finds: unknown) => (message: { readonly number: number }) =>
  port.postMessage({ type: "found", number: message.number, finds });

const ways: Readonly<Record<string, (message: { readonly number: number }) => void>> = {
  hangs: () => {
    for (;;);
  },
  dies: () => process.exit(1),
  throws: () => {
    throw new Error("out of luck");
  },
  "answers with no number": answer(Float64Array.of(1, 2, NaN, 4, 0.5, 0)),
  "answers with half a box": answer(Float64Array.of(1, 2, 3)),
  "answers with a text": answer("a face"),
  "answers with a kind that there is not": answer(Float64Array.of(1, 2, 3, 4, 0.5, 9)),
};
port.on("message", (message: { readonly number: number }) => ways[folder]?.(message));
if (folder !== "never begins") port.postMessage({ type: "ready" });
else for (;;);
