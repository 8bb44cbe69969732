import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { Encrypter } from "age-encryption";
import { clipIdentities } from "../../src/owner/device-bundle.ts";
import { openSealedFile } from "../../src/owner/open-clip.ts";
import { requireAgeHeader } from "../../src/protocol/age-header.ts";
import type { BlurReason } from "../../src/protocol/blur-state.ts";
import { sealedFileName, type FileKey, type ListedFile } from "../../src/protocol/clip.ts";
import { parseClipId, type ClipId } from "../../src/protocol/ids.ts";
import type { TestHub } from "./test-hub.ts";
import { mosaic } from "./test-rendition.ts";
import { applySaid } from "../clips/apply-said.ts";

export interface HubCopyOptions {
  /** Segments that are pixelated whole, and those that are left out. */
  readonly whole?: readonly number[];
  readonly absent?: readonly number[];
  readonly reason?: BlurReason;
  /** Pictures that a browser shows; by default bytes that nobody looks at. */
  readonly isReal?: boolean;
  /** False: the copy is not ended, as while it is being made. */
  readonly isEnded?: boolean;
}

/** A still as the hub makes one of a segment: its first picture. */
function stillOf(movie: Uint8Array): Uint8Array {
  const options = ["-v", "error", "-i", "pipe:0", "-frames:v", "1", "-f", "mjpeg", "pipe:1"];
  const result = spawnSync("ffmpeg", options, { input: movie, maxBuffer: 8 * 1024 * 1024 });
  if (result.status !== 0) throw new Error(`ffmpeg failed: ${result.stderr.toString()}`);
  return new Uint8Array(result.stdout);
}

/**
 * Seals a blurred copy of a clip and both its stills, and has the hub take it in, as it would from
 * the ingest process. The hub records with `faces: "blur-copy"`.
 */
export async function addHubCopy(
  hub: TestHub,
  id: string,
  options: HubCopyOptions = {},
): Promise<void> {
  const clip = parseClipId(id);
  const { clips } = hub.hub.services;
  const originals = clips.files(clip).filter(({ track }) => track === "video");
  const { whole = [], absent = [], isReal = false, isEnded = true } = options;
  for (const original of originals) {
    const segment = original.segment ?? 0;
    if (absent.includes(segment)) continue;
    const clear = isReal ? await opened(hub, clip, original) : randomBytes(300);
    const bytes = isReal ? mosaic(clear) : randomBytes(300);
    const pixelated = whole.includes(segment) ? ("whole" as const) : ("faces" as const);
    const key = { segment, track: "video", rendition: "blurred" } as const;
    await addFile(hub, clip, { key, bytes, original, pixelated });
    if (segment !== 0) continue;
    const still = { segment: null, track: "poster" } as const;
    const clearStill = isReal ? stillOf(clear) : randomBytes(100);
    const atStart = { ...original, toMs: original.fromMs };
    await addFile(hub, clip, {
      ...{ key: { ...still, rendition: "original" }, bytes: clearStill, original: atStart },
    });
    const covered = isReal ? stillOf(bytes) : randomBytes(100);
    const blurredKey = { ...still, rendition: "blurred" } as const;
    await addFile(hub, clip, { key: blurredKey, bytes: covered, original: atStart, pixelated });
  }
  if (isEnded) await clips.apply({ type: "blur-closed", clip, reason: options.reason ?? null });
}

async function opened(hub: TestHub, clip: ClipId, file: ListedFile): Promise<Uint8Array> {
  const url = `/api/clips/${clip}/files/${sealedFileName(file)}`;
  const { rawPayload } = await hub.call("GET", url, { as: hub.owner });
  const identities = clipIdentities(hub.owner.bundle);
  return openSealedFile(new Uint8Array(rawPayload), identities, file.payloadSha256);
}

async function addFile(
  hub: TestHub,
  clip: ClipId,
  made: {
    key: FileKey;
    bytes: Uint8Array;
    original: ListedFile;
    pixelated?: "faces" | "whole";
  },
): Promise<void> {
  const { clips, household } = hub.hub.services;
  const { keyring } = household;
  if (!keyring) throw new Error("nobody has claimed this hub");
  const { key, original, pixelated } = made;
  const { originals, blurred, recovery } = keyring.readers;
  const encrypter = new Encrypter();
  for (const reader of key.rendition === "blurred"
    ? [originals, blurred, recovery]
    : [originals, recovery])
    encrypter.addRecipient(reader);
  const bytes = await encrypter.encrypt(made.bytes);
  writeFileSync(path.join(clips.folderOf(clip), sealedFileName(key)), bytes, { mode: 0o600 });
  const payload = bytes.subarray(requireAgeHeader(bytes).payloadOffset);
  const file = {
    ...key,
    sizeBytes: bytes.length,
    payloadSha256: createHash("sha256").update(payload).digest("hex"),
    ...{ fromMs: original.fromMs, toMs: original.toMs, derivedFrom: original.payloadSha256 },
    ...(pixelated === undefined ? {} : { pixelated }),
  };
  await applySaid(clips, { type: "copy-file", clip, file, keyringEpoch: keyring.epoch });
}
