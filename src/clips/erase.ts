import { open, rm, rmdir } from "node:fs/promises";
import path from "node:path";
import { syncDirectory, systemErrorCode } from "../base/files.ts";
import { AGE_HEADER_MAX_BYTES } from "../protocol/age-header.ts";
import type { ClipId } from "../protocol/ids.ts";
import { isSealedFileName, namesIn } from "./clip-folder.ts";

/**
 * Removes the sealed files of a clip, wherever its month put them, and its folder. Headers are
 * overwritten first: without the wrapped file key a payload that is still on the disk opens for
 * nobody. What the hub did not name stays, and with it the folder. Can be called again.
 */
export async function eraseClip(clipsDirectory: string, clip: ClipId): Promise<void> {
  for (const month of await namesIn(clipsDirectory)) {
    const folder = path.join(clipsDirectory, month, clip);
    const names = (await namesIn(folder)).filter(isSealedFileName);
    for (const name of names) await eraseFile(path.join(folder, name));
    try {
      await rmdir(folder);
      await syncDirectory(path.dirname(folder));
    } catch (error) {
      const code = systemErrorCode(error) ?? "";
      if (!["ENOENT", "ENOTDIR", "ENOTEMPTY", "EEXIST"].includes(code)) throw error;
    }
  }
}

/** The same for one file. */
export async function eraseFile(file: string): Promise<void> {
  try {
    await overwriteStart(file);
  } catch (error) {
    // A file system that writes elsewhere needs room even for this; the name still has to go.
    if (!isDiskFull(error)) throw error;
  }
  await rm(file);
}

async function overwriteStart(file: string): Promise<void> {
  await using handle = await open(file, "r+");
  const { size } = await handle.stat();
  await handle.write(new Uint8Array(Math.min(size, AGE_HEADER_MAX_BYTES)), 0, null, 0);
  await handle.datasync();
}

/** True for the answers of a file system, or of SQLite on one, that has no room left. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error) || !("code" in error)) return false;
  return error.code === "ENOSPC" || error.code === "EDQUOT" || error.code === "SQLITE_FULL";
}

/** True where the disk answered no, whatever was asked of it: what may be tried again. */
export function isDiskFailure(error: unknown): boolean {
  if (isDiskFull(error)) return true;
  if (!(error instanceof Error) || !("code" in error)) return false;
  return error.code === "EIO" || String(error.code).startsWith("SQLITE_IOERR");
}
