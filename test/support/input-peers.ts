import { spawn, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { cachedMedia } from "./rtsp-server.ts";

/** Things that ffmpeg reads, and servers of them, for the tests of `source: ffmpeg`. */

export const USER = "door";
export const PASSWORD = "nobody-else/knows&this";

/** A moving picture in one of the containers that people have films in. */
export function film(name: keyof typeof FILMS): string {
  const { ending, options } = FILMS[name];
  const size = name === "avi" ? "321x181" : "320x180";
  return cachedMedia(
    `film-${name}`,
    ["-f", "lavfi", "-i", `testsrc2=size=${size}:rate=10:duration=4`, ...options],
    ending,
  );
}

const FILMS = {
  mkv: { ending: "mkv", options: ["-c:v", "libx264", "-g", "10", "-pix_fmt", "yuv420p"] },
  ts: { ending: "ts", options: ["-c:v", "libx264", "-g", "10", "-pix_fmt", "yuv420p"] },
  flv: { ending: "flv", options: ["-c:v", "libx264", "-g", "10", "-pix_fmt", "yuv420p"] },
  // An odd size, and colours that H.264 as browsers have it does not know.
  avi: { ending: "avi", options: ["-c:v", "mjpeg", "-pix_fmt", "yuvj444p"] },
  webm: { ending: "webm", options: ["-c:v", "libvpx", "-deadline", "realtime"] },
  mov: {
    ending: "mov",
    options: ["-c:v", "libx265", "-x265-params", "log-level=none", "-tag:v", "hvc1"],
  },
} as const;

/** JPEG pictures of a moving scene. */
export function jpegPictures(): Buffer[] {
  const encoded = spawnSync(
    "ffmpeg",
    [
      ...["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=10:duration=3"],
      ...["-c:v", "mjpeg", "-f", "mjpeg", "-"],
    ],
    { maxBuffer: 64 * 1024 * 1024 },
  );
  const pictures: Buffer[] = [];
  const start = Buffer.from([0xff, 0xd8, 0xff]);
  for (let at = 0; at >= 0 && at < encoded.stdout.length;) {
    const next = encoded.stdout.indexOf(start, at + 3);
    pictures.push(encoded.stdout.subarray(at, next < 0 ? undefined : next));
    at = next;
  }
  return pictures;
}

export interface PictureServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** `Authorization` headers that came. */
  readonly shown: string[];
  connections(): number;
  /** Stops sending on what is open, without closing it. */
  hush(): void;
}

/** An old camera: pictures over HTTP as one answer without an end, behind a digest. */
export async function startPictureServer(options: {
  readonly pictures: readonly Buffer[];
  readonly contentType?: string;
  readonly redirectTo?: string;
  readonly hasLengths?: boolean;
}): Promise<PictureServer> {
  const { pictures, contentType = "multipart/x-mixed-replace; boundary=--edge" } = options;
  const shown: string[] = [];
  const nonce = randomBytes(8).toString("hex");
  let connections = 0;
  let isHushed = false;
  const server = createServer((request, response) => {
    if (options.redirectTo !== undefined) {
      response.writeHead(302, { location: options.redirectTo }).end();
      return;
    }
    const authorization = request.headers.authorization ?? "";
    shown.push(authorization);
    if (!isRight(authorization, request, nonce)) {
      response
        .writeHead(401, {
          "www-authenticate": `Digest realm="camera", nonce="${nonce}", qop="auth"`,
        })
        .end();
      return;
    }
    send(response);
  });

  function send(response: ServerResponse): void {
    response.writeHead(200, { "content-type": contentType });
    let number = 0;
    const timer = setInterval(() => {
      if (isHushed) return;
      const picture = pictures[number % pictures.length] ?? Buffer.alloc(0);
      number += 1;
      const length = options.hasLengths === true ? `Content-Length: ${picture.length}\r\n` : "";
      const isMultipart = contentType.startsWith("multipart");
      if (isMultipart) response.write(`--edge\r\nContent-Type: image/jpeg\r\n${length}\r\n`);
      response.write(picture);
      if (isMultipart) response.write("\r\n");
    }, 100);
    response.on("close", () => clearInterval(timer));
  }

  server.on("connection", () => (connections += 1));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/video.mjpg`,
    port,
    shown,
    connections: () => connections,
    hush: () => void (isHushed = true),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** RFC 7616 with MD5 and `qop=auth`, by a hand of its own. */
function isRight(authorization: string, request: IncomingMessage, nonce: string): boolean {
  const part = (name: string): string =>
    new RegExp(`[ ,]${name}=(?:"([^"]*)"|([^ ,]*))`)
      .exec(authorization)
      ?.slice(1)
      .find((text) => text !== undefined) ?? "";
  const md5 = (text: string): string => createHash("md5").update(text).digest("hex");
  const key = md5(`${USER}:camera:${PASSWORD}`);
  const what = md5(`${request.method}:${request.url}`);
  const wanted = md5(`${key}:${nonce}:${part("nc")}:${part("cnonce")}:auth:${what}`);
  return part("username") === USER && part("nonce") === nonce && part("response") === wanted;
}

export interface Trap extends AsyncDisposable {
  readonly port: number;
  connections(): number;
}

/** A host that nothing may ever connect to. */
export async function startTrap(): Promise<Trap> {
  let connections = 0;
  const server = createTcpServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface RtmpPeer extends AsyncDisposable {
  readonly url: string;
  /** Program and arguments of the sender, as it was started. */
  readonly pid: number;
}

/** A third-party RTMP server (ffmpeg's) that serves one client a film in a loop. */
export async function startRtmpPeer(file: string, path = "live/door"): Promise<RtmpPeer> {
  const free = await startTrap();
  const { port } = free;
  await free[Symbol.asyncDispose]();
  const url = `rtmp://127.0.0.1:${port}/${path}`;
  const child = spawn(
    "ffmpeg",
    [
      ...["-v", "error", "-nostdin", "-re", "-stream_loop", "-1", "-i", file],
      ...["-c", "copy", "-f", "flv", "-listen", "1", url],
    ],
    { stdio: "ignore" },
  );
  const gone = once(child, "exit");
  return {
    url,
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await gone;
    },
  };
}
