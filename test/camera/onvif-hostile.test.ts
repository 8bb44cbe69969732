import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { createServer, type Server, type Socket } from "node:net";
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { CameraProbeAnswer } from "../../src/protocol/api-cameras.ts";
import { probeDevice } from "../../src/camera/onvif/probe.ts";
import { FakeOnvifDevice, send, type FakeDeviceOptions } from "../support/onvif-device.ts";
import { deviceInformation, envelope, fault, services } from "../support/onvif-messages.ts";

// A device that attacks whoever asks it. Whatever it does, it is refused by name, nothing is sent to
// another host (a listening trap counts), and no more is read than the limits allow.

const PASSWORD = "a-password-to-look-for";
/** For what is silent on purpose; anything else has the usual time. */
const IMPATIENT = { answerTimeoutMs: 400, idleTimeoutMs: 300, totalTimeoutMs: 900 };
const BOMB = gzipSync(Buffer.alloc(10_000_000));
const SOAP = "application/soap+xml; charset=utf-8";

let trap: Server;
let trapUrl = "";
let visits = 0;
const heard: string[] = [];

beforeAll(async () => {
  trap = createServer((socket) => {
    visits += 1;
    socket.on("data", (data) => heard.push(data.toString("latin1")));
    socket.on("error", () => undefined);
  });
  trap.listen(0, "127.0.0.9");
  await once(trap, "listening");
  const place = trap.address();
  trapUrl = `http://127.0.0.9:${typeof place === "object" ? place?.port : 0}`;
});
afterAll(() => void trap.close());
beforeEach(() => {
  visits = 0;
  heard.length = 0;
});

const connected: string[] = [];

async function probe(fake: FakeOnvifDevice, patience = {}): Promise<CameraProbeAnswer> {
  connected.length = 0;
  const answer = await probeDevice({
    address: fake.url,
    credentials: { username: "admin", password: PASSWORD, allowBasic: false },
    patience,
    onConnect: ({ host }) => connected.push(host),
  });
  expect(visits).toBe(0);
  expect(new Set(connected)).toEqual(new Set(["127.0.0.1"]));
  for (const { body } of fake.calls) expect(body).not.toContain(PASSWORD);
  return answer;
}

const start = (options: FakeDeviceOptions = {}): Promise<FakeOnvifDevice> =>
  FakeOnvifDevice.start({ password: PASSWORD, ...options });

const with_ =
  (body: string | Uint8Array, type = SOAP, status = 200) =>
  (response: ServerResponse): void =>
    void response.writeHead(status, { "content-type": type }).end(body);

const deep = `${"<a>".repeat(60)}${"</a>".repeat(60)}`;
const laughs = `<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><s:Envelope>&b;</s:Envelope>`;

