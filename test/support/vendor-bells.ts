import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";

/**
 * Door stations of Dahua and Hikvision for tests, as far as their bells go: the messages follow the
 * makers' documents (Dahua HTTP API, `eventManager.cgi`; Hikvision ISAPI, `callStatus`), with a
 * digest log-in as both have it.
 */
abstract class VendorBell implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #nonce = randomBytes(8).toString("hex");
  readonly user = "admin";
  readonly password = "geheim!1";
  requests = 0;

  protected constructor() {
    this.#server = createServer((request, response) => {
      this.requests += 1;
      response.on("error", () => undefined);
      if (this.#isLoggedIn(request)) this.answer(request, response);
      else
        response
          .writeHead(401, {
            "www-authenticate": `Digest realm="door", qop="auth", nonce="${this.#nonce}"`,
          })
          .end();
    });
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      socket.on("error", () => undefined);
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get credentials() {
    return { username: this.user, password: this.password, allowBasic: false };
  }

  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.hangUp();
    this.#server.close();
    await once(this.#server, "close");
  }

  protected async listen(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  protected abstract answer(request: IncomingMessage, response: ServerResponse): void;

  /** RFC 7616 with MD5, written apart from the code that is tested. */
  #isLoggedIn(request: IncomingMessage): boolean {
    const given = request.headers.authorization ?? "";
    const part = (name: string): string =>
      new RegExp(`[ ,]${name}="?([^",]*)"?`).exec(given)?.[1] ?? "";
    const md5 = (text: string): string => createHash("md5").update(text).digest("hex");
    const key = md5(`${this.user}:door:${this.password}`);
    const what = md5(`${request.method}:${request.url}`);
    const wanted = md5(`${key}:${this.#nonce}:${part("nc")}:${part("cnonce")}:auth:${what}`);
    return given.startsWith("Digest ") && part("response") === wanted;
  }
}

export class FakeDahua extends VendorBell {
  readonly #listeners = new Set<ServerResponse>();

  static async start(): Promise<FakeDahua> {
    const bell = new FakeDahua();
    await bell.listen();
    return bell;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** `data` as the firmware writes it: JSON over several lines. */
  say(code: string, action: "Start" | "Stop" | "Pulse", data?: object): void {
    const tail = data === undefined ? "" : `;data=${JSON.stringify(data, null, 3)}`;
    this.sayText(`Code=${code};action=${action};index=0${tail}`);
  }

  sayText(text: string): void {
    const part = `--myboundary\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}\r\n\r\n`;
    for (const response of this.#listeners) response.write(part);
  }

  protected answer(request: IncomingMessage, response: ServerResponse): void {
    const wanted = "/cgi-bin/eventManager.cgi?action=attach&codes=[All]";
    if (request.url?.startsWith(wanted) !== true) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-type": "multipart/x-mixed-replace; boundary=myboundary" });
    response.flushHeaders();
    this.#listeners.add(response);
    response.on("close", () => this.#listeners.delete(response));
  }
}

export class FakeHikvision extends VendorBell {
  status: "idle" | "ring" | "onCall" = "idle";
  answersWith: "json" | "xml" | "nothing" = "json";

  static async start(): Promise<FakeHikvision> {
    const bell = new FakeHikvision();
    await bell.listen();
    return bell;
  }

  protected answer(request: IncomingMessage, response: ServerResponse): void {
    if (request.url !== "/ISAPI/VideoIntercom/callStatus?format=json") {
      response.writeHead(404).end();
      return;
    }
    if (this.answersWith === "nothing") request.socket.destroy();
    else if (this.answersWith === "xml")
      response
        .writeHead(200, { "content-type": "application/xml" })
        .end(`<?xml version="1.0"?><CallStatus><status>${this.status}</status></CallStatus>`);
    else
      response
        .writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify({ CallStatus: { status: this.status } }, null, "\t"));
  }
}
