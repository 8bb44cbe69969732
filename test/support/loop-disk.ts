import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, open, rm } from "node:fs/promises";
import path from "node:path";

/** A file system of its own in a file, mounted. Leaving the scope unmounts it and removes both. */
export interface LoopDisk extends AsyncDisposable {
  /** Where it is mounted. */
  readonly folder: string;
  /** The file that it lies in: what a thief of the disk would read. */
  readonly image: string;
}

export type FileSystem = "ext4" | "xfs";

const MAKE: Readonly<Record<FileSystem, readonly string[]>> = {
  ext4: ["mkfs.ext4", "-q", "-F"],
  xfs: ["mkfs.xfs", "-q", "-f", "-m", "reflink=1"],
};

/**
 * @param sizeMebibytes - XFS needs 300 at least; the image is sparse.
 * @returns null where this machine or user may not make or mount one.
 */
export async function openLoopDisk(options: {
  readonly directory: string;
  readonly name: string;
  readonly fileSystem: FileSystem;
  readonly sizeMebibytes: number;
}): Promise<LoopDisk | null> {
  const image = path.join(options.directory, `${options.name}.img`);
  {
    await using file = await open(image, "w", 0o600);
    await file.truncate(options.sizeMebibytes * 1024 * 1024);
  }
  const [command = "", ...args] = MAKE[options.fileSystem];
  if ((await run(command, ...args, image)) === 0) {
    const mounted = await mountImage(image, path.join(options.directory, options.name));
    if (mounted) return mounted;
  }
  await rm(image, { force: true });
  return null;
}

/** Mounts an image that is there already, as of a disk whose power went. */
export async function mountImage(image: string, folder: string): Promise<LoopDisk | null> {
  await mkdir(folder, { recursive: true });
  if ((await run("mount", "-o", "loop", image, folder)) !== 0) {
    await rm(folder, { recursive: true });
    return null;
  }
  return {
    folder,
    image,
    [Symbol.asyncDispose]: async () => {
      // Somebody may still be leaving it; what is still there then goes with its last descriptor.
      if ((await run("umount", folder)) !== 0) await run("umount", "-l", folder);
      await rm(folder, { recursive: true, force: true });
      await rm(image, { force: true });
    },
  };
}

/** Exit code; 127 where there is no such command. */
async function run(command: string, ...args: string[]): Promise<number> {
  const child = spawn(command, args, { stdio: "ignore" });
  try {
    const [code] = (await once(child, "exit")) as [number | null];
    return code ?? 1;
  } catch {
    return 127;
  }
}
