import { getEventListeners, once } from "node:events";
import { createServer, Socket, type AddressInfo } from "node:net";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { readAmf, writeAmf } from "../../src/camera/amf.ts";
import {
  RtmpChunkReader,
  writeRtmpMessage,
  type RtmpMessage,
} from "../../src/camera/rtmp-chunks.ts";
import { parseRtmpUrl, RtmpClient } from "../../src/camera/rtmp-client.ts";
import { startTrap } from "../support/input-peers.ts";

const HANDSHAKE_BYTES = 1_536;

function messagesOf(
  chunks: Iterable<Uint8Array>,
): (Omit<RtmpMessage, "payload"> & { payload: Buffer })[] {
  const messages: (Omit<RtmpMessage, "payload"> & { payload: Buffer })[] = [];
  const reader = new RtmpChunkReader(({ payload, ...message }) =>
    messages.push({ ...message, payload: Buffer.from(payload) }),
  );
  for (const chunk of chunks) reader.push(chunk);
  return messages;
}

const COMMAND = { chunkStream: 3, type: 20, streamId: 0 };

function command(...values: Parameters<typeof writeAmf>[0][number][]): Buffer {
  return writeRtmpMessage({ ...COMMAND, payload: writeAmf(values) });
}

/** A server that shakes hands and then says what it is told, whatever it is asked. */
async function startServer(says: (received: string) => Buffer | null) {
  const sockets: Socket[] = [];
  let heard = "";
  const server = createServer((socket) => {
    sockets.push(socket);
    let received = Buffer.alloc(0);
    let isReady = false;
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      received = Buffer.concat([received, bytes]);
      heard += bytes.toString("latin1");
      if (!isReady && received.length >= 1 + HANDSHAKE_BYTES) {
        isReady = true;
        socket.write(Buffer.concat([Buffer.from([3]), Buffer.alloc(2 * HANDSHAKE_BYTES)]));
      }
      const answer = isReady ? says(bytes.toString("latin1")) : null;
      if (answer !== null) socket.write(answer);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    heard: () => heard,
    send: (bytes: Buffer) => void sockets.at(-1)?.write(bytes),
    gone: () =>
      Promise.all(sockets.filter(({ closed }) => !closed).map((socket) => once(socket, "close"))),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const PING = writeRtmpMessage({
  ...{ chunkStream: 2, type: 4, streamId: 0 },
  payload: Uint8Array.of(0, 6, 0, 0, 0, 1),
});

const UNPUBLISHED = command("onStatus", 0, null, {
  ...{ level: "status", code: "NetStream.Play.UnpublishNotify" },
});

function answers(text: string): Buffer | null {
  if (text.includes("connect")) return command("_result", 1, null, null);
  return text.includes("createStream") ? command("_result", 2, null, 1) : null;
}

function play(
  port: number,
  {
    signal = new AbortController().signal,
    onFlv = () => undefined,
  }: { signal?: AbortSignal; onFlv?: (bytes: Uint8Array) => void } = {},
): Promise<RtmpClient> {
  return RtmpClient.open({
    address: { host: "127.0.0.1", port, application: "live", stream: "door" },
    timeoutMs: 5_000,
    ...{ signal, onFlv },
  });
}

async function failure(port: number): Promise<{ code: string; message: string }> {
  const flv: Uint8Array[] = [];
  try {
    await using client = await RtmpClient.open({
      address: { host: "127.0.0.1", port, application: "live", stream: "door?password=secret" },
      timeoutMs: 400,
      signal: new AbortController().signal,
      onFlv: (bytes) => flv.push(bytes),
    });
    const { code, message } = await client.ended;
    return { code, message };
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return { code, message };
  }
}

describe("an address of RTMP", () => {
  test("is taken apart, and anything else is none", () => {
    expect(parseRtmpUrl("rtmp://192.0.2.13/bcs/channel0_main.bcs?channel=0")).toEqual({
      ...{ host: "192.0.2.13", port: 1935, application: "bcs" },
      stream: "channel0_main.bcs?channel=0",
    });
    for (const text of [
      "rtmp://host/only",
      "rtmps://host/a/b",
      "rtmp://u:p@host/a/b",
      "rtmp:///a/b",
    ])
      expect(parseRtmpUrl(text)).toBeNull();
  });
});

describe("what an RTMP server may do", () => {
  const rejected = (code: string, description: string): Buffer =>
    command("_error", 1, null, { level: "error", code, description });
  const playing = (text: string, then: Buffer): Buffer | null => {
    if (text.includes("connect")) return command("_result", 1, null, null);
    if (text.includes("createStream")) return command("_result", 2, null, 1);
    return text.includes("play") ? then : null;
  };
  const status = (code: string): Buffer => command("onStatus", 0, null, { level: "error", code });
  test.each<[string, string, (text: string, trapPort: number) => Buffer | null]>([
    [
      "refuses the application",
      "NO_SUCH_STREAM",
      () => rejected("NetConnection.Connect.Rejected", "no app"),
    ],
    [
      "wants a log-in of its own kind",
      "WRONG_PASSWORD",
      () => rejected("NetConnection.Connect.Rejected", "code=403 need auth; authmod=adobe"),
    ],
    [
      "sends to another host",
      "REDIRECT_REFUSED",
      (_, trap) =>
        command("_error", 1, null, {
          ...{ level: "error", code: "NetConnection.Connect.Rejected", description: "redirect" },
          ex: { code: 302, redirect: `rtmp://127.0.0.1:${trap}/live` },
        }),
    ],
    [
      "has no such stream",
      "NO_SUCH_STREAM",
      (text) => playing(text, status("NetStream.Play.StreamNotFound")),
    ],
    [
      "ends the stream",
      "UNREACHABLE",
      (text) => playing(text, status("NetStream.Play.UnpublishNotify")),
    ],
    ["says nothing", "SILENT", () => null],
    [
      "announces a message of 16 MiB",
      "PROTOCOL_ERROR",
      () => Buffer.from("03000000ffffff0901000000", "hex"),
    ],
    [
      "opens a chunk stream in the middle",
      "PROTOCOL_ERROR",
      () => Buffer.from("c5ffffffff", "hex"),
    ],
    [
      "nests its answer without end",
      "PROTOCOL_ERROR",
      () =>
        writeRtmpMessage({
          chunkStream: 3,
          type: 20,
          streamId: 0,
          payload: Buffer.from("030001 61".replaceAll(" ", "").repeat(40), "hex"),
        }),
    ],
    [
      "breaks its answer off in the middle of a list",
      "PROTOCOL_ERROR",
      () => writeRtmpMessage({ ...COMMAND, payload: Uint8Array.of(3, 0, 0) }),
    ],
  ])("%s: %s", async (_name, code, says) => {
    await using trap = await startTrap();
    await using server = await startServer((text) => says(text, trap.port));
    const failed = await failure(server.port);
    expect(failed.code).toBe(code);
    expect(failed.message).not.toContain("secret");
    expect(trap.connections()).toBe(0);
  });

  test("what nobody foresaw ends its own connection, and not the process", async () => {
    await using server = await startServer(answers);
    const opening = play(server.port, {
      onFlv: () => {
        throw new RangeError("Out of bounds");
      },
    });
    await expect(opening).rejects.toMatchObject({
      code: "PROTOCOL_ERROR",
      message: "Cannot play RTMP stream: it cannot be read",
    });
  });

  test("something else than RTMP is named as that", async () => {
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    expect(await failure((server.address() as AddressInfo).port)).toEqual({
      code: "PROTOCOL_ERROR",
      message: "Cannot play RTMP stream: this is no RTMP server",
    });
    server.close();
  });
});

describe("what an RTMP server sends without end", () => {
  test("is not answered any more where it does not read the answers", async () => {
    const connect = vi.spyOn(Socket.prototype, "connect");
    await using server = await startServer(answers);
    await using client = await play(server.port);
    const [socket] = connect.mock.instances as Socket[];
    connect.mockRestore();
    // What it has not read waits in the system first, as much as that likes; here nothing does.
    socket?.cork();
    server.send(Buffer.concat(Array<Buffer>(5_000).fill(PING)));
    expect(await client.ended).toMatchObject({
      code: "PROTOCOL_ERROR",
      message: "Cannot play RTMP stream: the camera asks and does not read",
    });
  });

  test("is read no faster than a camera sends, however small its messages are", async () => {
    await using server = await startServer(answers);
    await using client = await play(server.port);
    const startMs = performance.now();
    server.send(Buffer.concat([...Array<Buffer>(14_000).fill(PING), UNPUBLISHED]));
    expect(await client.ended).toMatchObject({ code: "UNREACHABLE" });
    expect(performance.now() - startMs).toBeGreaterThan(200);
  });

  test("is answered once, where it says the same again", async () => {
    await using server = await startServer((text) => {
      const answer = answers(text);
      return answer === null ? null : Buffer.concat([answer, answer, answer]);
    });
    const flv: Uint8Array[] = [];
    await using client = await play(server.port, { onFlv: (bytes) => flv.push(bytes) });
    server.send(Buffer.concat([command("_result", 2, null, 1), UNPUBLISHED]));
    await client.ended;
    await server.gone();
    expect(server.heard().match(/createStream/g)).toHaveLength(1);
    expect(flv).toHaveLength(1);
  });

  test("counts by its messages, its chunks and what it begins, not by its bytes alone", () => {
    const cost = (bytes: Uint8Array): number => {
      const reader = new RtmpChunkReader(() => undefined);
      reader.push(bytes);
      return reader.takeCost();
    };
    const control = (type: number, value: number): Buffer => {
      const payload = Buffer.alloc(4);
      payload.writeUInt32BE(value);
      return writeRtmpMessage({ chunkStream: 2, type, streamId: 0, payload });
    };
    expect(cost(Buffer.concat(Array<Buffer>(10).fill(PING)))).toBeGreaterThan(10 * 2_048);
    const bits = Buffer.from("04000000000020080100000061".concat("c461".repeat(31)), "hex");
    expect(cost(Buffer.concat([control(1, 1), bits]))).toBeGreaterThan(32 * 64);
    const begun = Buffer.concat([
      Buffer.from("040000007fffff0901000000", "hex"),
      Buffer.alloc(128),
    ]);
    expect(cost(Buffer.concat([begun, control(2, 4)]))).toBeGreaterThan(8 * 1_000_000);
  });

  test("leaves nothing behind when its connection is over", async () => {
    await using server = await startServer(answers);
    const { signal } = new AbortController();
    for (let connection = 0; connection < 3; connection += 1) {
      await using client = await play(server.port, { signal });
      server.send(UNPUBLISHED);
      await client.ended;
    }
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});

describe("reading RTMP", () => {
  const message = fc.record({
    chunkStream: fc.integer({ min: 2, max: 63 }),
    type: fc.constantFrom(8, 9, 18, 20),
    streamId: fc.nat(3),
    payload: fc.uint8Array({ maxLength: 700 }),
  });

  test("messages come out as they went in, wherever their bytes are cut", () => {
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 12 }),
        fc.integer({ min: 1, max: 400 }),
        (sent, size) => {
          const bytes = Buffer.concat(sent.map(writeRtmpMessage));
          const parts = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
            bytes.subarray(index * size, (index + 1) * size),
          );
          expect(messagesOf(parts)).toEqual(
            sent.map(({ type, streamId, payload }) => ({
              ...{ type, streamId, timestampMs: 0 },
              payload: Buffer.from(payload),
            })),
          );
        },
      ),
      { numRuns: 200 },
    );
  });

  test("whatever comes, it is read or refused by name", () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 600 }),
      fc
        .tuple(fc.array(message, { maxLength: 6 }), fc.nat(800), fc.nat(255))
        .map(([sent, at, value]) => {
          const damaged = Buffer.concat(sent.map(writeRtmpMessage));
          if (damaged.length > 0) damaged[at % damaged.length] = value;
          return damaged;
        }),
    );
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 4 }), (parts) => {
        try {
          for (const { payload, type } of messagesOf(parts)) if (type === 20) readAmf(payload);
        } catch (error) {
          expect(error).toMatchObject({ name: "CameraError", code: "PROTOCOL_ERROR" });
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("values cut anywhere, or of anything, are read or refused by name", () => {
    const type = fc.constantFrom(0, 1, 2, 3, 5, 6, 8, 9, 10, 11, 12);
    const small = fc.oneof(type, fc.constant(0), fc.nat(255));
    const odd = fc.array(small, { maxLength: 40 }).map((bytes) => Uint8Array.from(bytes));
    const whole = writeAmf(["_result", 1, { app: "live", inner: { isFine: true } }, null]);
    const cut = fc.nat(whole.length).map((length) => whole.subarray(0, length));
    fc.assert(
      fc.property(fc.oneof(odd, cut), (bytes) => {
        try {
          readAmf(bytes);
        } catch (error) {
          expect(error).toMatchObject({ name: "CameraError", code: "PROTOCOL_ERROR" });
        }
      }),
      { numRuns: 3_000, examples: [[Uint8Array.of(3, 0, 0)]] },
    );
  });

  test("values are read as they were written, and a name like __proto__ is a name", () => {
    const values = ["play", 0, null, { app: "live", isFine: true, inner: { code: "x" } }];
    expect(readAmf(writeAmf(values))).toEqual(values);
    const odd = Buffer.from("0300095f5f70726f746f5f5f0300016102000178000009000009", "hex");
    expect(({} as { a?: unknown }).a).toBeUndefined();
    expect(Object.keys(readAmf(odd)[0] as object)).toEqual(["__proto__"]);
    expect(({} as { a?: unknown }).a).toBeUndefined();
  });
});
