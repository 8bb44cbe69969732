import { setTimeout as sleep } from "node:timers/promises";
import { Value } from "typebox/value";
import { WebSocket } from "ws";
import { TalkServerMessageSchema, type TalkServerMessage } from "../../src/protocol/api-talk.ts";

/** A speaker: a real socket, what the hub said over it, and how it ended. */
export interface TalkSocket extends Disposable {
  readonly socket: WebSocket;
  readonly said: TalkServerMessage[];
  /** Resolves with the law that the camera wants; rejects where it ends before. */
  readonly opened: Promise<string>;
  /** Resolves with the close code. */
  readonly closed: Promise<number>;
  /** Sends sound as a microphone does: 160 bytes every 20 ms. */
  speak(bytes: Uint8Array): Promise<void>;
}

/** @throws Error `refused with 403` where there is no upgrade. */
export async function openTalk(
  url: string,
  camera: string,
  options: { readonly token?: string; readonly headers?: Readonly<Record<string, string>> },
): Promise<TalkSocket> {
  const { token, headers = {} } = options;
  const socket = new WebSocket(`${url.replace(/^http/, "ws")}/api/talk/${camera}`, {
    headers: { ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
  });
  const said: TalkServerMessage[] = [];
  const opening = Promise.withResolvers<string>();
  opening.promise.catch(() => undefined);
  const closing = Promise.withResolvers<number>();
  socket.on("message", (data: Buffer) => {
    const message: unknown = JSON.parse(data.toString("utf8"));
    if (!Value.Check(TalkServerMessageSchema, message)) throw new Error("not a talk message");
    said.push(message);
    if (message.type === "open") opening.resolve(message.law);
    else opening.reject(new Error(message.code));
  });
  socket.on("close", (code) => {
    opening.reject(new Error(`closed with ${code}`));
    closing.resolve(code);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("unexpected-response", (_request, response) => {
      reject(new Error(`refused with ${String(response.statusCode)}`));
      socket.terminate();
    });
    socket.on("error", reject);
  });
  return {
    ...{ socket, said, opened: opening.promise, closed: closing.promise },
    speak: async (bytes) => {
      const startedAtMs = performance.now();
      for (let offset = 0; offset < bytes.length; offset += 160) {
        socket.send(bytes.subarray(offset, offset + 160));
        await sleep(Math.max(0, startedAtMs + (offset / 160 + 1) * 20 - performance.now()));
      }
    },
    [Symbol.dispose]: () => socket.terminate(),
  };
}
