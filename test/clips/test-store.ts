import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import { ClipRecorder } from "../../src/clips/recorder.ts";
import { ClipStore } from "../../src/clips/store.ts";
import { Ledger } from "../../src/ledger/ledger.ts";
import type { RecorderEvent } from "../../src/protocol/clip.ts";
import { parseSha256Hex, type ClipId } from "../../src/protocol/ids.ts";
import { makeReader } from "./age-oracle.ts";
import { CAMERA, START_AT_MS, testStream } from "./test-stream.ts";
import { applySaid } from "./apply-said.ts";

const root = mkdtempSync(path.join(os.tmpdir(), "doorward-store-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
export const reader = await makeReader("pq");
export const recovery = await makeReader("pq");
export const keyringHead = parseSha256Hex("cd".repeat(32));
let folders = 0;

/** A data folder with database, ledger and store, as the hub has them. */
export function openStore(dataDirectory = path.join(root, String(folders++))) {
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  const clipsDirectory = path.join(dataDirectory, "clips");
  mkdirSync(clipsDirectory, { recursive: true, mode: 0o700 });
  const database = openDatabase(path.join(dataDirectory, "doorward.db"));
  const ledger = Ledger.open({
    database,
    origin: "doorward/test",
    publicKey: new Uint8Array(32),
    sign: () => new Uint8Array(64),
  });
  const store = ClipStore.open({
    database,
    clipsDirectory,
    appendEntry: (entry) => ledger.append(entry),
    nowMs: () => START_AT_MS,
  });
  return {
    dataDirectory,
    clipsDirectory,
    database,
    ledger,
    store,
    entries: () => ledger.entries().map(({ entry }) => entry),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

export type Opened = ReturnType<typeof openStore>;

/** Records for `seconds` and hands everything that the recorder says to the store. */
export async function recordInto(
  opened: Opened,
  seconds: number,
  hold: string[] = [],
): Promise<ClipId[]> {
  const clips: ClipId[] = [];
  const events: RecorderEvent[] = [];
  const stream = testStream({ startAtMs: START_AT_MS + opened.store.counts().closed * 60_000 });
  {
    await using recorder = ClipRecorder.create({
      camera: CAMERA,
      clipsDirectory: opened.clipsDirectory,
      readers: () => ({
        recipients: [reader.recipient, recovery.recipient],
        keyringHead,
        keyringEpoch: 0,
      }),
      emit: (event) => events.push(event),
      reportTrouble: ({ message }) => {
        throw new Error(message);
      },
    });
    recorder.startEvent(
      { kind: "motion", zone: "door", areaShare: 0.1, score: 1 },
      START_AT_MS,
      [],
    );
    for (let count = 0; count < seconds * 10; count++) {
      recorder.push(stream.next());
      recorder.push(stream.sound());
    }
  }
  for (const event of events) {
    if (event.type === "clip-started") clips.push(event.clip);
    // Over the wire between the two processes, as in the hub.
    if (!hold.includes(event.type))
      await applySaid(opened.store, JSON.parse(JSON.stringify(event)));
  }
  return clips;
}

export function only(clips: readonly ClipId[]): ClipId {
  const [clip] = clips;
  if (clip === undefined || clips.length !== 1) throw new Error(`${clips.length} clips`);
  return clip;
}