/** What comes instead of an answer, by what is asked: each with the name it is refused by. */
const CASES: readonly (readonly [
  name: string,
  answer: (response: ServerResponse) => void,
  code: string,
  words: RegExp,
])[] = [
  [
    "an external entity",
    with_(`<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>${envelope("<a>&e;</a>")}`),
    "PROTOCOL_ERROR",
    /document type or entities/,
  ],
  ["an entity bomb", with_(laughs), "PROTOCOL_ERROR", /document type or entities/],
  [
    "an entity of its own without a document type",
    with_(envelope("<a>&lol;</a>")),
    "PROTOCOL_ERROR",
    /not well-formed/,
  ],
  ["deep nesting", with_(envelope(deep)), "PROTOCOL_ERROR", /nested more than 48 deep/],
  [
    "an element named __proto__",
    with_(envelope("<__proto__><isAdmin>1</isAdmin></__proto__>")),
    "PROTOCOL_ERROR",
    /__proto__/,
  ],
  [
    "an attribute named constructor",
    with_(envelope(`<a constructor="1"/>`)),
    "PROTOCOL_ERROR",
    /constructor/,
  ],
  [
    "a prefix that an object inherits",
    with_(envelope("<toString:a/>")),
    "PROTOCOL_ERROR",
    /prefix/,
  ],
  ["30,000 elements", with_(envelope("<a/>".repeat(30_000))), "PROTOCOL_ERROR", /20,000 elements/],
  [
    "a tag with 40,000 attributes",
    with_(envelope(`<a ${Array.from({ length: 40_000 }, (_, i) => `b${i}=""`).join(" ")}/>`)),
    "PROTOCOL_ERROR",
    /tag longer than 16 KiB/,
  ],
  [
    "a tag with 10,000 attributes that seems to end in the first",
    with_(envelope(`<a b=">" ${Array.from({ length: 10_000 }, (_, i) => `b${i}=""`).join(" ")}/>`)),
    "PROTOCOL_ERROR",
    /tag longer than 16 KiB/,
  ],
  [
    "a processing instruction",
    with_(`<?evil now?>${envelope("<a/>").replace(/^<\?xml.*?\?>\n/, "")}`),
    "PROTOCOL_ERROR",
    /processing instructions/,
  ],
  [
    "two roots",
    with_(`<a/>${envelope("<a/>").replace(/^<\?xml.*?\?>\n/, "")}`),
    "PROTOCOL_ERROR",
    /more than one root|not well-formed/,
  ],
  [
    "UTF-16",
    with_(Buffer.from(`\uFEFF${envelope("<a/>")}`, "utf16le")),
    "PROTOCOL_ERROR",
    /another encoding/,
  ],
  [
    "a declared encoding of its own",
    with_(envelope("<a/>").replace("UTF-8", "IBM037")),
    "PROTOCOL_ERROR",
    /another encoding/,
  ],
  [
    "a page",
    with_("<!DOCTYPE html><html><body>Log in</body></html>", "text/html"),
    "NO_ONVIF",
    /no ONVIF device/,
  ],
  [
    "a page that says it is XML",
    with_("<html><script>alert(1)</script></html>", "text/xml"),
    "NO_ONVIF",
    /no ONVIF device/,
  ],
  ["a picture", with_(Buffer.from("ffd8ffe0", "hex"), "image/jpeg"), "NO_ONVIF", /no ONVIF device/],
  ["nothing at all", with_(""), "NO_ONVIF", /no ONVIF device/],
  [
    "compressed bytes that grow to 10 MB",
    (response) =>
      void response.writeHead(200, { "content-type": SOAP, "content-encoding": "gzip" }).end(BOMB),
    "PROTOCOL_ERROR",
    /compressed/,
  ],
  [
    "a length of 4 GiB",
    (response) =>
      void response
        .writeHead(200, { "content-type": SOAP, "content-length": "4294967296" })
        .write("<a>"),
    "PROTOCOL_ERROR",
    /longer than 1024 KiB/,
  ],
  [
    "a redirect to another host",
    (response) => void response.writeHead(302, { location: `${trapUrl}/onvif` }).end(),
    "REDIRECT_REFUSED",
    /another place/,
  ],
  [
    "a redirect to itself",
    (response) => void response.writeHead(307, { location: "/onvif/device_service" }).end(),
    "REDIRECT_REFUSED",
    /another place/,
  ],
  ["silence", () => undefined, "SILENT", /does not answer/],
  [
    "an answer that stops in the middle",
    (response) => void response.writeHead(200, { "content-type": SOAP }).write("<?xml"),
    "SILENT",
    /stops in the middle/,
  ],
  [
    "an answer that hangs up in the middle",
    (response) => {
      response.writeHead(200, { "content-type": SOAP, "content-length": "500" }).write("<?xml");
      setTimeout(() => response.destroy(), 20);
    },
    "UNREACHABLE",
    /Cannot reach camera/,
  ],
  [
    "bytes that are no HTTP",
    (response) => void response.socket?.end("220 smtp.example ESMTP\r\n"),
    "PROTOCOL_ERROR",
    /does not speak HTTP/,
  ],
  [
    "another protocol",
    (response) => void response.writeHead(101, { upgrade: "evil", connection: "Upgrade" }).end(),
    "PROTOCOL_ERROR",
    /switches protocols/,
  ],
  [
    "a head of 200 KiB",
    (response) => void response.socket?.end(`HTTP/1.1 200 OK\r\nX: ${"a".repeat(200_000)}\r\n\r\n`),
    "PROTOCOL_ERROR",
    /longer than 16 KiB/,
  ],
  [
    "a refusal with markup and control characters",
    with_(
      fault("Sender", ["ter:InvalidArgVal"], "<img src=x onerror=alert(1)>\u202E \u2028 line"),
      SOAP,
      400,
    ),
    "DEVICE_FAULT",
    /^[^\p{C}\u2028]*<img src=x onerror=alert\(1\)> line$/u,
  ],
  [
    "only basic authentication",
    (response) => void response.writeHead(401, { "www-authenticate": `Basic realm="x"` }).end(),
    "BASIC_REFUSED",
    /basic/,
  ],
  [
    "401 for ever",
    (response) =>
      void response
        .writeHead(401, {
          "www-authenticate": `Digest realm="x", qop="auth", nonce="${Math.random()}", stale=true`,
        })
        .end(),
    "WRONG_PASSWORD",
    /refuses/,
  ],
];

