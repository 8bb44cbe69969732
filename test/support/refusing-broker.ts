import { once } from "node:events";
import net from "node:net";
import type { AddressInfo } from "node:net";

/** A broker, as far as MQTT 3.1.1 goes here, that refuses topics as some do by their access lists. */
export class RefusingBroker implements AsyncDisposable {
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  readonly #isRefused: (topic: string) => boolean;
  readonly heard: string[] = [];

  private constructor(isRefused: (topic: string) => boolean) {
    this.#isRefused = isRefused;
    this.#server = net.createServer((socket) => {
      this.#sockets.add(socket);
      let waiting: Uint8Array = Buffer.alloc(0);
      socket.on("error", () => undefined);
      socket.on("data", (chunk: Uint8Array) => {
        waiting = this.#take(socket, Buffer.concat([waiting, chunk]));
      });
    });
  }

  static async start(isRefused: (topic: string) => boolean): Promise<RefusingBroker> {
    const broker = new RefusingBroker(isRefused);
    broker.#server.listen(0, "127.0.0.1");
    await once(broker.#server, "listening");
    return broker;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** To everybody that is connected, with QoS 0. */
  say(topic: string, payload: string): void {
    const name = Buffer.from(topic);
    const body = [0, name.length, ...name, ...Buffer.from(payload)];
    for (const socket of this.#sockets) socket.write(Uint8Array.from([0x30, body.length, ...body]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }

  /** Packets below 128 bytes, as a client of these tests sends them. @returns what is left. */
  #take(socket: net.Socket, bytes: Buffer): Buffer {
    const [type = 0, length = 0] = bytes;
    if (bytes.length < 2 || bytes.length < 2 + length) return bytes;
    const body = bytes.subarray(2, 2 + length);
    const [high = 0, low = 0] = body;
    switch (type >> 4) {
      case 1:
        socket.write(Uint8Array.from([0x20, 2, 0, 0]));
        break;
      case 3: {
        const topic = body.subarray(2, 2 + low);
        this.heard.push(topic.toString());
        const id = body.subarray(2 + low, 4 + low);
        socket.write(Uint8Array.from([0x40, 2, ...id]));
        break;
      }
      case 8: {
        const codes: number[] = [];
        for (let at = 2; at < body.length;) {
          const size = body.readUInt16BE(at);
          const topic = body.subarray(at + 2, at + 2 + size).toString();
          codes.push(this.#isRefused(topic) ? 0x80 : 1);
          at += size + 3;
        }
        socket.write(Uint8Array.from([0x90, 2 + codes.length, high, low, ...codes]));
        break;
      }
      case 10:
        socket.write(Uint8Array.from([0xb0, 2, high, low]));
        break;
      case 12:
        socket.write(Uint8Array.from([0xd0, 0]));
        break;
    }
    return this.#take(socket, bytes.subarray(2 + length));
  }
}
