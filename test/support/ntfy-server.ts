import { randomBytes } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";

/** A message as ntfy's subscribe API gives it out. */
export interface NtfyMessage {
  readonly id: string;
  readonly time: number;
  readonly event: "open" | "message";
  readonly topic: string;
  readonly message?: string;
  readonly title?: string;
  readonly priority?: number;
  readonly click?: string;
}

interface Published {
  readonly message: NtfyMessage;
  /** Every byte of the request, as it came over the wire. */
  readonly wire: string;
  readonly authorization: string | undefined;
  /** When it had been read, on the clock of `performance`. */
  readonly atMs: number;
}

const MESSAGE_BYTES_MAX = 4096;

/**
 * A server with the part of ntfy's HTTP API that is used here: publish with headers, subscribe as a
 * stream of JSON lines, poll what is cached, an access token, and a limit (429).
 */
export class NtfyServer implements AsyncDisposable {
  readonly published: Published[] = [];
  /** Requests that it has answered with anything but success. */
  refused = 0;
  /** What it answers to whoever publishes; null: it takes it. `hang` never answers. */
  answer: { readonly status: number; readonly retryAfter?: string } | "hang" | null = null;
  token: string | null = null;
  readonly #server: http.Server;
  readonly #cached: NtfyMessage[] = [];
  readonly #subscribers = new Map<http.ServerResponse, string>();
  readonly #waiting = new Set<() => void>();

  private constructor() {
    this.#server = http.createServer((request, response) => {
      void this.#serve(request, response);
    });
  }

  /** @param port - One that was free before; by default any. */
  static async start(port = 0): Promise<NtfyServer> {
    const ntfy = new NtfyServer();
    ntfy.#server.listen(port, "127.0.0.1");
    await once(ntfy.#server, "listening");
    return ntfy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Resolves when it has so many, or has refused so many. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.url);
    const [, topic = "", format] = url.pathname.split("/");
    if (request.method === "GET" && format === "json") {
      this.#subscribe(topic, url.searchParams, response);
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const atMs = performance.now();
    if (this.answer === "hang") return this.#changed();
    const { authorization } = request.headers;
    const status =
      this.answer?.status ??
      (this.token !== null && authorization !== `Bearer ${this.token}` ? 403 : 200);
    if (status !== 200) {
      this.refused += 1;
      const retryAfter = this.answer?.retryAfter;
      response.writeHead(status, retryAfter === undefined ? {} : { "retry-after": retryAfter });
      response.end(JSON.stringify({ code: status * 100, http: status, error: "no" }));
      return this.#changed();
    }
    const body = Buffer.concat(chunks);
    if (!/^[-_A-Za-z0-9]{1,64}$/.test(topic) || body.length > MESSAGE_BYTES_MAX) {
      response.writeHead(400).end();
      return;
    }
    const message = this.#take(topic, body.toString(), request.headers);
    this.published.push({ message, wire: wireOf(request, body), authorization, atMs });
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(message));
    this.#changed();
  }

  #take(topic: string, text: string, headers: http.IncomingHttpHeaders): NtfyMessage {
    const of = (name: string): string | undefined => headers[name]?.toString();
    const [title, click, priority] = [of("title"), of("click"), of("priority")];
    const message: NtfyMessage = {
      ...{ id: randomBytes(6).toString("hex"), time: Math.floor(Date.now() / 1_000) },
      ...{ event: "message", topic, message: text },
      ...(title === undefined ? {} : { title }),
      ...(click === undefined ? {} : { click }),
      ...(priority === undefined ? {} : { priority: Number(priority) }),
    };
    const cache = of("cache");
    if (cache === undefined || ["1", "yes", "true"].includes(cache)) this.#cached.push(message);
    for (const [response, wanted] of this.#subscribers)
      if (wanted === topic) response.write(`${JSON.stringify(message)}\n`);
    return message;
  }

  #subscribe(topic: string, query: URLSearchParams, response: http.ServerResponse): void {
    response.writeHead(200, { "content-type": "application/x-ndjson" });
    const cached = this.#cached.filter((message) => message.topic === topic);
    if (query.get("poll") === "1") {
      response.end(cached.map((message) => `${JSON.stringify(message)}\n`).join(""));
      return;
    }
    const time = Math.floor(Date.now() / 1_000);
    response.write(`${JSON.stringify({ id: "open", time, event: "open", topic })}\n`);
    this.#subscribers.set(response, topic);
    response.on("close", () => this.#subscribers.delete(response));
  }

  #changed(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

function wireOf({ method, url, rawHeaders }: http.IncomingMessage, body: Buffer): string {
  const lines = [`${method} ${url} HTTP/1.1`];
  for (let index = 0; index < rawHeaders.length; index += 2)
    lines.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}`);
  return `${lines.join("\r\n")}\r\n\r\n${body.toString()}`;
}

/** Messages of a topic as they come over the subscribe stream, the first `open` included. */
export async function* subscribe(
  topicUrl: string,
  signal: AbortSignal,
): AsyncGenerator<NtfyMessage> {
  const answer = await fetch(`${topicUrl}/json`, { signal });
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of answer.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) yield JSON.parse(line) as NtfyMessage;
  }
}
