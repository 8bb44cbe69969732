import type { LiveFragment } from "../../../src/protocol/live-frame.ts";
import { readDecoderRecord } from "./fragment-reader.ts";
import type { LiveInit } from "./live-message.ts";

/** Shows one camera's fragments, the newest as soon as it can, in an element of its own. */
export interface LivePlayer {
  readonly kind: "webcodecs" | "mse";
  readonly element: HTMLCanvasElement | HTMLVideoElement;
  push(fragment: LiveFragment): void;
  /** Fragments were lost: nothing is shown before the next key frame. */
  skip(): void;
  /** Leaves nothing of the picture behind. */
  close(): void;
}

export interface PlayerHandlers {
  /** A picture is on the screen; with the hub's wall clock when the camera took it. */
  readonly onPicture: (wallClockMs: number) => void;
  /** This player cannot go on with this stream. */
  readonly onFailure: () => void;
}

export type PlayerKind = LivePlayer["kind"];

/** What `MediaSource` is called here; `ManagedMediaSource` on an iPhone. */
export function mediaSourceClass(): typeof MediaSource | null {
  const { ManagedMediaSource } = globalThis as { ManagedMediaSource?: typeof MediaSource };
  return ManagedMediaSource ?? globalThis.MediaSource ?? null;
}

export function mimeOf({ codec }: LiveInit): string {
  return `video/mp4; codecs="${codec}"`;
}

export function decoderConfig({ codec, width, height, bytes }: LiveInit): VideoDecoderConfig {
  return {
    codec,
    ...(width > 0 && height > 0 ? { codedWidth: width, codedHeight: height } : {}),
    description: readDecoderRecord(bytes, codec),
    optimizeForLatency: true,
    hardwareAcceleration: "no-preference",
  };
}

/**
 * The best player that this browser has for a stream, or null.
 *
 * @param refused - Those that have failed with it.
 */
export async function choosePlayer(
  init: LiveInit,
  refused: ReadonlySet<PlayerKind>,
): Promise<PlayerKind | null> {
  if (!refused.has("webcodecs") && (await canDecode(init))) return "webcodecs";
  if (!refused.has("mse") && mediaSourceClass()?.isTypeSupported(mimeOf(init)) === true)
    return "mse";
  return null;
}

async function canDecode(init: LiveInit): Promise<boolean> {
  if (!("VideoDecoder" in globalThis)) return false;
  try {
    return (await VideoDecoder.isConfigSupported(decoderConfig(init))).supported === true;
  } catch {
    // Not a codec whose parameters can be read here.
    return false;
  }
}
