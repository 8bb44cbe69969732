import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createOutsideServer } from "../../src/http/outside.ts";
import { createServer } from "../../src/http/server.ts";
import { addOutsideLimits, OUTSIDE_LIMITS } from "../../src/http/outside-limits.ts";
import { openAttachment, sealAttachment } from "../../src/owner/request-attachment.ts";
import { fillForm, openRequest } from "../../src/owner/requests.ts";
import { LIMITS } from "../../src/protocol/limits.ts";
import { noticePage, type NoticeFacts } from "../../src/protocol/door-notice.ts";
import { statusTokenOf } from "../../src/protocol/status-token.ts";
import { makeForm, requestDocument } from "../support/test-consent.ts";
import { keyringOf } from "../support/test-handling.ts";
import { startTestHub, type TestHub } from "../support/test-hub.ts";

let hub: TestHub;
let outside: string;
beforeAll(async () => {
  hub = await startTestHub({ outside: true });
  outside = hub.hub.outsideUrl ?? "";
});
afterAll(() => hub[Symbol.asyncDispose]());

const post = (path: string, body: string | Uint8Array<ArrayBuffer>, type = "text/plain") =>
  fetch(`${outside}${path}`, {
    method: "POST",
    headers: { "content-type": type, origin: "null" },
    body,
  });

async function withDocument(bytes = Buffer.from("An order\n")) {
  const form = await makeForm(hub);
  const attached = await sealAttachment("order.txt", bytes, form.owners);
  const request = await fillForm(form, requestDocument(), attached);
  return { request, sealed: new Uint8Array(attached.sealed), attached };
}

