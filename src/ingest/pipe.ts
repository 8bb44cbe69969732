import { Socket } from "node:net";
import type { Writable } from "node:stream";
import { PICTURE_PIPE } from "./messages.ts";

/**
 * The ingest process's end of the pipe for pictures, which the hub made when it started the process:
 * it is written to only, and nothing can be opened through it.
 */
export function picturePipe(): Writable {
  return new Socket({ fd: PICTURE_PIPE, readable: false, writable: true });
}
