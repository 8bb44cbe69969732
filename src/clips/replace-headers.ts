import { open, rename, rm, type FileHandle } from "node:fs/promises";
import path from "node:path";
import { PARTIAL_ENDING, PRIVATE_FILE_MODE, syncDirectory } from "../base/files.ts";
import { AGE_HEADER_MAX_BYTES, parseAgeHeader, type AgeHeader } from "../protocol/age-header.ts";
import { equalBytes } from "../protocol/bytes.ts";

/** A file and the header that it is to begin with. */
export interface NewHeader {
  readonly name: string;
  /** As many bytes as the header that is there. */
  readonly header: Uint8Array;
}

/** Points at which a stop may come. After each, every file is whole and has its old or new header. */
export type ReplaceStep = "written" | "synced" | "renamed" | "durable" | "overwritten";

const COPY_BYTES = 1024 * 1024;

/** The header of a file on the disk, or null where it ends inside it. @throws MalformedInput. */
export async function readHeader(handle: FileHandle): Promise<AgeHeader | null> {
  const start = new Uint8Array(AGE_HEADER_MAX_BYTES);
  const { bytesRead } = await handle.read(start, 0, start.length, 0);
  return parseAgeHeader(start.subarray(0, bytesRead));
}

/**
 * Gives files of one folder new headers, payloads untouched: each is copied beside itself (0600),
 * synced and renamed, and the folder synced. Then the header in the old file, which has no name any
 * more, is overwritten with the new one, so that the disk keeps it no longer than it must; whoever is
 * just reading that file reads one that opens for the same people.
 *
 * To be gone through to its end. A stop leaves a `.partial` at most, which a second run writes over.
 *
 * @param files - A few: each is open until the folder is synced.
 */
export async function* replaceHeaders(
  folder: string,
  files: readonly NewHeader[],
): AsyncGenerator<ReplaceStep, void, void> {
  await using stack = new AsyncDisposableStack();
  const replaced: { old: FileHandle; header: Uint8Array }[] = [];
  for (const { name, header } of files) {
    const finalPath = path.join(folder, name);
    const old = stack.use(await open(finalPath, "r+"));
    const found = await readHeader(old);
    if (found?.payloadOffset !== header.length)
      throw new Error(`Cannot replace header of ${name}: the new one has another length`);
    if (equalBytes(found.headerBytes, header)) continue;
    yield* replaceFile(finalPath, old, header);
    replaced.push({ old, header });
  }
  await syncDirectory(folder);
  yield "durable";
  for (const { old, header } of replaced) {
    await old.write(header, 0, header.length, 0);
    await old.datasync();
    yield "overwritten";
  }
}

async function* replaceFile(
  finalPath: string,
  old: FileHandle,
  header: Uint8Array,
): AsyncGenerator<ReplaceStep, void, void> {
  const partialPath = finalPath + PARTIAL_ENDING;
  try {
    await using copy = await open(partialPath, "w", PRIVATE_FILE_MODE);
    await copy.chmod(PRIVATE_FILE_MODE);
    await copy.writeFile(header);
    await copyPayload(old, copy, header.length);
    yield "written";
    await copy.sync();
    yield "synced";
  } catch (error) {
    await rm(partialPath, { force: true });
    throw error;
  }
  await rename(partialPath, finalPath);
  yield "renamed";
}

async function copyPayload(from: FileHandle, to: FileHandle, offset: number): Promise<void> {
  const buffer = new Uint8Array(COPY_BYTES);
  for (let position = offset; ;) {
    const { bytesRead } = await from.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) return;
    await to.writeFile(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
}