describe("the outside listener", () => {
  test("is off unless the settings say so", async () => {
    await using quiet = await startTestHub();
    expect(quiet.hub.outsideUrl).toBeNull();
    expect(quiet.hub.services.intakeUrl()).toBeNull();
    expect(quiet.hub.services.health().outside).toBeNull();
    expect(hub.hub.services.health().outside).toBe(outside);
  });

  test("tells search engines nothing, sets no cookie, and lets nothing run", async () => {
    for (const path of ["/notice", "/intake", "/status/x", "/nowhere", "/"]) {
      const { headers } = await fetch(`${outside}${path}`);
      expect(headers.get("x-robots-tag"), path).toBe("noindex, nofollow");
      expect(headers.get("set-cookie"), path).toBeNull();
      expect(headers.get("cache-control"), path).toBe("no-store");
      expect(headers.get("content-security-policy"), path).toContain("default-src 'none'");
      expect(headers.get("server"), path).toBeNull();
    }
  });

  test("answers what is waiting, unknown and malformed with the same bytes", async () => {
    const form = await makeForm(hub);
    const waiting = statusTokenOf(form.token);
    expect(
      (await post("/intake", JSON.stringify(await fillForm(form, requestDocument())))).status,
    ).toBe(200);
    const answers = [];
    for (const path of [
      `/status/${waiting}`,
      `/status/${"0".repeat(64)}`,
      "/status/x",
      "/nowhere",
    ]) {
      const answer = await fetch(`${outside}${path}`);
      const { date: _date, ...headers } = Object.fromEntries(answer.headers);
      answers.push(JSON.stringify([answer.status, headers, await answer.text()]));
    }
    expect(new Set(answers).size).toBe(1);
  });

  test.each<[string, string, string | Uint8Array<ArrayBuffer>, string, number[]]>([
    ["no JSON", "/intake", "{", "text/plain", [400]],
    ["JSON of another shape", "/intake", "[]", "application/json", [422]],
    ["a prototype", "/intake", '{"__proto__":{"token":"x"}}', "application/json", [400, 422]],
    ["bytes", "/intake", new Uint8Array(100), "application/octet-stream", [415]],
    ["a form field", "/intake", "token=x", "application/x-www-form-urlencoded", [415]],
    ["more than 64 KiB", "/intake", "x".repeat(LIMITS.requestBytes + 1), "text/plain", [413]],
    [
      "a document that nobody announced",
      `/intake/documents/${"0".repeat(64)}`,
      "x",
      "text/plain",
      [410],
    ],
    [
      "a document under no hash",
      "/intake/documents/..%2f..%2fx",
      "x",
      "text/plain",
      [400, 404, 410, 422],
    ],
  ])("refuses %s", async (_what, path, body, type, statuses) => {
    const answer = await post(path, body, type);
    expect(statuses).toContain(answer.status);
    expect(await answer.text()).not.toMatch(/\/src\/|node_modules|SQLITE/);
  });

  test("takes a document once, whole, after its request, and owners alone open it", async () => {
    const { request, sealed, attached } = await withDocument();
    const path = `/intake/documents/${attached.announced.sha256}`;
    expect((await post(path, sealed)).status).toBe(410);
    expect((await post("/intake", JSON.stringify(request))).status).toBe(200);
    expect((await post(path, sealed.subarray(1))).status).toBe(410);
    const { requests, documents } = hub.hub.services;
    const stored = requests.list(10).find(({ id }) => documents.of(id) !== null);
    if (!stored) throw new Error("no request");
    expect(hub.hub.services.documents.of(stored.id)?.receivedAtMs).toBeNull();
    expect((await post(path, sealed)).status).toBe(204);
    expect((await post(path, sealed)).status).toBe(410);
    const kept = await hub.hub.services.documents.read(stored.id);
    const owners = hub.owner.bundle.readers.owners ?? "";
    const opened = await openRequest(request.asked, request.personal, [owners]);
    if (!opened.document) throw new Error("no document");
    expect(Buffer.from(await openAttachment(opened.document, kept, [owners])).toString()).toBe(
      "An order\n",
    );
    expect(keyringOf(hub).readers.owners).toBeDefined();
  });

  test("answers a document that nobody awaits before it has read it", async () => {
    const socket = await dial();
    socket.write(
      `POST /intake/documents/${"1".repeat(64)} HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\ncontent-length: 4000000\r\n\r\n`,
    );
    // Not a byte of the body was sent.
    expect(String((await once(socket, "data"))[0])).toContain("410");
    socket.destroy();
  });

  test("reads an awaited document for one sender at a time, and of the announced size only", async () => {
    const { request, sealed, attached } = await withDocument();
    const path = `/intake/documents/${attached.announced.sha256}`;
    expect((await post("/intake", JSON.stringify(request))).status).toBe(200);
    const begin = async (sizeBytes: number): Promise<Socket> => {
      const socket = await dial();
      socket.write(
        `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\ncontent-length: ${sizeBytes}\r\nexpect: 100-continue\r\n\r\n`,
      );
      return socket;
    };
    const larger = await begin(sealed.length + 1);
    await vi.waitUntil(async () => String((await once(larger, "data"))[0]).includes("410"));
    larger.destroy();
    const slow = await begin(sealed.length);
    expect(String((await once(slow, "data"))[0])).toContain("100");
    await vi.waitUntil(async () => (await post(path, sealed)).status === 410);
    slow.destroy();
    await vi.waitUntil(async () => (await post(path, sealed)).status === 204);
  });

  test("knows its own names only, also for what is public", async () => {
    const socket = await dial();
    socket.write("GET /notice HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n");
    expect(String((await once(socket, "data"))[0])).toContain(" 421 ");
    socket.destroy();
  });

  async function dial(): Promise<Socket> {
    const socket = connect(Number(new URL(outside).port), "127.0.0.1");
    await once(socket, "connect");
    return socket;
  }
});

