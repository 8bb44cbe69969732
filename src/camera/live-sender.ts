import type { Writable } from "node:stream";
import { HubError } from "../protocol/errors.ts";
import type { Fragment, TrackInit } from "../protocol/fragment.ts";
import type { CameraId } from "../protocol/ids.ts";
import { encodeLiveFragment } from "../protocol/live-frame.ts";
import { encodePicture, type StreamRole } from "./live-pipe.ts";
import type { FragmentRing } from "./ring.ts";

/** Of all that waits in the pipe because the hub is slow. */
export const PIPE_BYTES_MAX = 16 * 1024 * 1024;

/**
 * The ingest process's end of the pipe for pictures: sends the streams that the hub asked for, and
 * only those. It never waits: what the pipe does not take is left out up to the next key frame, so
 * that a slow hub costs the recorder nothing.
 */
export class LiveSender {
  readonly #pipe: Writable;
  readonly #rings = new Map<string, FragmentRing>();
  readonly #watched = new Map<string, { camera: CameraId; stream: StreamRole; sound: boolean }>();
  readonly #subscriptions = new Map<string, () => void>();

  constructor(pipe: Writable) {
    this.#pipe = pipe;
    // The hub is gone, and this process ends with it.
    pipe.on("error", () => undefined);
  }

  /** Says where a stream's fragments are, until that is disposed of. It may be watched already. */
  offer(camera: CameraId, stream: StreamRole, ring: FragmentRing): Disposable {
    const name = `${camera} ${stream}`;
    this.#leave(name);
    this.#rings.set(name, ring);
    this.#follow(name);
    return {
      [Symbol.dispose]: () => {
        // The camera may have been begun anew with another ring already.
        if (this.#rings.get(name) !== ring) return;
        this.#leave(name);
        this.#rings.delete(name);
      },
    };
  }

  /**
   * Begins with the ring's last key frame, and does nothing where it is as it should be.
   *
   * @param sound - Without it no sound crosses the pipe.
   */
  watch(camera: CameraId, stream: StreamRole, on: boolean, sound = false): void {
    const name = `${camera} ${stream}`;
    if (on) {
      this.#watched.set(name, { camera, stream, sound });
      this.#follow(name);
      return;
    }
    this.#watched.delete(name);
    this.#leave(name);
  }

  #leave(name: string): void {
    this.#subscriptions.get(name)?.();
    this.#subscriptions.delete(name);
  }

  #follow(name: string): void {
    const ring = this.#rings.get(name);
    const watched = this.#watched.get(name);
    if (!ring || !watched || this.#subscriptions.has(name)) return;
    const { camera, stream } = watched;
    this.#subscriptions.set(name, ring.subscribe(this.#listener(camera, stream)));
  }

  /** Sends one stream's fragments, each track's initialisation segment before its first. */
  #listener(camera: CameraId, stream: StreamRole): (fragment: Fragment) => void {
    const sent: { video: TrackInit | null; audio: TrackInit | null } = { video: null, audio: null };
    let skipped = 0;
    return (fragment) => {
      const { track, keyFrame, init } = fragment;
      if (track === "audio" && this.#watched.get(`${camera} ${stream}`)?.sound !== true) return;
      const isStart = track === "video" && keyFrame;
      const parts =
        skipped > 0 && !isStart ? null : partsOf(fragment, stream, sent[track] !== init);
      if (!parts || this.#pipe.writableLength + lengthOf(parts) > PIPE_BYTES_MAX) {
        skipped += 1;
        return;
      }
      if (skipped > 0)
        this.#write(encodePicture({ camera, stream, kind: "skipped", fragments: skipped }));
      skipped = 0;
      sent[track] = init;
      this.#write(parts);
    };
  }

  #write(parts: readonly Uint8Array[]): void {
    if (!this.#pipe.writable) return;
    this.#pipe.cork();
    for (const part of parts) this.#pipe.write(part);
    this.#pipe.uncork();
  }
}

/** A fragment's messages; null where no viewer would read them, whatever the camera meant by them. */
function partsOf(fragment: Fragment, stream: StreamRole, withInit: boolean): Uint8Array[] | null {
  const { camera, track, keyFrame, init } = fragment;
  try {
    const frame = encodeLiveFragment(fragment);
    return [
      ...(withInit ? encodePicture({ camera, stream, kind: "init", init }) : []),
      ...encodePicture({ camera, stream, kind: "fragment", track, keyFrame, frame }),
    ];
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    return null;
  }
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}
