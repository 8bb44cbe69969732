import { randomBytes } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";

/** The part of ntfy's HTTP API that a mailbox uses: messages with attachments, and what is cached. */
export interface NtfyTopic extends AsyncDisposable {
  readonly url: string;
  /** Lines as the topic gives them out; to be added to at will. */
  readonly lines: string[];
  readonly files: Map<string, Uint8Array>;
  /** Authorization of every request that came. */
  readonly logins: (string | undefined)[];
}

const LIFETIME_S = 3 * 3_600;

/** @param attachments - False: as a server that was set up without them. */
export async function startNtfyTopic({ attachments = true } = {}): Promise<NtfyTopic> {
  const lines: string[] = [];
  const files = new Map<string, Uint8Array>();
  const logins: (string | undefined)[] = [];
  let origin = "";
  const server = http.createServer((request, response) => {
    void (async () => {
      const parts: Buffer[] = [];
      for await (const part of request) parts.push(part as Buffer);
      const { method, url = "", headers } = request;
      logins.push(headers.authorization);
      if (method === "PUT" && url === "/Xb72kQ") {
        const id = randomBytes(6).toString("hex");
        const name = String(headers["x-filename"]);
        files.set(id, new Uint8Array(Buffer.concat(parts)));
        const time = Math.floor(Date.now() / 1_000);
        const message = {
          ...{
            id,
            time,
            event: "message",
            topic: "Xb72kQ",
            message: `You received a file: ${name}`,
          },
          ...(attachments
            ? { attachment: { name, url: `${origin}/file/${id}`, expires: time + LIFETIME_S } }
            : {}),
        };
        lines.push(JSON.stringify(message));
        response.end(JSON.stringify(message));
      } else if (method === "GET" && url === "/Xb72kQ/json?poll=1&since=all")
        response.end(lines.map((line) => `${line}\n`).join(""));
      else if (method === "GET" && files.has(url.slice("/file/".length)))
        response.end(files.get(url.slice("/file/".length)));
      else response.writeHead(404).end();
    })();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    ...{ url: `${origin}/Xb72kQ`, lines, files, logins },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
