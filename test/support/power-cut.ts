import { constants } from "node:fs";
import { copyFile, mkdir } from "node:fs/promises";
import path from "node:path";
import { mountImage, openLoopDisk } from "./loop-disk.ts";

const OUTER_MEBIBYTES = 4096;

/** A disk whose power can be cut again and again while somebody works on it. */
export interface CuttableDisk extends AsyncDisposable {
  /** What lies on it. */
  readonly folder: string;
  /**
   * The disk as it was at this moment, mounted elsewhere: what had not been handed to it by then is
   * not there. Nobody who works on the disk notices.
   */
  cut(): Promise<AsyncDisposable & { readonly folder: string }>;
}

/**
 * An ext4 file system in a file that lies on XFS: a clone of that file takes no time, and is what
 * the disk had been given. What a drive's own cache would still lose is not in it.
 *
 * @returns null where this machine or user may not mount such disks.
 */
export async function openCuttableDisk(
  directory: string,
  sizeMebibytes: number,
): Promise<CuttableDisk | null> {
  await mkdir(directory, { recursive: true });
  await using stack = new AsyncDisposableStack();
  const outer = await openLoopDisk({
    ...{ directory, name: "outer", fileSystem: "xfs", sizeMebibytes: OUTER_MEBIBYTES },
  });
  if (!outer) return null;
  stack.use(outer);
  const inner = await openLoopDisk({
    ...{ directory: outer.folder, name: "disk", fileSystem: "ext4", sizeMebibytes },
  });
  if (!inner) return null;
  stack.use(inner);
  const owned = stack.move();
  let cuts = 0;
  return {
    folder: inner.folder,
    cut: async () => {
      cuts += 1;
      const image = path.join(outer.folder, `cut-${cuts}.img`);
      await copyFile(inner.image, image, constants.COPYFILE_FICLONE_FORCE);
      const mounted = await mountImage(image, path.join(outer.folder, `cut-${cuts}`));
      if (!mounted) throw new Error("the disk could not be mounted again after the cut");
      return mounted;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
