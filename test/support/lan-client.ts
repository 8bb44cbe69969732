import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import https from "node:https";
import tls from "node:tls";
import type { TestHub } from "./test-hub.ts";

/** Somebody on the local network: a connection of its own, from an address of its own. */
export interface LanAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface LanAsk {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** In SNI and `Host`; by default the hub's own. */
  readonly name?: string;
  /** Where the call comes from, one of 127.0.0.0/8. */
  readonly from?: string;
  /** PEM that is trusted; by default nothing is checked. */
  readonly trust?: string;
}

export function lanPort({ hub }: TestHub): number {
  const { origin } = hub.services.lan.state();
  if (origin === null) throw new Error("this hub does not listen on the local network");
  return Number(new URL(origin).port);
}

export async function askLan(hub: TestHub, path: string, ask: LanAsk = {}): Promise<LanAnswer> {
  const name = ask.name ?? hub.hub.services.lan.state().name;
  const port = lanPort(hub);
  const request = https.request({
    ...{ host: "127.0.0.1", port, path, method: ask.method ?? "GET", servername: name },
    ...(ask.from === undefined ? {} : { localAddress: ask.from }),
    ...(ask.trust === undefined ? { rejectUnauthorized: false } : { ca: ask.trust }),
    agent: false,
    headers: {
      host: `${name}:${port}`,
      ...(ask.body === undefined ? {} : { "content-type": "application/json" }),
      ...ask.headers,
    },
  });
  request.end(ask.body === undefined ? undefined : JSON.stringify(ask.body));
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const parts: Buffer[] = [];
  for await (const part of response) parts.push(part as Buffer);
  const body = Buffer.concat(parts).toString();
  return { status: response.statusCode ?? 0, headers: response.headers, body };
}

/** The certificate that is shown under a name, or null where the handshake is refused. */
export async function shownTo(hub: TestHub, name: string): Promise<tls.PeerCertificate | null> {
  const socket = tls.connect({
    ...{ host: "127.0.0.1", port: lanPort(hub), servername: name, rejectUnauthorized: false },
  });
  try {
    await once(socket, "secureConnect");
    return socket.getPeerCertificate(true);
  } catch {
    return null;
  } finally {
    socket.destroy();
  }
}
