import type { HostileCase } from "../support/hostile-rtsp.ts";
import { sequenceSet } from "./h264-bits.ts";
import {
  interleaved,
  PICTURE_SET,
  pictures,
  rtpPacket,
  SEQUENCE_SET,
  slice,
  VIDEO_SDP,
} from "./scripted-camera.ts";

const TICKS = 3_600;
const GROUP = 15;
/** No parameter sets in the description: they have to come with the pictures. */
const BARE_SDP = VIDEO_SDP.replace(/;sprop-parameter-sets=[^\r]*/, "");

/** One packet of picture n. */
function packet(n: number, payload: Uint8Array, sequenceNumber = n, timestamp = n * TICKS): Buffer {
  return rtpPacket({ sequenceNumber, timestamp, marker: true, payload });
}

function picture(n: number, size = 200): Buffer {
  return slice(n % GROUP === 0 ? "key" : "other", size);
}

function aggregate(...units: readonly Uint8Array[]): Buffer {
  const parts = units.flatMap((unit) => [
    Buffer.from([unit.length >> 8, unit.length & 0xff]),
    Buffer.from(unit),
  ]);
  return Buffer.concat([Buffer.from([24]), ...parts]);
}

/** A picture whose key frames bring these parameter sets with them. */
function withSets(n: number, ...sets: readonly Uint8Array[]): Buffer {
  const payload = n % GROUP === 0 ? aggregate(...sets, picture(n)) : picture(n);
  return interleaved(0, packet(n, payload));
}

function report(seconds: number, timestamp: number, source = 7): Buffer {
  const bytes = Buffer.alloc(28);
  bytes.set([0x80, 200, 0, 6]);
  bytes.writeUInt32BE(source, 4);
  bytes.writeUInt32BE(seconds >>> 0, 8);
  bytes.writeUInt32BE(timestamp >>> 0, 16);
  return interleaved(1, bytes);
}

const GOOD_BYE = interleaved(1, Buffer.from([0x81, 203, 0, 1, 0, 0, 0, 7]));
const NOW_NTP_SECONDS = Math.floor(Date.now() / 1000) + 2_208_988_800;

function sends(
  name: string,
  becomes: HostileCase["becomes"],
  give: (n: number) => readonly Uint8Array[],
  sdp = VIDEO_SDP,
): HostileCase {
  return { name, becomes, pictures: give, sdp: () => sdp };
}

/** Header of RTP changed after it was written. */
function patched(n: number, change: (bytes: Buffer) => Buffer): readonly Uint8Array[] {
  return [interleaved(0, change(packet(n, picture(n))))];
}

/** Swaps every two packets. */
function swapped(n: number): readonly Uint8Array[] {
  if (n % 2 === 0) return [];
  return [n, n - 1].map((number) => interleaved(0, packet(number, picture(number))));
}

