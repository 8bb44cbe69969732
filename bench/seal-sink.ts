import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { generateHybridIdentity, identityToRecipient } from "age-encryption";
import { ClipRecorder } from "../src/clips/recorder.ts";
import { parseRecipient } from "../src/protocol/age-header.ts";
import type { CameraId } from "../src/protocol/ids.ts";
import { sha256Hex } from "../src/protocol/bytes.ts";
import type { FragmentSink } from "./camera-client.ts";

/** Seals everything a camera sends, as during one endless event: the worst that recording costs. */
export async function createSink(camera: CameraId): Promise<FragmentSink> {
  const clipsDirectory = await mkdtemp(path.join(tmpdir(), "doorward-bench-"));
  const recipients = await Promise.all(
    [1, 2].map(async () =>
      parseRecipient(await identityToRecipient(await generateHybridIdentity())),
    ),
  );
  const readers = { recipients, keyringHead: sha256Hex(new Uint8Array()), keyringEpoch: 0 };
  const recorder = ClipRecorder.create({
    camera,
    clipsDirectory,
    readers: () => readers,
    emit: () => undefined,
    reportTrouble: ({ code, message }) => {
      throw new Error(`${code}: ${message}`);
    },
  });
  const why = { kind: "motion", zone: "whole picture", areaShare: 1, score: 1 } as const;
  let isStarted = false;
  return {
    take: (fragment) => {
      if (!isStarted) recorder.startEvent(why, fragment.wallClockMs, []);
      isStarted = true;
      recorder.push(fragment);
    },
    [Symbol.asyncDispose]: async () => {
      await recorder[Symbol.asyncDispose]();
      await rm(clipsDirectory, { recursive: true, force: true });
    },
  };
}
