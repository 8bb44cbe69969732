import { SvelteMap } from "svelte/reactivity";
import type { ClipSummary } from "../../../src/protocol/api.ts";
import { device } from "../device/device.svelte.ts";
import { ask } from "../device/vault.ts";

/**
 * Pictures of events, small, in memory only. What a row asks for by itself is the blurred still, for
 * everybody: nobody has looked at a recording by scrolling past it, and no entry says so. Of what has
 * none, the picture that was opened is kept.
 */
const POSTERS_MAX = 200;
export const POSTER_WIDTH_PX = 224;

const posters = new SvelteMap<string, ImageBitmap>();
/** Also what there turned out to be none of. */
const asked = new Set<string>();

/** Null where there is none, or this device is locked. */
export function posterOf(clip: string): ImageBitmap | null {
  return device.vault.keys === "open" ? (posters.get(clip) ?? null) : null;
}

/** Fetches the blurred still of a recording that has a blurred copy, once. */
export function wantPoster({ id, renditions }: ClipSummary): void {
  if (device.vault.keys !== "open" || !renditions.includes("blurred")) return;
  if (posters.has(id) || asked.has(id)) return;
  asked.add(id);
  ask("poster", { clip: id, width: POSTER_WIDTH_PX }).then(
    (picture) => picture && !posters.has(id) && keepPicture(id, picture),
    () => asked.delete(id),
  );
}

export function keepPicture(clip: string, picture: ImageBitmap): void {
  forgetPoster(clip);
  posters.set(clip, picture);
  const [oldest] = posters.keys();
  if (posters.size > POSTERS_MAX && oldest !== undefined) forgetPoster(oldest);
}

function forgetPoster(clip: string): void {
  posters.get(clip)?.close();
  posters.delete(clip);
  asked.delete(clip);
}

/** For when the device is locked: nothing that was opened stays. */
export function forgetPosters(): void {
  for (const clip of posters.keys()) forgetPoster(clip);
  asked.clear();
}