export const MEDIA_CASES: readonly HostileCase[] = [
  sends("RTP of version 1", "SILENT", (n) =>
    patched(n, (bytes) => {
      bytes[0] = 0x40;
      return bytes;
    }),
  ),
  sends("padding that is longer than its packet", "SILENT", (n) =>
    patched(n, (bytes) => {
      bytes[0] = 0xa0;
      bytes[bytes.length - 1] = 255;
      return bytes;
    }),
  ),
  sends("sources, an extension and padding in every packet", "streaming", (n) =>
    patched(n, (bytes) => {
      const extension = Buffer.from([0xbe, 0xde, 0, 1, 9, 9, 9, 9]);
      const head = Buffer.concat([bytes.subarray(0, 12), Buffer.alloc(8), extension]);
      head[0] = 0xb2;
      return Buffer.concat([head, bytes.subarray(12), Buffer.from([0, 0, 3])]);
    }),
  ),
  sends("empty packets and NAL units of no bytes", "streaming", (n) => [
    interleaved(0, packet(2 * n, aggregate(new Uint8Array(), picture(n)), 2 * n, n * TICKS)),
    interleaved(0, packet(n, new Uint8Array(), 2 * n + 1, n * TICKS)),
  ]),
  sends("aggregates that lie about their lengths", "SILENT", (n) => [
    interleaved(0, packet(n, Buffer.concat([Buffer.from([24, 0xff, 0xff]), picture(n)]))),
  ]),
  sends("aggregates of the interleaved mode", "SILENT", (n) => [
    interleaved(0, packet(n, Buffer.concat([Buffer.from([25, 0, n & 255]), picture(n)]))),
  ]),
  sends("fragments without a start", "SILENT", (n) => [
    interleaved(0, packet(n, Buffer.concat([Buffer.from([0x7c, 0x45]), picture(n)]))),
  ]),
  sends("fragments that are start and end at once", "streaming", (n) => [
    interleaved(
      0,
      packet(
        n,
        Buffer.concat([
          Buffer.from([0x7c, 0xc0 | (n % GROUP === 0 ? 5 : 1)]),
          picture(n).subarray(1),
        ]),
      ),
    ),
  ]),
  sends("no key frame ever", "SILENT", (n) => [
    interleaved(0, packet(n, slice("other", 200), n, n * TICKS)),
  ]),
  sends("pictures on a channel that was not agreed", "SILENT", (n) => [
    interleaved(4, packet(n, picture(n))),
  ]),
  sends("another payload type than announced", "SILENT", (n) =>
    patched(n, (bytes) => {
      bytes[1] = 0x80 | 97;
      return bytes;
    }),
  ),
  sends("garbage between packets", "streaming", (n) => [
    ...(n % 3 === 0 ? [Buffer.from(`\0\x01 debug: picture ${n} sent\n`)] : []),
    ...pictures(1, n),
  ]),
  sends("bytes too few or too many inside every 40th packet", "streaming", (n) => {
    const whole = interleaved(0, packet(n, picture(n)));
    if (n % 40 === 20) return [Buffer.concat([whole.subarray(0, 60), whole.subarray(91)])];
    if (n % 40 !== 30) return [whole];
    return [Buffer.concat([whole.subarray(0, 90), Buffer.alloc(77, 0x24), whole.subarray(90)])];
  }),
  sends("every packet twice", "streaming", (n) => [...pictures(1, n), ...pictures(1, n)]),
  sends("every two packets swapped", "streaming", swapped),
  sends("numbers and times that run over", "streaming", (n) => [
    interleaved(0, packet(n, picture(n), 65_530 + n, 2 ** 32 - 30_000 + n * TICKS)),
  ]),
  sends("one change of source", "streaming", (n) => [
    interleaved(
      0,
      rtpPacket({
        sequenceNumber: n < 20 ? n : n + 40_000,
        timestamp: n < 20 ? n * TICKS : n * TICKS + 2 ** 31,
        marker: true,
        payload: picture(n),
        source: n < 20 ? 7 : 8,
      }),
    ),
  ]),
  sends("another source with every packet", "SILENT", (n) => [
    interleaved(
      0,
      rtpPacket({
        ...{ sequenceNumber: n, timestamp: n * TICKS, marker: true },
        payload: picture(n),
        source: n,
      }),
    ),
  ]),
  sends("no markers", "streaming", (n) => [
    interleaved(
      0,
      rtpPacket({ sequenceNumber: n, timestamp: n * TICKS, marker: false, payload: picture(n) }),
    ),
  ]),
  sends("times that leap", "streaming", (n) => [
    interleaved(0, packet(n, picture(n), n, (n * 2_654_435_761) % 2 ** 32)),
  ]),
  sends("times that stand still", "streaming", (n) => [
    interleaved(0, packet(n, picture(n), n, 5)),
  ]),
  sends("times that run backward", "streaming", (n) => [
    interleaved(0, packet(n, picture(n), n, 2 ** 31 - n * TICKS)),
  ]),
  sends("sender reports of 1970, of 2036, of other sources, and good-byes", "streaming", (n) => [
    report([2_208_988_800, 5, NOW_NTP_SECONDS + (n % 7) * 3_600, 0][n % 4] ?? 0, n * TICKS, n % 3),
    GOOD_BYE,
    interleaved(1, Buffer.from([0x80, 200, 0xff, 0xff, 1, 2, 3, 4])),
    ...pictures(1, n),
  ]),
  sends(
    "parameter sets that are not base64, and good ones with the pictures",
    "streaming",
    (n) => [withSets(n, SEQUENCE_SET, PICTURE_SET)],
    `${BARE_SDP}`.replace("packetization-mode=1", "sprop-parameter-sets=***,!!!,%%%"),
  ),
  sends("another resolution with every key frame", "streaming", (n) => [
    withSets(n, sequenceSet({ width: n % 2 === 0 ? 640 : 1280, height: 352 }), PICTURE_SET),
  ]),
  sends("no parameter sets at all", "SILENT", (n) => pictures(1, n), BARE_SDP),
  sends(
    "pictures of 65,535 x 65,535",
    "PROTOCOL_ERROR",
    (n) => [withSets(n, sequenceSet({ width: 65_535, height: 65_535 }), PICTURE_SET)],
    BARE_SDP,
  ),
  sends(
    "4,294,967,295 pictures a second, it says",
    "streaming",
    (n) => {
      const timing = { unitsInTick: 1, timeScale: 2 ** 32 - 1 };
      return [withSets(n, sequenceSet({ width: 640, height: 352, timing }), PICTURE_SET)];
    },
    BARE_SDP,
  ),
  sends(
    "a parameter set of ones and one of zeros",
    "PROTOCOL_ERROR",
    (n) => [withSets(n, Buffer.alloc(4_000, 0x67), PICTURE_SET)],
    BARE_SDP,
  ),
  sends(
    "a hundred parameter sets",
    "PROTOCOL_ERROR",
    (n) => {
      const set = sequenceSet({ width: 640, height: 352, id: n });
      return [interleaved(0, packet(n, aggregate(set, PICTURE_SET, slice("key", 200))))];
    },
    BARE_SDP,
  ),
];