describe("an answer that is", () => {
  test.each(CASES)("%s is refused by name", async (_name, answer, code, words) => {
    await using fake = await start();
    fake.instead.set("GetDeviceInformation", (_request, response) => answer(response));
    const { problem, streams } = await probe(fake, code === "SILENT" ? IMPATIENT : {});
    expect(problem).toMatchObject({ code, message: expect.stringMatching(words) as string });
    expect(streams).toEqual([]);
    expect(
      fake.calls.filter(({ operation }) => operation === "GetDeviceInformation").length,
    ).toBeLessThan(6);
  });

  test("endless is read no further than its limit", async () => {
    await using fake = await start();
    const sockets: Socket[] = [];
    const noted = (message: unknown): void =>
      void sockets.push((message as { socket: Socket }).socket);
    subscribe("net.client.socket", noted);
    onTestFinished(() => void unsubscribe("net.client.socket", noted));
    fake.instead.set("GetDeviceInformation", (_request, response) => {
      response.writeHead(200, { "content-type": SOAP });
      const more = (): void => {
        while (!response.destroyed && response.write("a".repeat(65_536)));
      };
      response.on("drain", more);
      more();
    });
    const before = process.memoryUsage().arrayBuffers;
    const { problem } = await probe(fake);
    expect(problem).toMatchObject({ code: "PROTOCOL_ERROR", message: /longer than 1024 KiB/ });
    // How much was sent says little: the kernel takes what nobody has read yet.
    const read = Math.max(...sockets.map(({ bytesRead }) => bytesRead));
    expect(read).toBeGreaterThan(1024 * 1024);
    expect(read).toBeLessThan(2 * 1024 * 1024);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
  });

  test("always one byte away is given up in time", async () => {
    await using fake = await start();
    fake.instead.set("GetDeviceInformation", (_request, response) => {
      response.writeHead(200, { "content-type": SOAP });
      const timer = setInterval(() => response.write(" "), 50);
      response.on("close", () => clearInterval(timer));
    });
    expect((await probe(fake, IMPATIENT)).problem).toMatchObject({
      code: "SILENT",
      message: /takes too long/,
    });
  });

  test("preceded by interim answers for ever is given up in time", async () => {
    await using fake = await start();
    fake.instead.set("GetDeviceInformation", (_request, response) => {
      const timer = setInterval(() => response.writeProcessing(), 20);
      response.on("close", () => clearInterval(timer));
    });
    expect((await probe(fake, IMPATIENT)).problem).toMatchObject({ code: "SILENT" });
  });

  test("under headers named like what objects inherit is read as any other", async () => {
    await using fake = await start();
    fake.instead.set("GetDeviceInformation", (_request, response) => {
      const body = deviceInformation({ maker: "A", model: "B" });
      response.socket?.end(
        `HTTP/1.1 200 OK\r\n__proto__: x\r\n__proto__: y\r\nconstructor: z\r\nContent-Type: text/xml\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
    });
    expect(await probe(fake)).toMatchObject({ maker: "A", model: "B", problem: null });
  });
});

describe("a device that names another place", () => {
  test.each(["http://169.254.169.254/latest", "http://10.0.0.1:22/", "trap"])(
    "for its services (%s) is asked at its own host only, and that is said",
    async (place) => {
      await using fake = await start();
      const base = place === "trap" ? trapUrl : place;
      fake.instead.set("GetServices", (_request, response) =>
        send(
          response,
          200,
          services([
            {
              namespace: "http://www.onvif.org/ver10/media/wsdl",
              address: `${new URL("/onvif/media", base).href}`,
            },
            { namespace: "http://www.onvif.org/ver10/events/wsdl", address: "file:///etc/passwd" },
          ]),
        ),
      );
      const answer = await probe(fake);
      expect(answer.otherHosts).toEqual([new URL(base).hostname]);
      expect(answer).toMatchObject({ problem: null, events: false, main: 0 });
    },
  );

  test("for its still is asked for it at its own host", async () => {
    await using fake = await start({ announcedBase: trapUrl, snapshot: Buffer.from("no") });
    const answer = await probe(fake);
    expect(answer.stillProblem).toMatchObject({ message: /no JPEG/ });
    expect(fake.calls.at(-1)).toMatchObject({
      operation: "GET",
      path: "/snapshot.jpg?channel=1&subtype=0",
    });
  });
});

test("names with markup and control characters are kept as one plain line", async () => {
  await using fake = await start({
    maker: `<script>alert("1")</script>`,
    model: "A\u202E\u200bevil\n\tB",
  });
  expect(await probe(fake)).toMatchObject({
    maker: `<script>alert("1")</script>`,
    model: "A evil B",
  });
});

test("a clock that is none is said not to be known", async () => {
  await using fake = await start({ login: "none" });
  fake.instead.set("GetSystemDateAndTime", (_request, response) =>
    send(
      response,
      200,
      envelope(
        "<GetSystemDateAndTimeResponse><SystemDateAndTime><UTCDateTime><Time><Hour>99</Hour></Time></UTCDateTime></SystemDateAndTime></GetSystemDateAndTimeResponse>",
      ),
    ),
  );
  expect(await probe(fake)).toMatchObject({ clockOffsetMs: null, problem: null, main: 0 });
});
