import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";

/** In front of a real server, whose answers it hands on: but what it refuses, nobody does. */
export interface RefusingProxy extends AsyncDisposable {
  readonly origin: string;
  readonly refuses: Set<string>;
  /** How many requests of each method came. */
  readonly counted: Map<string, number>;
}

export async function refusingProxy(target: string): Promise<RefusingProxy> {
  const refuses = new Set<string>();
  const counted = new Map<string, number>();
  const { hostname, port } = new URL(target);
  const server = http.createServer((request, response) => {
    const { method = "", url, headers } = request;
    counted.set(method, (counted.get(method) ?? 0) + 1);
    if (refuses.has(method)) {
      request.resume();
      response.writeHead(403).end();
      return;
    }
    const rewritten = { ...headers };
    // A server compares the destination of a MOVE with its own address.
    const { destination } = headers;
    if (typeof destination === "string")
      rewritten["destination"] = target.replace(/\/$/, "") + new URL(destination).pathname;
    const out = http.request(
      { hostname, port, method, path: url, headers: rewritten },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    out.on("error", () => response.destroy());
    request.pipe(out);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    ...{ origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, refuses, counted },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
