import { open, readdir, readFile, readlink, stat } from "node:fs/promises";
import path from "node:path";
import { plaintextIn } from "../../src/cli/plaintext-scan.ts";
import {
  deriveHeaderKey,
  derivePayloadKey,
  PAYLOAD_NONCE_BYTES,
} from "../../src/clips/file-key.ts";
import { openFileKey } from "../../src/owner/release.ts";
import { AGE_HEADER_MAX_BYTES, requireAgeHeader } from "../../src/protocol/age-header.ts";

/** What can be seen of running processes and their disks from outside (Linux, proc(5)). */

export interface FileKeys {
  readonly fileKey: Uint8Array;
  readonly headerKey: Uint8Array;
  readonly payloadKey: Uint8Array;
}

/** The keys of a sealed file, whole or not, as its reader works them out of the header. */
export async function keysOf(file: string, identities: readonly string[]): Promise<FileKeys> {
  await using handle = await open(file, "r");
  const start = new Uint8Array(AGE_HEADER_MAX_BYTES);
  const { bytesRead } = await handle.read(start, 0, start.length, 0);
  const { headerBytes, payloadOffset } = requireAgeHeader(start.subarray(0, bytesRead));
  const fileKey = await openFileKey(headerBytes, identities);
  const nonce = start.slice(payloadOffset, payloadOffset + PAYLOAD_NONCE_BYTES);
  return {
    fileKey,
    headerKey: deriveHeaderKey(fileKey),
    payloadKey: derivePayloadKey(fileKey, nonce),
  };
}

/** Every file below a folder. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .toSorted();
}

/** Plain files that a process has open, deleted ones too, as paths that read them. */
export async function openFiles(pid: number): Promise<{ path: string; name: string }[]> {
  const found: { path: string; name: string }[] = [];
  for (const name of await namesIn(`/proc/${pid}/fd`)) {
    const descriptor = `/proc/${pid}/fd/${name}`;
    const status = await stat(descriptor).catch(() => null);
    if (status?.isFile() !== true) continue;
    found.push({ path: descriptor, name: await readlink(descriptor).catch(() => "") });
  }
  return found;
}

async function namesIn(folder: string): Promise<string[]> {
  // A process may end while it is looked at.
  return readdir(folder).catch(() => []);
}

export interface TcpConnection {
  readonly localPort: number;
  readonly remotePort: number;
  readonly isListening: boolean;
  /** 0 where no process has it open any more, as in TIME_WAIT. */
  readonly inode: number;
}

/** All of the machine's TCP connections, those that ended in the last minute included. */
async function tcpConnections(): Promise<TcpConnection[]> {
  const tables = await Promise.all(
    ["tcp", "tcp6"].map((name) => readFile(`/proc/net/${name}`, "utf8").catch(() => "")),
  );
  return tables.flatMap((table) =>
    table
      .split("\n")
      .slice(1)
      .flatMap((line) => {
        const [, local = "", remote = "", state = "", , , , , , inode] = line.trim().split(/\s+/);
        if (inode === undefined) return [];
        const port = (address: string): number => parseInt(address.split(":")[1] ?? "0", 16);
        return [
          {
            localPort: port(local),
            remotePort: port(remote),
            isListening: state === "0A",
            inode: Number(inode),
          },
        ];
      }),
  );
}

/** Connections that anybody has, or had in the last minute, with a server of this machine. */
export async function connectionsTo(port: number): Promise<number> {
  return (await tcpConnections()).filter(
    (one) => !one.isListening && (one.localPort === port || one.remotePort === port),
  ).length;
}

/** TCP connections that a process has open. */
export async function connectionsOf(pid: number): Promise<TcpConnection[]> {
  const inodes = new Set<number>();
  for (const name of await namesIn(`/proc/${pid}/fd`)) {
    const link = await readlink(`/proc/${pid}/fd/${name}`).catch(() => "");
    const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1];
    if (inode !== undefined) inodes.add(Number(inode));
  }
  return (await tcpConnections()).filter(({ inode }) => inodes.has(inode));
}

/** A field of `/proc/PID/status`; empty where the process is gone. */
export async function statusField(pid: number, field: string): Promise<string> {
  const text = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return new RegExp(`^${field}:\\s*(.*)$`, "m").exec(text)?.[1] ?? "";
}

export async function environmentOf(pid: number): Promise<string> {
  return readFile(`/proc/${pid}/environ`, "latin1").catch(() => "");
}

export async function namespaceOf(pid: number, kind: "net" | "mnt" | "pid"): Promise<string> {
  return readlink(`/proc/${pid}/ns/${kind}`);
}

const WINDOW_BYTES = 24;
const WINDOW_EVERY_BYTES = 1_024;
/** A coded picture in which nothing happens is the same few bytes again and again. */
const SLICE_MIN_BYTES = 64;

export interface FootageScan {
  /** Null, or what of the footage is in these bytes. */
  find(bytes: Buffer): string | null;
  /** Windows of the camera's bitstream that are looked for. */
  readonly windows: number;
}

/** Looks for windows of known coded pictures, and for the beginnings of video and picture files. */
export function footageScan(slices: readonly Buffer[]): FootageScan {
  const byStart = new Map<number, Buffer[]>();
  const firstTwo = new Uint8Array(1 << 16);
  let windows = 0;
  for (const slice of slices) {
    if (slice.length < SLICE_MIN_BYTES) continue;
    // From behind the slice header on, which many pictures share.
    for (let at = 16; at + WINDOW_BYTES <= slice.length; at += WINDOW_EVERY_BYTES) {
      const window = slice.subarray(at, at + WINDOW_BYTES);
      const start = window.readUInt32LE(0);
      firstTwo[window.readUInt16LE(0)] = 1;
      byStart.set(start, [...(byStart.get(start) ?? []), window]);
      windows += 1;
    }
  }
  return {
    windows,
    find: (bytes) => {
      for (let at = 0; at + WINDOW_BYTES <= bytes.length; at += 1) {
        if (firstTwo[(bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)] !== 1) continue;
        for (const window of byStart.get(bytes.readUInt32LE(at)) ?? [])
          if (window.equals(bytes.subarray(at, at + WINDOW_BYTES)))
            return `coded pictures at byte ${at}`;
      }
      return plaintextIn(bytes);
    },
  };
}

/** Footage in the clear in any of these folders, or in a file that any of these processes has open. */
export async function footageOnDisk(
  scan: FootageScan,
  folders: readonly string[],
  pids: readonly number[],
): Promise<{ readonly found: string[]; readonly files: number; readonly bytes: number }> {
  const places: { path: string; name: string }[] = [];
  for (const folder of folders)
    for (const file of await filesBelow(folder)) places.push({ path: file, name: file });
  for (const pid of pids) places.push(...(await openFiles(pid)));
  const found: string[] = [];
  let bytes = 0;
  for (const place of places) {
    // A running hub renames what it has finished; it is found under its other name the next time.
    const content = await readFile(place.path).catch(() => null);
    if (content === null) continue;
    bytes += content.length;
    const what = scan.find(content);
    if (what !== null) found.push(`${place.name}: ${what}`);
  }
  return { found, files: places.length, bytes };
}
