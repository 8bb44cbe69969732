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

  test("bytes missing, or too many, inside a packet cost that packet and a few after it", () => {
    const damage = fc.record({
      at: fc.integer({ min: 1, max: 1_300 }),
      cut: fc.nat(400),
      insert: fc.uint8Array({ maxLength: 400 }),
    });
    fc.assert(
      fc.property(damage, fc.nat(2 ** 31), ({ at, cut, insert }, seed) => {
        const { reader, seen } = collect();
        // Pictures look like noise: every byte may be the sign that begins a packet.
        const noisy = (number: number): Buffer => {
          const payload = Buffer.alloc(1_300);
          let state = seed + number;
          for (let index = 0; index < payload.length; index += 1) {
            state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
            payload[index] = state >>> 24;
          }
          return rtpPacket({ sequenceNumber: number, timestamp: 1, marker: false, payload });
        };
        for (let number = 0; number < 5; number += 1) reader.push(interleaved(0, noisy(number)));
        const hit = interleaved(0, noisy(5));
        const damaged = [hit.subarray(0, at), insert, hit.subarray(at + cut)];
        reader.push(Buffer.concat(damaged));
        for (let number = 6; number < 200; number += 1) reader.push(interleaved(0, noisy(number)));
        const whole = new Set(seen.map((item) => item.kind === "packet" && item.payload));
        let missing = 0;
        for (let number = 0; number < 198; number += 1)
          if (!whole.has(noisy(number).toString("hex"))) missing += 1;
        // One look-alike may promise 64 KiB, which is 49 of these.
        expect(missing).toBeLessThan(60);
        expect(whole.has(noisy(197).toString("hex"))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test("letters by chance in the middle of pictures are no endless message", () => {
    const { reader, seen } = collect();
    reader.push(interleaved(0, packet(1)));
    reader.push(Buffer.concat([Buffer.from([0]), Buffer.from("GET "), Buffer.alloc(20_000, 0x7a)]));
    reader.push(Buffer.concat([Buffer.from("PUT "), Buffer.alloc(100, 1)]));
    for (let number = 2; number < 5; number += 1) reader.push(interleaved(0, packet(number)));
    reader.push(ANSWER);
    expect(seen.map(({ kind }) => kind)).toEqual([...Array(4).fill("packet"), "response"]);
  });

  test("line ends too many between messages and packets disturb nothing", () => {
    const { reader, seen } = collect();
    reader.push(Buffer.from("\r\n\r\n"));
    reader.push(ANSWER);
    reader.push(Buffer.from("\r\n"));
    reader.push(interleaved(0, packet(1)));
    reader.push(Buffer.from("\n"));
    // Nothing follows it, and it is handed on all the same: the place in the stream is known.
    reader.push(interleaved(0, packet(2)));
    expect(seen.map(({ kind }) => kind)).toEqual(["response", "packet", "packet"]);
  });

  test("packets that are not RTP, of a maker's own track, are passed by whole", () => {
    const { reader, seen } = collect();
    reader.push(interleaved(0, packet(1)));
    const lookalikes = Buffer.concat(Array.from({ length: 9 }, () => interleaved(0, packet(99))));
    reader.push(interleaved(0, Buffer.concat([Buffer.from([0x12]), lookalikes])));
    reader.push(interleaved(0, Buffer.alloc(0)));
    reader.push(interleaved(0, packet(2)));
    const sizes = seen.map((item) => item.kind === "packet" && item.payload.length / 2);
    expect(sizes).toEqual([52, 1 + lookalikes.length, 0, 52]);
    expect(reader.garbageBytes).toBe(0);
  });

  test("a header may go on in the next line", () => {
    const headers: unknown[] = [];
    const reader = new RtspReader((item) => item.kind === "response" && headers.push(item.headers));
    const folded = 'WWW-Authenticate: Digest realm="a",\r\n\tnonce="b"\r\n';
    reader.push(Buffer.from(`RTSP/1.0 401 No\r\nA: 1\r\n${folded}a:2\r\n\r\n`));
    expect(headers).toEqual([
      new Map([
        ["a", ["1", "2"]],
        ["www-authenticate", ['Digest realm="a", nonce="b"']],
      ]),
    ]);
  });

  test.each([
    ["a web server", "HTTP", Buffer.from("HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n")],
    ["a TLS port", "TLS", Buffer.from([0x15, 3, 3, 0, 2, 2, 40])],
  ])("%s is told by name", (_name, word, bytes) => {
    const { reader } = collect();
    expect(() => reader.push(bytes)).toThrow(
      expect.objectContaining({ code: "PROTOCOL_ERROR", message: expect.stringContaining(word) }),
    );
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
