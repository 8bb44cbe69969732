import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { openS3Place } from "../../src/offsite/place-s3.ts";
import { openWebDavPlace } from "../../src/offsite/place-webdav.ts";
import { readAll, type Place } from "../../src/offsite/place.ts";
import { readXml } from "../../src/offsite/xml.ts";
import { sha256Hex } from "../../src/protocol/bytes.ts";
import { DAV_LOGIN, S3_LOGIN } from "../support/copy-places.ts";

// A server that says what it likes.

const signal = new AbortController().signal;
const NAME = "ledger/one.age";
const bytes = new Uint8Array(100_000).fill(7);
const content = {
  ...{ sizeBytes: bytes.length, sha256: sha256Hex(bytes) },
  open: async function* () {
    yield bytes;
  },
};
const running: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of running.splice(0)) await stop();
});

async function places(answer: http.RequestListener, silenceMs = 60_000): Promise<Place[]> {
  const server = http.createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const at = { endpoint, region: "us-east-1", bucket: "house", prefix: "" };
  const opened = [
    openWebDavPlace(`${endpoint}/dav/`, DAV_LOGIN, { silenceMs }),
    openS3Place(at, S3_LOGIN, { silenceMs }),
  ];
  running.push(async () => {
    for (const place of opened) await place[Symbol.asyncDispose]();
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });
  return opened;
}

test("a redirect is not followed, and the login goes nowhere else", async () => {
  let elsewhere = 0;
  const [webdav, s3] = await places((request, response) => {
    if (request.url?.startsWith("/elsewhere")) elsewhere += 1;
    response.writeHead(307, { location: "/elsewhere" }).end();
  });
  for (const place of [webdav, s3]) {
    await expect(place?.put(NAME, content, signal)).rejects.toMatchObject({
      code: "PLACE_REDIRECTS",
    });
    await expect(place && readAll(place, NAME, 9, signal)).rejects.toMatchObject({
      code: "PLACE_REDIRECTS",
    });
  }
  expect(elsewhere).toBe(0);
});

test("one that answers 200 to everything is no place", async () => {
  const [webdav, s3] = await places((_request, response) => response.writeHead(200).end("fine"));
  for (const place of [webdav, s3])
    await expect(place?.put(NAME, content, signal)).rejects.toMatchObject({
      code: expect.stringMatching(/^PLACE_(LIES|TAKEN)$/) as string,
    });
});

test("no room, a refused login and a failure are told from each other, before all was sent", async () => {
  for (const [status, code] of [
    [507, "PLACE_FULL"],
    [403, "PLACE_REFUSED"],
    [500, "PLACE_FAILED"],
  ] as const) {
    const [webdav, s3] = await places((request, response) => {
      if (["HEAD", "PROPFIND"].includes(request.method ?? "")) response.writeHead(404).end();
      else if (request.method === "MKCOL") response.writeHead(201).end();
      else response.writeHead(status).end();
    });
    for (const place of [webdav, s3])
      await expect(place?.put(NAME, content, signal)).rejects.toMatchObject({ code });
  }
});

test("an answer without an end is not read to it, and silence ends", async () => {
  const [webdav, s3] = await places((request, response) => {
    response.writeHead(request.method === "PROPFIND" ? 207 : 200);
    const pour = (): void => {
      while (response.write(Buffer.alloc(1 << 20, "x")));
    };
    response.on("drain", pour);
    pour();
  });
  for (const place of [webdav, s3])
    await expect(place?.list("", signal)[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: "PLACE_LIES",
    });
  const silent = await places(() => undefined, 50);
  for (const place of silent)
    await expect(place.look(NAME, signal)).rejects.toMatchObject({ code: "PLACE_SLOW" });
});

test("a range that is another one, or longer, is noticed or cut", async () => {
  const [webdav] = await places((_request, response) =>
    response.writeHead(206, { "content-range": "bytes 50-59/100" }).end("0123456789"),
  );
  const other = webdav?.read(NAME, signal, { from: 0, sizeBytes: 4 });
  await expect(other?.[Symbol.asyncIterator]().next()).rejects.toMatchObject({
    code: "PLACE_LIES",
  });
  const [, s3] = await places((_request, response) => response.writeHead(200).end("0123456789"));
  let text = "";
  for await (const part of s3?.read(NAME, signal, { from: 2, sizeBytes: 4 }) ?? [])
    text += Buffer.from(part).toString();
  expect(text).toBe("2345");
});

test("nobody there is said", async () => {
  await using place = openWebDavPlace("http://127.0.0.1:1/dav/", DAV_LOGIN);
  await expect(place.look(NAME, signal)).rejects.toMatchObject({ code: "PLACE_UNREACHABLE" });
});

test.each([
  "<a><!DOCTYPE x></a>",
  "<a><b></a></b>",
  "<a>",
  "text",
  "<a/><b/>",
  `${"<a>".repeat(40)}${"</a>".repeat(40)}`,
])("XML as %s is refused", (text) => {
  expect(() => readXml(new TextEncoder().encode(text))).toThrow(/Cannot read answer/);
});
