import { describe, expect, test } from "vitest";
import { createAacDepacketiser, readAacFormat } from "../../src/camera/aac-depacketiser.ts";
import { parseRtp } from "../../src/camera/rtp.ts";
import { parseSdp, type SdpMedia } from "../../src/camera/sdp.ts";
import { rtpPacket } from "./scripted-camera.ts";

function media(rtpmap: string, fmtp: string): SdpMedia {
  const text = `v=0\r\nm=audio 0 RTP/AVP 97\r\na=rtpmap:97 ${rtpmap}\r\na=fmtp:97 ${fmtp}\r\n`;
  const [found] = parseSdp(Buffer.from(text)).media;
  if (found === undefined) throw new Error("no media");
  return found;
}

const HBR = "mode=AAC-hbr; sizelength=13; indexlength=3; indexdeltalength=3; config=";
const STEREO_48K = media("mpeg4-generic/48000/2", `${HBR}1190`);

function payload(units: readonly Uint8Array[], sizes = units.map((unit) => unit.length)): Buffer {
  const headers = Buffer.alloc(2 + sizes.length * 2);
  headers.writeUInt16BE(sizes.length * 16, 0);
  for (const [index, size] of sizes.entries()) headers.writeUInt16BE(size << 3, 2 + index * 2);
  return Buffer.concat([headers, ...units]);
}

function run(sent: readonly { payload: Uint8Array; timestamp: number; skip?: number }[]) {
  const seen: { timestamp: number; sample: string; lostBefore: number }[] = [];
  const depacketiser = createAacDepacketiser(readAacFormat(STEREO_48K), (unit) =>
    seen.push({ ...unit, sample: Buffer.from(unit.sample).toString() }),
  );
  let sequenceNumber = 0;
  for (const { payload: bytes, timestamp, skip = 0 } of sent) {
    sequenceNumber += 1 + skip;
    const packet = parseRtp(rtpPacket({ sequenceNumber, timestamp, marker: true, payload: bytes }));
    if (packet !== null) depacketiser.push(packet);
  }
  return seen;
}

const text = (value: string): Uint8Array => new Uint8Array(Buffer.from(value));

describe("putting AAC sound together", () => {
  test("rate, channels and codec come from the configuration", () => {
    expect(readAacFormat(STEREO_48K)).toMatchObject({
      codec: "mp4a.40.2",
      sampleRate: 48_000,
      channels: 2,
      samplesPerUnit: 1024,
    });
    expect(readAacFormat(media("MPEG4-GENERIC/16000", `${HBR}1408`))).toMatchObject({
      sampleRate: 16_000,
      channels: 1,
    });
  });

  test.each([
    ["PCMU", media("PCMU/8000", "")],
    ["MPEG4-GENERIC aac-lbr", media("mpeg4-generic/8000", "mode=AAC-lbr; config=1588")],
    ["object type 5", media("mpeg4-generic/48000", `${HBR}2b098800`)],
  ])("%s is named as unsupported", (codec, found) => {
    expect(() => readAacFormat(found)).toThrow(
      expect.objectContaining({
        code: "UNSUPPORTED_CODEC",
        message: expect.stringContaining(codec),
      }),
    );
  });

  test("several units in a packet follow one another", () => {
    expect(run([{ payload: payload([text("one"), text("two")]), timestamp: 5_000 }])).toEqual([
      { timestamp: 5_000, sample: "one", lostBefore: 0 },
      { timestamp: 6_024, sample: "two", lostBefore: 0 },
    ]);
  });

  test("one unit over several packets is joined", () => {
    const seen = run([
      { payload: payload([text("abc")], [7]), timestamp: 1 },
      { payload: payload([text("defg")], [7]), timestamp: 1 },
      { payload: payload([text("next")]), timestamp: 1_025 },
    ]);
    expect(seen.map((unit) => unit.sample)).toEqual(["abcdefg", "next"]);
  });

  test("a loss costs the unit it hit, and is counted", () => {
    const seen = run([
      { payload: payload([text("abc")], [7]), timestamp: 1 },
      { payload: payload([text("defg")], [7]), timestamp: 1, skip: 1 },
      { payload: payload([text("next")]), timestamp: 1_025 },
    ]);
    expect(seen.map((unit) => unit.sample)).toEqual(["next"]);
    expect(seen[0]?.lostBefore).toBeGreaterThan(0);
  });

  test("headers that promise more than there is are dropped", () => {
    for (const bytes of [[], [0], [0, 16], [0, 15, 0, 8], [255, 255, 1, 2], [0, 16, 0, 0]])
      expect(run([{ payload: Uint8Array.from(bytes), timestamp: 1 }])).toEqual([]);
  });
});
