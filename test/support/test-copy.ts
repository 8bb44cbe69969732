import { readFile } from "node:fs/promises";
import path from "node:path";
import { Decrypter } from "age-encryption";
import { openFolderPlace } from "../../src/offsite/place-folder.ts";
import type { Place } from "../../src/offsite/place.ts";
import type { CopyState } from "../../src/protocol/api-copy.ts";
import { sealedFileName } from "../../src/protocol/clip.ts";
import type { ClipId } from "../../src/protocol/ids.ts";
import type { CopyAddress, CopySettings } from "../../src/settings/copy.ts";
import { DAV_LOGIN, S3_LOGIN } from "./copy-places.ts";
import type { TestHub } from "./test-hub.ts";

const HOUR_MS = 3_600_000;

export function copyTo(at: string | CopyAddress, more: Partial<CopySettings> = {}): CopySettings {
  const address = typeof at === "string" ? ({ kind: "folder", folder: at } as const) : at;
  return { at: address, bytesPerSecond: null, everyMs: HOUR_MS, deletions: "follow", ...more };
}

/** The logins of the places that run here, as the hub's environment has them. */
export const COPY_ENVIRONMENT = {
  DOORWARD_COPY_USER: DAV_LOGIN.user ?? "",
  DOORWARD_COPY_PASSWORD: DAV_LOGIN.password ?? "",
  DOORWARD_COPY_ACCESS_KEY: S3_LOGIN.accessKeyId,
  DOORWARD_COPY_SECRET_KEY: S3_LOGIN.secretAccessKey,
};

/** One whole turn, after the one that may run. */
export async function copyTurn({ hub }: Pick<TestHub, "hub">): Promise<CopyState> {
  await hub.services.copy.now();
  return hub.services.copy.state();
}

export async function namesAt(place: Place | string, prefix = ""): Promise<string[]> {
  const found: string[] = [];
  const at = typeof place === "string" ? openFolderPlace(place) : place;
  for await (const { name } of at.list(prefix, new AbortController().signal)) found.push(name);
  return found.toSorted();
}

/** The sealed files of a clip as the hub has them, by their names in a copy. */
export async function filesOfClip(
  { hub }: Pick<TestHub, "hub">,
  clip: ClipId,
): Promise<Record<string, Buffer>> {
  const { clips } = hub.services;
  const folder = clips.folderOf(clip);
  const month = path.basename(path.dirname(folder));
  const found: Record<string, Buffer> = {};
  for (const file of clips.files(clip)) {
    const name = sealedFileName(file);
    found[`clips/${month}/${clip}/${name}`] = await readFile(path.join(folder, name));
  }
  return found;
}

/** Deletes a clip as an owner does, and waits until it is gone. */
export async function deleteClip({ hub, clock }: TestHub, clip: ClipId): Promise<void> {
  hub.services.retention.remove(clip);
  clock.ranMs += 11 * 60_000;
  await hub.services.retention.run();
}

export async function ageOpened(sealed: Uint8Array, identity: string): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  return await decrypter.decrypt(sealed);
}
