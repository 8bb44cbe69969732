import { rm } from "node:fs/promises";
import path from "node:path";
import { makePrivateDirectory, PARTIAL_ENDING } from "../base/files.ts";
import type { Recipient } from "../protocol/age-header.ts";
import { sealedFileName, type FileKey, type SealedFile } from "../protocol/clip.ts";
import { SealedFileWriter } from "./sealed-file.ts";

interface WholeFile<Key extends FileKey> {
  readonly folder: string;
  readonly key: Key;
  readonly recipients: readonly Recipient[];
  /** Written one after the other. */
  readonly parts: readonly Uint8Array[];
  readonly span: { readonly fromMs: number; readonly toMs: number };
  /** Whether what was written stays where the disk fails: where it is all that there is. */
  readonly keepsPartial: boolean;
}

/**
 * Seals what is whole in memory: `.partial`, fsync, its name, fsync of the folder.
 *
 * @throws The operating system's error; HubError as `wrapFileKey`.
 */
export async function sealWhole<Key extends FileKey>(
  file: WholeFile<Key>,
): Promise<Key & SealedFile> {
  const { folder, key, recipients, parts, span, keepsPartial } = file;
  const finalPath = path.join(folder, sealedFileName(key));
  await makePrivateDirectory(folder);
  try {
    await using writer = await SealedFileWriter.create(finalPath, recipients);
    for (const part of parts) await writer.write(part);
    return { ...key, ...(await writer.commit()), ...span };
  } catch (error) {
    // Of a copy nothing is lost with it: its original is there.
    if (!keepsPartial) await rm(finalPath + PARTIAL_ENDING, { force: true });
    throw error;
  }
}
