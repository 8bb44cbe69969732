import { stat } from "node:fs/promises";
import path from "node:path";
import { sealedFileName } from "../protocol/clip.ts";
import type { ClipId } from "../protocol/ids.ts";
import type { ClipStore } from "./store.ts";

/**
 * How many of the files that the store lists of a clip, whole or torn, are on the disk and as long
 * as they were. No byte is read.
 *
 * @returns null where the store does not list the clip.
 */
export async function filesPresent(store: ClipStore, clip: ClipId): Promise<number | null> {
  const torn = store.tornFiles(clip);
  // A folder may be all that a power cut left of a clip: its files are listed, the clip is not.
  if (store.get(clip) === null) return torn.length === 0 ? null : torn.length;
  const folder = store.folderOf(clip);
  const listed = [
    ...store.files(clip).map((file) => ({ name: sealedFileName(file), bytes: file.sizeBytes })),
    ...torn.map(({ name, sizeBytes }) => ({ name, bytes: sizeBytes })),
  ];
  let present = 0;
  for (const { name, bytes } of listed)
    if ((await sizeOf(path.join(folder, name))) === bytes) present += 1;
  return present;
}

/** A disk that cannot say is as bad as one that has lost it. */
async function sizeOf(file: string): Promise<number | null> {
  try {
    const found = await stat(file);
    return found.isFile() ? found.size : null;
  } catch {
    return null;
  }
}
