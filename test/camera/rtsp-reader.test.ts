import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BODY_BYTES_MAX, RtspReader, type RtspItem } from "../../src/camera/rtsp-reader.ts";
import { interleaved, rtpPacket } from "./scripted-camera.ts";

type Seen =
  | { kind: "packet"; channel: number; payload: string }
  | { kind: "response"; status: number; body: string }
  | { kind: "request"; method: string };

function collect(): { reader: RtspReader; seen: Seen[] } {
  const seen: Seen[] = [];
  const reader = new RtspReader((item) => seen.push(describeItem(item)));
  return { reader, seen };
}

function describeItem(item: RtspItem): Seen {
  switch (item.kind) {
    case "packet":
      return { ...item, payload: Buffer.from(item.payload).toString("hex") };
    case "response":
      return {
        kind: item.kind,
        status: item.status,
        body: Buffer.from(item.body).toString("latin1"),
      };
    case "request":
      return { kind: item.kind, method: item.method };
  }
}

function packet(sequenceNumber: number, size = 40): Buffer {
  const payload = Buffer.alloc(size, sequenceNumber & 0xff);
  return rtpPacket({ sequenceNumber, timestamp: sequenceNumber, marker: true, payload });
}

const ANSWER = Buffer.from("RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 5\r\n\r\nhello");
const QUESTION = Buffer.from("OPTIONS rtsp://x/y RTSP/1.0\r\nCSeq: 4\r\n\r\n");
const STREAM = Buffer.concat([
  ANSWER,
  interleaved(0, packet(1)),
  interleaved(1, packet(2)),
  QUESTION,
  interleaved(0, packet(3, 1400)),
  Buffer.from("RTSP/1.0 401 Unauthorized\nCSeq: 2\n\n"),
  interleaved(0, packet(4)),
]);

function expected(): Seen[] {
  const { reader, seen } = collect();
  reader.push(STREAM);
  return seen;
}

describe("reading an RTSP connection", () => {
  test("messages and packets come out in order, with bodies and both line ends", () => {
    expect(expected().map((item) => (item.kind === "response" ? item.status : item.kind))).toEqual([
      200,
      ...["packet", "packet", "request", "packet"],
      401,
      "packet",
    ]);
    expect(expected()[0]).toEqual({ kind: "response", status: 200, body: "hello" });
  });

  test("byte by byte gives the same as all at once", () => {
    const { reader, seen } = collect();
    for (const byte of STREAM) reader.push(Uint8Array.of(byte));
    expect(seen).toEqual(expected());
  });

  test("cut anywhere gives the same as all at once", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(STREAM.length), { maxLength: 12 }), (cuts) => {
        const { reader, seen } = collect();
        const places = [0, ...cuts.toSorted((left, right) => left - right), STREAM.length];
        for (const [index, place] of places.entries())
          reader.push(Uint8Array.from(STREAM.subarray(places[index - 1] ?? 0, place)));
        expect(seen).toEqual(expected());
        expect(reader.garbageBytes).toBe(0);
      }),
    );
  });

  test("garbage between packets costs no more than the packets around it", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (garbage) => {
        const { reader, seen } = collect();
        reader.push(interleaved(0, packet(1)));
        reader.push(garbage);
        // Garbage may itself promise up to 64 KiB; after that the stream must be found again.
        for (let number = 2; number < 900; number += 1)
          reader.push(interleaved(0, packet(number, 100)));
        const last = Buffer.from(packet(898, 100)).toString("hex");
        expect(seen[0]).toMatchObject({ kind: "packet", channel: 0 });
        expect(seen.slice(-3).map((item) => item.kind === "packet" && item.payload)).toContain(
          last,
        );
      }),
      { numRuns: 200 },
    );
  });

  test("garbage without any look of a packet loses nothing but itself", () => {
    const { reader, seen } = collect();
    reader.push(interleaved(0, packet(1)));
    reader.push(Buffer.from("\0\0garbage of all sorts\r\n\r\n"));
    for (let number = 2; number < 5; number += 1) reader.push(interleaved(0, packet(number)));
    reader.push(ANSWER);
    expect(seen).toHaveLength(5);
    expect(reader.garbageBytes).toBe(26);
  });

  test("garbage that looks like a packet is not believed, since nothing follows where it ends", () => {
    const { reader, seen } = collect();
    const lookalike = interleaved(0, Buffer.concat([Buffer.from([0x80]), Buffer.alloc(60, 1)]));
    reader.push(Buffer.concat([Buffer.from([0]), lookalike.subarray(0, 30)]));
    for (let number = 2; number < 5; number += 1) reader.push(interleaved(0, packet(number)));
    reader.push(ANSWER);
    const wanted = [2, 3, 4].map((number) => packet(number).toString("hex"));
    expect(seen.flatMap((item) => (item.kind === "packet" ? [item.payload] : []))).toEqual(wanted);
  });

  test("no bytes whatever make it fail in any way but by name", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 30 }), (chunks) => {
        const { reader } = collect();
        try {
          for (const chunk of chunks) reader.push(chunk);
        } catch (error) {
          expect(error).toMatchObject({ name: "CameraError", code: "PROTOCOL_ERROR" });
        }
      }),
    );
  });

  test.each([
    ["an endless header", "RTSP/1.0 200 OK\r\nX: ".padEnd(20_000, "x")],
    ["endless headers", `RTSP/1.0 200 OK\r\n${"A: b\r\n".repeat(200)}\r\n`],
    ["a huge body", `RTSP/1.0 200 OK\r\nContent-Length: ${BODY_BYTES_MAX + 1}\r\n\r\n`],
    ["a length that is no number", "RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n"],
    ["a megabyte of nothing", "\0".repeat(1024 * 1024 + 1)],
  ])("%s is refused", (_name, text) => {
    const { reader } = collect();
    expect(() => reader.push(Buffer.from(text, "latin1"))).toThrow(
      expect.objectContaining({ code: "PROTOCOL_ERROR" }),
    );
  });

  test("a head of the largest size, byte by byte, takes no noticeable time", () => {
    const { reader, seen } = collect();
    const body = "b".repeat(BODY_BYTES_MAX);
    const head = `RTSP/1.0 200 OK\r\nContent-Length: ${body.length}\r\nX: ${"x".repeat(15_000)}\r\n\r\n`;
    const startedMs = performance.now();
    for (const byte of Buffer.from(head + body)) reader.push(Uint8Array.of(byte));
    expect(seen).toHaveLength(1);
    // Generous: looking at everything again for every byte takes minutes.
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });
});
