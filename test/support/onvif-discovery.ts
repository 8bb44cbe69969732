import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { parseXml, textAt } from "../../src/camera/onvif/xml.ts";
import { probeMatch } from "./onvif-messages.ts";

/** What the fake device answers to one question: datagrams, sent back to who asked. */
export type DiscoveryAnswer = (relatesTo: string) => readonly (string | Uint8Array)[];

/** Answers questions of WS-Discovery over UDP, as a device does, or as one that lies. */
export class FakeDiscovery implements AsyncDisposable {
  readonly questions: string[] = [];
  readonly #socket: Socket;

  private constructor(socket: Socket, answer: DiscoveryAnswer) {
    this.#socket = socket;
    socket.on("message", (message: Buffer, sender: RemoteInfo) => {
      this.questions.push(message.toString("utf8"));
      const relatesTo = textAt(parseXml(message), "Header", "MessageID") ?? "";
      for (const datagram of answer(relatesTo)) socket.send(datagram, sender.port, sender.address);
    });
  }

  /** @param host - One address, asked directly; `multicast` joins the group there is for it. */
  static async start(
    host: string,
    answer: DiscoveryAnswer,
    { multicast }: { readonly multicast?: string } = {},
  ): Promise<FakeDiscovery> {
    const socket = createSocket({ type: "udp4", reuseAddr: true });
    socket.bind(multicast === undefined ? 0 : 3702, multicast ?? host);
    await once(socket, "listening");
    if (multicast !== undefined) socket.addMembership(multicast, host);
    return new FakeDiscovery(socket, answer);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#socket, "close");
    this.#socket.close();
    await closed;
  }
}

/** A device's answer, with the scopes that ONVIF Core section 7.3.2 wants, its place among them. */
export function honestMatch(
  relatesTo: string,
  addresses: readonly string[],
  scopes: readonly string[] = [],
): string {
  return probeMatch({
    relatesTo,
    endpoint: "urn:uuid:4b6d1f6e-0000-1000-8000-001122334455",
    scopes: [
      "onvif://www.onvif.org/type/video_encoder",
      "onvif://www.onvif.org/Profile/Streaming",
      "onvif://www.onvif.org/location/country/france",
      "onvif://www.onvif.org/location/city/12%20rue%20de%20la%20Paix",
      ...(scopes.length > 0
        ? scopes
        : ["onvif://www.onvif.org/hardware/Bell-3", "onvif://www.onvif.org/name/Front%20bell"]),
    ],
    addresses,
  });
}
