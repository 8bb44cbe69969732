import { mkdir, open, rename } from "node:fs/promises";
import path from "node:path";
import { HubError } from "../protocol/errors.ts";

/** Every file and folder of the hub is its user's alone. */
export const PRIVATE_FILE_MODE = 0o600;
export const PRIVATE_DIRECTORY_MODE = 0o700;
/** Ending of a file that is still being written. */
export const PARTIAL_ENDING = ".partial";

/** Makes the names in a folder (new, renamed, removed) survive a power cut. */
export async function syncDirectory(directory: string): Promise<void> {
  await using handle = await open(directory, "r");
  await handle.sync();
}

/** Makes `directory` (0700) and what is missing above it, durably; nothing where it is there. */
export async function makePrivateDirectory(directory: string): Promise<void> {
  const first = await mkdir(directory, { recursive: true, mode: PRIVATE_DIRECTORY_MODE });
  if (first === undefined) return;
  // Each new folder is a name in the one above it, from the deepest up to the first that was new.
  for (let made = path.resolve(directory); ; made = path.dirname(made)) {
    await syncDirectory(path.dirname(made));
    if (made === path.resolve(first)) return;
  }
}

/**
 * Writes a whole small file so that after a power cut it has either its old or its new content:
 * `.partial` (0600), fsync, rename, fsync of the folder.
 */
export async function writeFileDurably(finalPath: string, content: Uint8Array): Promise<void> {
  const partialPath = finalPath + PARTIAL_ENDING;
  {
    await using file = await open(partialPath, "w", PRIVATE_FILE_MODE);
    await file.chmod(PRIVATE_FILE_MODE);
    await file.writeFile(content);
    await file.sync();
  }
  await rename(partialPath, finalPath);
  await syncDirectory(path.dirname(finalPath));
}

/**
 * Reads a file that is expected to be small.
 *
 * @returns null where there is no such file.
 * @throws HubError `FILE_TOO_LARGE` above `maxBytes`.
 */
export async function readSmallFile(file: string, maxBytes: number): Promise<Uint8Array | null> {
  try {
    await using handle = await open(file, "r");
    const { size } = await handle.stat();
    if (size > maxBytes)
      throw new HubError(
        "FILE_TOO_LARGE",
        `Cannot read ${file}: it has ${size} bytes, at most ${maxBytes} are expected`,
      );
    return await handle.readFile();
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return null;
    throw error;
  }
}

/** `ENOSPC`, `EIO`, `ENOENT`...: the code of an error of the operating system, else null. */
export function systemErrorCode(error: unknown): string | null {
  if (!(error instanceof Error) || !("code" in error) || error instanceof HubError) return null;
  return typeof error.code === "string" ? error.code : null;
}
