import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { DeviceHttp } from "../../src/camera/device-http.ts";

// The one HTTP client to cameras, by itself.

const admin = { username: "admin", password: "secret", allowBasic: false };

async function serve(answer: RequestListener, host = "127.0.0.1") {
  const calls: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    calls.push(request.headers.authorization);
    request.resume();
    answer(request, response);
  }).listen(0, host);
  await once(server, "listening");
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}/path?a=1`,
    calls,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

test("asks its own host only, also where it is told to ask another", async () => {
  await using other = await serve((_request, response) => response.end("x"), "127.0.0.9");
  const client = new DeviceHttp({ host: "127.0.0.1", credentials: admin });
  for (const url of [other.url, other.url.replace("127.0.0.9", "127.0.0.1@127.0.0.9")])
    await expect(client.request({ url })).rejects.toMatchObject({
      code: expect.stringMatching(/^(?:OTHER_HOST|PROTOCOL_ERROR)$/) as string,
    });
  await expect(client.request({ url: "file:///etc/passwd" })).rejects.toMatchObject({
    code: "PROTOCOL_ERROR",
  });
  expect(other.calls).toEqual([]);
  expect(client.isOwn(other.url)).toBe(false);
  expect(client.isOwn("http://127.1:99/")).toBe(true);
});

test.each([[1], [3]])(
  "shows a digest, keeps its nonce, and takes a new one where it lapses (%i)",
  async (lapsesAfter) => {
    let uses = 0;
    let nonce = 0;
    await using server = await serve((request, response) => {
      const shown = /nonce="(\d+)"/.exec(request.headers.authorization ?? "")?.[1];
      if (shown === String(nonce) && uses < lapsesAfter) {
        uses += 1;
        response.end("fine");
        return;
      }
      [nonce, uses] = [nonce + 1, 0];
      response.setHeader("www-authenticate", [
        `Basic realm="x"`,
        `Digest realm="x", nonce="${nonce}", qop="auth", algorithm=MD5`,
        `Digest realm="x", nonce="${nonce}", qop="auth", algorithm=SHA-256`,
      ]);
      response.writeHead(401).end();
    });
    const client = new DeviceHttp({ host: "127.0.0.1", credentials: admin });
    for (let call = 0; call < 4; call += 1)
      expect(Buffer.from((await client.request({ url: server.url })).body).toString()).toBe("fine");
    const shown = server.calls.filter((value) => value !== undefined);
    expect(shown.every((value) => /^Digest .*algorithm=SHA-256/.test(value))).toBe(true);
    expect(shown.join()).not.toContain("secret");
  },
);

test("shows a wrong password once, and says so", async () => {
  await using server = await serve(
    (_request, response) =>
      void response
        .writeHead(401, {
          "www-authenticate": `Digest realm="x", nonce="${Math.random()}", qop="auth"`,
        })
        .end(),
  );
  const client = new DeviceHttp({ host: "127.0.0.1", credentials: admin });
  await expect(client.request({ url: server.url })).rejects.toMatchObject({
    code: "WRONG_PASSWORD",
  });
  expect(server.calls.filter((value) => value !== undefined)).toHaveLength(1);
});

test("hands an answer without an end on as it comes, until it is left", async () => {
  const { promise: left, resolve } = Promise.withResolvers<void>();
  await using server = await serve((_request, response) => {
    response.writeHead(200, { "content-type": "multipart/x-mixed-replace" }).write("one");
    response.on("close", resolve);
    response.on("drain", () => undefined);
    setImmediate(() => response.write("two"));
  });
  const client = new DeviceHttp({ host: "127.0.0.1", credentials: null });
  {
    await using stream = await client.open({ url: server.url });
    expect(stream.headers.get("content-type")).toEqual(["multipart/x-mixed-replace"]);
    let text = "";
    for await (const chunk of stream.chunks) {
      text += Buffer.from(chunk).toString();
      if (text === "onetwo") break;
    }
  }
  await left;
});

test("stops at once where it is told to", async () => {
  const controller = new AbortController();
  await using server = await serve(() => controller.abort());
  const client = new DeviceHttp({ host: "127.0.0.1", credentials: null });
  await expect(
    client.request({ url: server.url, signal: controller.signal }),
  ).rejects.toMatchObject({ code: "UNREACHABLE", message: /stopped/ });
});
