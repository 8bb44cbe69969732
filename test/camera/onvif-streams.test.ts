import { describe, expect, test } from "vitest";
import { chooseStreams, type Choosable } from "../../src/camera/onvif/choose.ts";
import { placeOf } from "../../src/camera/onvif/media.ts";
import { stripStill } from "../../src/camera/onvif/still.ts";

describe("an announced stream", () => {
  test.each([
    ["rtsp://192.0.2.10/main", "rtsp://192.0.2.10/main", null],
    ["rtsp://192.0.2.10:554/a?b=1", "rtsp://192.0.2.10/a?b=1", null],
    ["rtsp://user:pass@192.0.2.10:8554/a", "rtsp://192.0.2.10:8554/a", null],
    ["rtsp://127.0.0.1:5432/x", "rtsp://192.0.2.10:5432/x", "127.0.0.1"],
    [
      "rtsp://169.254.169.254/latest/meta-data",
      "rtsp://192.0.2.10/latest/meta-data",
      "169.254.169.254",
    ],
    ["rtsp://[::1]/main", "rtsp://192.0.2.10/main", "[::1]"],
    ["rtsp://evil.example/main", "rtsp://192.0.2.10/main", "evil.example"],
    ["RTSP://192.0.2.10@evil.example/main", "rtsp://192.0.2.10/main", "evil.example"],
  ])("for a stream (%s) keeps the host that was typed", (announced, url, otherHost) => {
    expect(placeOf("192.0.2.10", announced)).toEqual({ url, otherHost, problem: null });
  });

  test.each([
    ["file:///etc/passwd", /kind "file"/],
    ["http://192.0.2.10/x", /kind "http"/],
    ["rtsps://192.0.2.10/x", /kind "rtsps"/],
    ["javascript:alert(1)", /kind "javascript"/],
    ["", /no address/],
    ["/main", /kind "none"/],
    ["rtsp://192.0.2.10/a\r\nDESCRIBE rtsp://evil.example/", /cannot be written|no host/],
    ["rtsp://192.0.2.10/a@b", /@/],
    [`rtsp://192.0.2.10/${"a".repeat(2_000)}`, /no address/],
  ])("for a stream (%j) is refused by name", (announced, words) => {
    const { url, problem } = placeOf("192.0.2.10", announced);
    expect(url).toBeNull();
    expect(problem?.message).toMatch(words);
  });
});

describe("the choice of streams", () => {
  const stream = (
    codec: string,
    width: number,
    height: number,
    more: Partial<Choosable> = {},
  ): Choosable => ({
    ...{ codec, width, height, url: "rtsp://192.0.2.10/x", source: "lens" },
    ...more,
  });
  test.each<[string, readonly Choosable[], ReturnType<typeof chooseStreams>]>([
    [
      "H.264 twice",
      [stream("H.264", 640, 360), stream("H.264", 2560, 1920), stream("H.264", 1280, 720)],
      { main: 1, mainReason: "largest-h264", sub: 0, subReason: "nearest-640x360" },
    ],
    [
      "a somewhat larger H.265",
      [stream("H.265", 2560, 1440), stream("H.264", 1920, 1080), stream("H.264", 704, 576)],
      { main: 1, mainReason: "h264-before-larger-h265", sub: 2, subReason: "nearest-640x360" },
    ],
    [
      "a far larger H.265",
      [stream("H.265", 3840, 2160), stream("H.264", 640, 360)],
      { main: 0, mainReason: "h265-much-larger", sub: 1, subReason: "nearest-640x360" },
    ],
    [
      "H.265 only",
      [stream("H.265", 1920, 1080), stream("H.265", 640, 360)],
      { main: 0, mainReason: "h265-only", sub: null, subReason: "no-small-h264" },
    ],
    [
      "two lenses",
      [stream("H.264", 1920, 1080), stream("H.264", 640, 360, { source: "parcels" })],
      { main: 0, mainReason: "largest-h264", sub: null, subReason: "none" },
    ],
    [
      "one that is refused, and JPEG",
      [
        stream("H.264", 4096, 2160, { url: null }),
        stream("H.264", 1280, 720),
        stream("JPEG", 640, 360),
      ],
      { main: 1, mainReason: "largest-h264", sub: null, subReason: "no-small-h264" },
    ],
    [
      "JPEG alone",
      [stream("JPEG", 640, 360)],
      { main: null, mainReason: "none", sub: null, subReason: "none" },
    ],
    ["nothing", [], { main: null, mainReason: "none", sub: null, subReason: "none" }],
  ])("of %s", (_name, streams, expected) => {
    expect(chooseStreams(streams)).toEqual(expected);
  });
});