/** Pieces of a picture that never ends: 60,000 bytes each. */
function endlessFragment(n: number): Buffer {
  const head = Buffer.from([0x7c, n === 0 ? 0x85 : 0x05, 0x88]);
  return interleaved(0, packet(n, Buffer.concat([head, Buffer.alloc(60_000, 1)]), n, 0));
}

const FLOOD_BYTES = 80 * 1024 * 1024;
const JUNK = Buffer.alloc(60_000, 0x80);

/** More than memory may grow by is offered, so that a reader without limits would show. */
export const FLOOD_CASES: readonly HostileCase[] = [
  {
    name: "a picture without end",
    becomes: "SILENT",
    offersBytes: FLOOD_BYTES,
    flood: endlessFragment,
  },
  {
    name: "packets of a channel that nobody asked for, without end",
    becomes: "SILENT",
    offersBytes: FLOOD_BYTES,
    flood: () => interleaved(9, JUNK),
  },
  {
    name: "garbage without end",
    becomes: "PROTOCOL_ERROR",
    flood: () => Buffer.alloc(60_000),
  },
  {
    name: "the sign that begins a packet, without end",
    becomes: "SILENT",
    offersBytes: FLOOD_BYTES / 4,
    flood: () => Buffer.alloc(60_000, 0x24),
  },
  {
    name: "questions without end, whose answers it does not read",
    becomes: "SILENT or PROTOCOL_ERROR",
    flood: () => Buffer.from("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n".repeat(2_000)),
    answer: (request) =>
      request.method === "PLAY" ? (request.socket.pause(), undefined) : undefined,
  },
];

/** What cannot be told from a good camera by anything but its amount. */
export const AMOUNT_CASES: readonly HostileCase[] = [
  {
    name: "whole pictures of 120 KB as fast as they are read",
    becomes: "streaming",
    offersBytes: FLOOD_BYTES,
    flood: (n) => {
      const second = slice(n % GROUP === 0 ? "key" : "other", 60_000, false);
      const at = { sequenceNumber: 2 * n, timestamp: n * TICKS, marker: false };
      const first = rtpPacket({ ...at, payload: picture(n, 60_000) });
      return Buffer.concat([interleaved(0, first), interleaved(0, packet(n, second, 2 * n + 1))]);
    },
  },
];

/** As many as there are numbers, so that they can be sent again and again. */
const TINY = Array.from({ length: 64 }, (_, part) =>
  Buffer.concat(
    Array.from({ length: 1_024 }, (__, index) => {
      const n = part * 1_024 + index;
      return interleaved(0, packet(n, picture(n, 20)));
    }),
  ),
);

export const TINY_CASES: readonly HostileCase[] = [
  {
    name: "65,536 pictures of 20 bytes after one another, as fast as they are read",
    becomes: "PROTOCOL_ERROR",
    flood: (n) => TINY[n % TINY.length] ?? JUNK,
  },
];
