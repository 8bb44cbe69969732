import { SvelteMap } from "svelte/reactivity";
import { device } from "../device/device.svelte.ts";

/**
 * Pictures of events that were opened while this page is open, small, in memory only. Rows ask
 * for nothing by themselves: each look at a recording is an entry in the ledger.
 */
const POSTERS_MAX = 200;
const WIDTH_PX = 224;
/** A playing video tells of itself some four times a second. */
const ATTEMPTS_MAX = 40;

const posters = new SvelteMap<string, ImageBitmap>();

/** Null where it was not opened, or this device is locked. */
export function posterOf(clip: string): ImageBitmap | null {
  return device.vault.keys === "open" ? (posters.get(clip) ?? null) : null;
}

/** Keeps what `video` shows, now or as soon as the browser can give it away, as that of `clip`. */
export async function keepPoster(clip: string, video: HTMLVideoElement): Promise<void> {
  if (posters.has(clip)) return;
  let picture: ImageBitmap | null = null;
  for (let attempt = 0; picture === null && attempt < ATTEMPTS_MAX; attempt += 1) {
    if (attempt > 0) await playedOn(video);
    picture = await pictureOf(video);
  }
  if (picture === null) return;
  forgetPoster(clip);
  posters.set(clip, picture);
  const [oldest] = posters.keys();
  if (posters.size > POSTERS_MAX && oldest !== undefined) forgetPoster(oldest);
}

async function pictureOf(video: HTMLVideoElement): Promise<ImageBitmap | null> {
  const { videoWidth, videoHeight } = video;
  if (videoWidth === 0) return null;
  try {
    return await createImageBitmap(video, {
      resizeWidth: WIDTH_PX,
      resizeHeight: Math.max(1, Math.round((videoHeight / videoWidth) * WIDTH_PX)),
      resizeQuality: "medium",
    });
  } catch {
    // A busy browser says that the first picture is there a while before it has it.
    return null;
  }
}

function playedOn(video: HTMLVideoElement): Promise<unknown> {
  return new Promise((resolve) => video.addEventListener("timeupdate", resolve, { once: true }));
}

export function forgetPoster(clip: string): void {
  posters.get(clip)?.close();
  posters.delete(clip);
}

/** For when the device is locked: nothing that was opened stays. */
export function forgetPosters(): void {
  for (const clip of posters.keys()) forgetPoster(clip);
}
