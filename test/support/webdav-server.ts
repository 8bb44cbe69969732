import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";

/** A WebDAV folder in this process (RFC 4918), and the hand of whoever runs it. */
export interface WebDavServer extends AsyncDisposable {
  /** Of the folder for the mailbox. */
  readonly url: string;
  readonly user: string;
  readonly password: string;
  /** What lies there, by its name in the folder; to be altered at will. */
  readonly files: Map<string, Uint8Array>;
  /** Every request that came, as `PUT name`. */
  readonly log: string[];
  /** Every byte that was ever put, by name. */
  readonly everything: { readonly name: string; readonly bytes: Uint8Array }[];
  /** Answers each request instead, where it gives an answer. */
  hook: ((request: { method: string; name: string }) => Partial<Answer> | null) | null;
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

const FOLDER = "/dav/door";

export async function startWebDav(options: { cors?: boolean } = {}): Promise<WebDavServer> {
  const files = new Map<string, Uint8Array>();
  const log: string[] = [];
  const everything: { name: string; bytes: Uint8Array }[] = [];
  const [user, password] = ["door", "a long password"];
  let hasFolder = false;
  const answerTo = (method: string, name: string, body: Uint8Array): Partial<Answer> => {
    switch (method) {
      case "MKCOL":
        if (hasFolder) return { status: 405 };
        hasFolder = true;
        return { status: 201 };
      case "PUT":
        if (!hasFolder) return { status: 409 };
        files.set(name, body);
        everything.push({ name, bytes: body });
        return { status: 201 };
      case "GET": {
        const file = files.get(name);
        return file ? { status: 200, body: file } : { status: 404 };
      }
      case "DELETE":
        return { status: files.delete(name) ? 204 : 404 };
      default:
        return { status: 405 };
    }
  };
  const server = http.createServer((request, response) => {
    void (async () => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      const { method = "", url = "", headers } = request;
      const cors = options.cors
        ? {
            "access-control-allow-origin": "*",
            "access-control-allow-headers": "authorization, content-type",
            "access-control-allow-methods": "GET, PUT, DELETE, MKCOL",
          }
        : {};
      const name = url.slice(FOLDER.length + 1);
      const login = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
      log.push(`${method} ${name}`);
      const answer =
        method === "OPTIONS"
          ? { status: 204 }
          : (self.hook?.({ method, name }) ??
            (headers.authorization === login && url.startsWith(FOLDER)
              ? answerTo(method, name, new Uint8Array(Buffer.concat(parts)))
              : { status: 401, headers: { "www-authenticate": 'Basic realm="dav"' } }));
      response.writeHead(answer.status ?? 500, { ...cors, ...answer.headers });
      response.end(answer.body);
    })();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const self: WebDavServer = {
    url: `http://127.0.0.1:${port}${FOLDER}`,
    ...{ user, password, files, log, everything, hook: null },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return self;
}
