import { keepPicture, posterOf, POSTER_WIDTH_PX } from "./posters.svelte.ts";

/** A playing video tells of itself some four times a second. */
const ATTEMPTS_MAX = 40;

/** Keeps what `video` shows, now or as soon as the browser can give it away, as that of `clip`. */
export async function keepPoster(clip: string, video: HTMLVideoElement): Promise<void> {
  if (posterOf(clip)) return;
  let picture: ImageBitmap | null = null;
  for (let attempt = 0; picture === null && attempt < ATTEMPTS_MAX; attempt += 1) {
    if (attempt > 0) await playedOn(video);
    picture = await pictureOf(video);
  }
  if (picture !== null) keepPicture(clip, picture);
}

async function pictureOf(video: HTMLVideoElement): Promise<ImageBitmap | null> {
  const { videoWidth, videoHeight } = video;
  if (videoWidth === 0) return null;
  try {
    return await createImageBitmap(video, {
      resizeWidth: POSTER_WIDTH_PX,
      resizeHeight: Math.max(1, Math.round((videoHeight / videoWidth) * POSTER_WIDTH_PX)),
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
