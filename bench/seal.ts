import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  Encrypter,
  generateHybridIdentity,
  generateX25519Identity,
  identityToRecipient,
} from "age-encryption";
import { openDatabase } from "../src/base/database.ts";
import { ClipRecorder } from "../src/clips/recorder.ts";
import { sealBytes, SealedFileWriter } from "../src/clips/sealed-file.ts";
import { ClipStore } from "../src/clips/store.ts";
import { Ledger } from "../src/ledger/ledger.ts";
import { parseRecipient, type Recipient } from "../src/protocol/age-header.ts";
import type { RecorderEvent } from "../src/protocol/clip.ts";
import type { Fragment, TrackInit } from "../src/protocol/fragment.ts";
import { parseCameraId, parseSha256Hex } from "../src/protocol/ids.ts";
import type { Figure } from "./figure.ts";

const MEBIBYTE = 1024 * 1024;
const BULK_BYTES = 64 * MEBIBYTE;
/** Four seconds of a camera at 4 Mbit/s, as access units of a sixtieth of it. */
const SEGMENT_BYTES = 2_000_000;
const FRAMES_PER_SEGMENT = 60;

/** Figures of the file writer and of the clip store, in the temporary folder. */
export async function sealFigures(): Promise<Figure[]> {
  const folder = mkdtempSync(path.join(tmpdir(), "doorward-bench-"));
  try {
    const pq = [await newRecipient("pq"), await newRecipient("pq")];
    const classic = [await newRecipient("x25519"), await newRecipient("x25519")];
    return [
      ...(await throughputFigures(pq)),
      await fileFigure("seal.file", 16_000_000, folder, pq),
      await fileFigure("seal.segment", SEGMENT_BYTES, folder, pq),
      headerFigure("pq", pq),
      headerFigure("x25519", classic),
      ...(await writeFigures(folder, pq)),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function newRecipient(kind: Recipient["kind"]): Promise<Recipient> {
  const identity = kind === "pq" ? generateHybridIdentity() : generateX25519Identity();
  return parseRecipient(await identityToRecipient(await identity));
}

async function cpuSeconds(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000_000;
}

/** The better of three runs, so that a busy machine spoils it less. */
async function bestOf(work: () => unknown): Promise<number> {
  await work();
  const runs = [await cpuSeconds(work), await cpuSeconds(work), await cpuSeconds(work)];
  return Math.min(...runs);
}

async function throughputFigures(recipients: readonly Recipient[]): Promise<Figure[]> {
  const plaintext = randomBytes(BULK_BYTES);
  const encrypter = new Encrypter();
  for (const { text } of recipients) encrypter.addRecipient(text);
  const ours = BULK_BYTES / MEBIBYTE / (await bestOf(() => sealBytes(plaintext, recipients)));
  const theirs = BULK_BYTES / MEBIBYTE / (await bestOf(() => encrypter.encrypt(plaintext)));
  const context = "64 MiB in memory, 2 post-quantum recipients, no hash, no disk, best of 3";
  return [
    { name: "seal.throughput", value: round(ours), unit: "MiB per CPU second", context },
    { name: "rival.age_encryption", value: round(theirs), unit: "MiB per CPU second", context },
    { name: "seal.ratio", value: round(ours / theirs), unit: "times age-encryption", context },
  ];
}

/** Through the file writer, in pieces of the size of an access unit. */
async function fileFigure(
  name: string,
  fileBytes: number,
  folder: string,
  recipients: readonly Recipient[],
): Promise<Figure> {
  const frame = randomBytes(Math.round(SEGMENT_BYTES / FRAMES_PER_SEGMENT));
  const framesPerFile = Math.round(fileBytes / frame.length);
  const count = Math.ceil(BULK_BYTES / fileBytes);
  const finalPath = path.join(folder, "sealed.age");
  const seconds = await bestOf(async () => {
    for (let file = 0; file < count; file++) {
      await using writer = await SealedFileWriter.create(finalPath, recipients);
      for (let written = 0; written < framesPerFile; written++) await writer.write(frame);
      await writer.commit();
    }
  });
  const size = `${Math.round(fileBytes / 1_000_000)} MB`;
  return {
    name,
    value: round((count * frame.length * framesPerFile) / MEBIBYTE / seconds),
    unit: "MiB per CPU second",
    context: `files of ${size}: header, payload, SHA-256, writing and fsync included, best of 3`,
  };
}

function headerFigure(kind: string, recipients: readonly Recipient[]): Figure {
  const count = 100;
  const empty = new Uint8Array(0);
  sealBytes(empty, recipients);
  const before = process.cpuUsage();
  for (let done = 0; done < count; done++) sealBytes(empty, recipients);
  const { user, system } = process.cpuUsage(before);
  return {
    name: `seal.header_ms.${kind}`,
    value: round((user + system) / 1_000 / count),
    unit: "CPU ms",
    context: "file key, 2 stanzas, header MAC and wiping, per file",
  };
}

/** What the kernel counts as sent to the disk by this process (proc(5)). */
function writtenBytes(member: "write_bytes" | "wchar"): number {
  const text = readFileSync("/proc/self/io", "latin1");
  return Number(new RegExp(`^${member}: ([0-9]+)$`, "m").exec(text)?.[1] ?? "0");
}

async function writeFigures(folder: string, recipients: readonly Recipient[]): Promise<Figure[]> {
  const dataDirectory = path.join(folder, "data");
  const clipsDirectory = path.join(dataDirectory, "clips");
  mkdirSync(clipsDirectory, { recursive: true, mode: 0o700 });
  const before = written();
  const { mediaBytes, recorded } = await recordClips(dataDirectory, clipsDirectory, recipients);
  const closed = written();
  // A temporary folder in memory has no disk to count.
  const how = recorded.disk - before.disk > mediaBytes / 2 ? "disk" : "calls";
  const member = { disk: "write_bytes", calls: "wchar" }[how];
  const value = recorded[how] - before[how];
  return [
    {
      name: "store.write_ratio",
      value: Math.round((value / mediaBytes) * 10_000) / 10_000,
      unit: "bytes written per media byte",
      context: `20 clips of 20 s at 4 Mbit/s with rows and ledger, ${member} of /proc/self/io`,
    },
    {
      name: "store.close_bytes",
      value: closed[how] - recorded[how],
      unit: "bytes",
      context:
        "once, when the hub stops: the log of changes goes into the database, is overwritten and cut off",
    },
  ];
}

function written(): { readonly disk: number; readonly calls: number } {
  return { disk: writtenBytes("write_bytes"), calls: writtenBytes("wchar") };
}

async function recordClips(
  dataDirectory: string,
  clipsDirectory: string,
  recipients: readonly Recipient[],
): Promise<{ readonly mediaBytes: number; readonly recorded: ReturnType<typeof written> }> {
  await using database = openDatabase(path.join(dataDirectory, "doorward.db"));
  const ledger = Ledger.open({
    database,
    origin: "doorward/bench",
    publicKey: new Uint8Array(32),
    sign: () => new Uint8Array(64),
  });
  const store = ClipStore.open({
    database,
    clipsDirectory,
    appendEntry: (entry) => ledger.append(entry),
    nowMs: Date.now,
  });
  const pending: Promise<void>[] = [];
  await using recorder = ClipRecorder.create({
    camera: parseCameraId("bench"),
    clipsDirectory,
    readers: () => ({
      recipients,
      keyringHead: parseSha256Hex("0".repeat(64)),
      keyringEpoch: 0,
    }),
    emit: (event: RecorderEvent) => void pending.push(store.apply(event)),
    reportTrouble: ({ message }) => {
      throw new Error(message);
    },
  });
  const next = benchFragments();
  let mediaBytes = 0;
  for (let clip = 0; clip < 20; clip++) {
    recorder.startEvent({ kind: "motion", zone: "", areaShare: 0, score: 1 }, Date.now(), []);
    for (let count = 0; count < 5 * FRAMES_PER_SEGMENT; count++) {
      const fragment = next();
      mediaBytes += fragment.bytes.length;
      recorder.push(fragment);
    }
    recorder.stop();
    await recorder.settled();
    await Promise.all(pending.splice(0));
  }
  return { mediaBytes, recorded: written() };
}

/** 15 access units a second, a key frame every four seconds. */
function benchFragments(): () => Fragment {
  const init: TrackInit = {
    track: "video",
    codec: "avc1.64001f",
    timescale: 90_000,
    width: 1920,
    height: 1080,
    bytes: randomBytes(700),
  };
  const bytes = randomBytes(Math.round(SEGMENT_BYTES / FRAMES_PER_SEGMENT));
  const durationMs = 4_000 / FRAMES_PER_SEGMENT;
  let sequence = 0;
  return () => {
    const at = sequence++;
    return {
      camera: parseCameraId("bench"),
      track: "video",
      sequence: at,
      decodeTimeMs: at * durationMs,
      durationMs,
      keyFrame: at % FRAMES_PER_SEGMENT === 0,
      wallClockMs: Date.now(),
      bytes,
      init,
    };
  };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
