import { HubError } from "../../../src/protocol/errors.ts";
import { workerUrl } from "../device/worker-url.ts";
import type { Corrections } from "./corrections.ts";
import type {
  Findings,
  FromRedactor,
  MadeSegment,
  OpenedVideo,
  Picture,
  RedactCallName,
  RedactCalls,
  ToRedactor,
} from "./messages.ts";
import workerAddress from "./redact-worker.ts?worker&url";

export interface RedactOptions {
  readonly signal?: AbortSignal;
  /** Frames that are done, of all. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Blurs faces on this device. Opened when it is used and closed after: detector and runtime are 15 MB.
 * Every error is a HubError; `CANCELLED` where the signal aborted. After an error there is no file.
 */
export interface Redactor {
  /** Looks for faces in every frame. Segments in their order; their bytes are copied. */
  look(segments: readonly OpenedVideo[], options?: RedactOptions): Promise<Findings>;
  /** One frame to look at. Whoever takes it closes the bitmap. */
  picture(frame: number, width: number, options?: RedactOptions): Promise<Picture>;
  /** Blurred files: a track's and the owner's boxes, less what he took away. */
  make(corrections: Corrections, options?: RedactOptions): Promise<MadeSegment[]>;
  /** The first picture of a segment, covered in the same way: a small JPEG. */
  still(segment: number, corrections: Corrections, options?: RedactOptions): Promise<MadeSegment>;
  close(): void;
}

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly onProgress: RedactOptions["onProgress"];
}

export function openRedactor(): Redactor {
  const worker = new Worker(workerUrl(workerAddress), { type: "module", name: "redact" });
  const waiting = new Map<number, Waiting>();
  let calls = 0;
  const failAll = (message: string): void => {
    for (const { reject } of waiting.values())
      reject(new HubError("REDACTOR_FAILED", `Cannot blur on this device: ${message}`));
    waiting.clear();
  };
  worker.addEventListener("message", ({ data }: MessageEvent<FromRedactor>) => {
    const one = waiting.get(data.id);
    if (data.type === "progress") {
      one?.onProgress?.(data.done, data.total);
      return;
    }
    waiting.delete(data.id);
    if (data.type === "result") one?.resolve(data.value);
    else one?.reject(new HubError(data.code, data.message));
  });
  worker.addEventListener("error", (event) => failAll(event.message || "it did not start"));
  worker.addEventListener("messageerror", () => failAll("an answer was lost"));
  const ask = async <Name extends RedactCallName>(
    name: Name,
    value: RedactCalls[Name]["value"],
    { signal, onProgress }: RedactOptions = {},
  ): Promise<RedactCalls[Name]["result"]> => {
    if (signal?.aborted) throw new HubError("CANCELLED", "Cancelled");
    const id = (calls += 1);
    const answer = new Promise<unknown>((resolve, reject) => {
      waiting.set(id, { resolve, reject, onProgress });
    });
    const cancel = (): void => worker.postMessage({ type: "cancel", id } satisfies ToRedactor);
    signal?.addEventListener("abort", cancel, { once: true });
    worker.postMessage({ type: "call", id, name, value } as ToRedactor);
    try {
      return (await answer) as RedactCalls[Name]["result"];
    } finally {
      signal?.removeEventListener("abort", cancel);
    }
  };
  return {
    look: (segments, options) => ask("look", { segments }, options),
    picture: (frame, width, options) => ask("picture", { frame, width }, options),
    make: (corrections, options) => ask("make", { corrections }, options),
    still: (segment, corrections, options) => ask("still", { segment, corrections }, options),
    close: () => {
      worker.terminate();
      failAll("it was closed");
    },
  };
}