describe("limits of a listener that faces everybody", () => {
  test("are in force: headers, whole requests, idle sockets, how many", async () => {
    const server = await createOutsideServer(hub.hub.services, {
      version: "0",
      hostNames: ["localhost"],
      logLevel: "silent",
    });
    // What Node goes by.
    expect(server.server.headersTimeout).toBe(10_000);
    expect(server.server.requestTimeout).toBe(120_000);
    expect(server.server.timeout).toBe(60_000);
    expect(server.server.maxConnections).toBe(128);
    expect(server.server.maxRequestsPerSocket).toBe(100);
    await server.close();
  });

  test("a connection that does not finish its headers is closed", async () => {
    const server = await createServer({
      sessions: null,
      version: "0",
      hostNames: ["localhost"],
      logLevel: "silent",
      limits: { ...OUTSIDE_LIMITS, headersMs: 50, requestMs: 100, checkEveryMs: 20 },
    });
    await server.listen({ host: "127.0.0.1", port: 0 });
    const address = server.server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const socket = connect(address.port, "127.0.0.1");
    await once(socket, "connect");
    socket.write("GET / HTTP/1.1\r\nhost: localhost\r\nx-slow: ");
    socket.resume();
    // Closed by the server: nothing here ends it.
    await once(socket, "close");
    expect(socket.destroyed).toBe(true);
    await server.close();
  });

  test("all callers together have one bucket, which fills again", async () => {
    const server = await createServer({
      sessions: null,
      version: "0",
      hostNames: ["localhost"],
      logLevel: "silent",
    });
    let nowMs = 0;
    addOutsideLimits(server, () => nowMs);
    server.get("/here", { config: { access: "public" } }, async () => "here");
    let calls = 0;
    const call = async (): Promise<number> => {
      calls += 1;
      const remoteAddress = `192.0.2.${calls % 250}`;
      const url = calls % 2 === 0 ? "/here" : `/nowhere/${calls}`;
      return (await server.inject({ url, headers: { host: "localhost" }, remoteAddress }))
        .statusCode;
    };
    const first = [];
    for (let count = 0; count < 301; count += 1) first.push(await call());
    expect(first.slice(0, 300)).not.toContain(429);
    expect(first.at(-1)).toBe(429);
    nowMs += 100;
    expect(await call()).not.toBe(429);
    expect(await call()).toBe(429);
    await server.close();
  });
});

describe("the notice for the door", () => {
  const FACTS: NoticeFacts = {
    cameras: 2,
    withSound: 1,
    motionMs: 7 * 86_400_000,
    bellMs: 36 * 3_600_000,
    contact: null,
    url: null,
  };

  test("says in both languages what is recorded, how long, and how to ask", () => {
    const page = noticePage(FACTS);
    expect(page).toContain("2 cameras record here.");
    expect(page).toContain("2 caméras enregistrent ici.");
    expect(page).toContain("Some cameras also record sound.");
    expect(page).toContain("after 7 days; one of the bell after 36 hours");
    expect(page).toContain("après 7 jours, celui de la sonnette après 36 heures");
    expect(noticePage({ ...FACTS, cameras: 1, withSound: 0 })).toContain("Sound is not recorded.");
    expect(noticePage({ ...FACTS, withSound: 2 })).toContain("Sound is recorded, too.");
  });

  test("has a QR code where there is an address, and what was written is text", () => {
    expect(noticePage(FACTS)).not.toContain("<svg");
    const contact = `<script>alert(1)</script> & "Flat 2"`;
    const page = noticePage({ ...FACTS, contact, url: "https://door.example.org/notice" });
    expect(page).toContain("<svg");
    expect(page).toContain("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;Flat 2&quot;");
    expect(page).not.toContain("<script");
    expect(page).not.toMatch(/\son\w+=|https?:\/\/(?!door\.example\.org)/);
  });

  test("is public, and tells neither the hub's name nor a camera's, nor who has read it", async () => {
    await using named = await startTestHub({
      outside: true,
      settings: {
        name: "The Secret House",
        noticeContact: "Flat 2",
        cameras: [
          { id: "attic", name: "Attic window", audio: true, faces: "keep", source: "demo" },
        ],
      },
    });
    const before = named.hub.services.ledger.size();
    for (const url of [named.hub.url, named.hub.outsideUrl ?? ""]) {
      const answer = await fetch(`${url}/notice`);
      const page = await answer.text();
      expect(answer.headers.get("content-type")).toBe("text/html; charset=utf-8");
      expect(answer.headers.get("content-security-policy")).toMatch(
        /^default-src 'none'; style-src 'sha256-/,
      );
      expect(page).toContain("Flat 2");
      expect(page).toContain(`${named.hub.outsideUrl}/notice`);
      expect(page).not.toMatch(/Secret|Attic|attic/);
    }
    expect(named.hub.services.ledger.size()).toBe(before);
    const facts = await named.call("GET", "/api/notice", { as: named.owner });
    // What is off at this moment is not for paper, which stays.
    const { switchedOff, ...printed } = named.hub.services.notice();
    expect(switchedOff).toBe(0);
    expect(facts.json()).toEqual(printed);
  });
});
