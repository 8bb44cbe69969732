import { randomBytes } from "node:crypto";
import { open, rename, rm, statfs } from "node:fs/promises";
import path from "node:path";
import { PARTIAL_ENDING, PRIVATE_FILE_MODE, syncDirectory } from "../base/files.ts";
import { isDiskFull } from "./erase.ts";
import { sizeOfFile } from "./clip-folder.ts";

const BALLAST_FILE = "ballast";
export const BALLAST_BYTES = 64 * 1024 * 1024;
const BLOCK_BYTES = 1024 * 1024;

/**
 * A file that only takes up room. On a full disk even SQLite's DELETE fails, since it has to write
 * before it can free; this is what is thrown overboard first.
 */
export interface Ballast {
  /** True where it was there and is gone now. */
  drop(): Promise<boolean>;
  /** Puts it back where it is not; false where there was no room after all. */
  load(): Promise<boolean>;
  isLoaded(): Promise<boolean>;
}

export function createBallast(dataDirectory: string, sizeBytes: number): Ballast {
  const file = path.join(dataDirectory, BALLAST_FILE);
  const partial = file + PARTIAL_ENDING;
  const isLoaded = async (): Promise<boolean> => (await sizeOfFile(file)) === sizeBytes;
  return {
    isLoaded,
    drop: async () => {
      const wasThere = (await sizeOfFile(file)) !== null;
      await rm(partial, { force: true });
      await rm(file, { force: true });
      await syncDirectory(dataDirectory);
      return wasThere;
    },
    load: async () => {
      if (sizeBytes === 0 || (await isLoaded())) return true;
      try {
        await write(partial, sizeBytes);
        await rename(partial, file);
        await syncDirectory(dataDirectory);
        return true;
      } catch (error) {
        await rm(partial, { force: true });
        if (!isDiskFull(error)) throw error;
        return false;
      }
    },
  };
}

/** Does not compress, and with every top bit set it looks like no text, box or start code. */
async function write(file: string, sizeBytes: number): Promise<void> {
  await using handle = await open(file, "w", PRIVATE_FILE_MODE);
  const block = randomBytes(BLOCK_BYTES).map((byte) => byte | 0x80);
  for (let written = 0; written < sizeBytes; written += block.length)
    await handle.writeFile(block.subarray(0, Math.min(block.length, sizeBytes - written)));
  await handle.sync();
}

/** Bytes that this process may still write where `directory` is, and bytes of the whole disk. */
export async function diskAt(
  directory: string,
): Promise<{ readonly freeBytes: number; readonly totalBytes: number }> {
  const { bavail, blocks, bsize } = await statfs(directory);
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize };
}