describe("a still", () => {
  const segment = (marker: number, content: Uint8Array | string): Buffer => {
    const body = Buffer.from(content);
    return Buffer.concat([
      Buffer.from([0xff, marker, (body.length + 2) >> 8, (body.length + 2) & 0xff]),
      body,
    ]);
  };
  const frame = segment(0xc0, Buffer.from([8, 0x02, 0xd0, 0x05, 0x00, 1, 1, 0x11, 0]));
  const scan = Buffer.concat([
    segment(0xda, Buffer.from([1, 1, 0, 0, 63, 0])),
    Buffer.from([0x12, 0xff, 0x00, 0x34, 0xff, 0xd0, 0x56]),
  ]);
  const [start, end] = [Buffer.from([0xff, 0xd8]), Buffer.from([0xff, 0xd9])];
  const tables = segment(0xdb, Buffer.alloc(65, 1));
  const bare = Buffer.concat([start, tables, frame, scan, end]);

  test("keeps its picture and nothing that says where, when or with what", () => {
    const adobe = segment(0xee, Buffer.concat([Buffer.from("Adobe"), Buffer.alloc(7)]));
    const marked = Buffer.concat([
      start,
      segment(0xe0, "JFIF\0 with a thumbnail"),
      segment(0xe1, "Exif\0\0 GPS 48.8606 N 2.3376 E"),
      segment(0xe1, "http://ns.adobe.com/xap/1.0/ place"),
      segment(0xe2, "MPF\0 another picture"),
      adobe,
      segment(0xfe, "a comment with a place"),
      tables,
      frame,
      scan,
      segment(0xed, "Photoshop 3.0"),
      end,
      Buffer.from("and what a maker hides behind the end"),
    ]);
    const stripped = Buffer.from(stripStill(marked));
    expect(stripped).toEqual(Buffer.concat([start, adobe, tables, frame, scan, end]));
    expect(stripped.toString("latin1")).not.toMatch(/GPS|place|maker|thumbnail|another/);
    expect(Buffer.from(stripStill(bare))).toEqual(bare);
  });

  test.each([
    ["a page", Buffer.from("<svg onload=alert(1)>")],
    ["a PNG", Buffer.from("89504e470d0a1a0a", "hex")],
    ["nothing", Buffer.alloc(0)],
    ["a start alone", start],
    ["a start and an end", Buffer.concat([start, end])],
    ["no end", bare.subarray(0, -2)],
    ["a segment longer than all", Buffer.concat([start, Buffer.from([0xff, 0xdb, 0xff, 0xff, 0])])],
    ["a size of nought", Buffer.concat([start, segment(0xc0, Buffer.alloc(9)), scan, end])],
    [
      "65,535 pixels a side",
      Buffer.concat([start, segment(0xc0, Buffer.alloc(9, 0xff)), scan, end]),
    ],
    ["bytes between segments", Buffer.concat([start, tables, Buffer.from([1, 2]), frame, end])],
  ])("that is %s is refused by name", (_name, bytes) => {
    expect(() => stripStill(bytes)).toThrow(/Cannot show the camera's still/);
  });
});
