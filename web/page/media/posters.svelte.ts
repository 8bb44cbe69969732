import { SvelteMap } from "svelte/reactivity";
import { device } from "../device/device.svelte.ts";

/**
 * Pictures of events that were opened while this page is open, small, in memory only. Rows ask
 * for nothing by themselves: each look at a recording is an entry in the ledger.
 */
const POSTERS_MAX = 200;
const WIDTH_PX = 224;

const posters = new SvelteMap<string, ImageBitmap>();

/** Null where it was not opened, or this device is locked. */
export function posterOf(clip: string): ImageBitmap | null {
  return device.vault.keys === "open" ? (posters.get(clip) ?? null) : null;
}

/** Keeps what `video` shows now as the picture of `clip`. */
export async function keepPoster(clip: string, video: HTMLVideoElement): Promise<void> {
  if (posters.has(clip) || video.videoWidth === 0) return;
  const height = Math.max(1, Math.round((video.videoHeight / video.videoWidth) * WIDTH_PX));
  const picture = await createImageBitmap(video, {
    resizeWidth: WIDTH_PX,
    resizeHeight: height,
    resizeQuality: "medium",
  });
  forgetPoster(clip);
  posters.set(clip, picture);
  const [oldest] = posters.keys();
  if (posters.size > POSTERS_MAX && oldest !== undefined) forgetPoster(oldest);
}

export function forgetPoster(clip: string): void {
  posters.get(clip)?.close();
  posters.delete(clip);
}

/** For when the device is locked: nothing that was opened stays. */
export function forgetPosters(): void {
  for (const clip of posters.keys()) forgetPoster(clip);
}
