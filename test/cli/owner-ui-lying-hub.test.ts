import { once } from "node:events";
import { cp } from "node:fs/promises";
import http from "node:http";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { openKeys } from "../../src/cli/keys-directory.ts";
import type { HubInfo } from "../../src/protocol/api.ts";
import { startLiveHub, TEST_TIMEOUT_MS } from "../support/live-hub.ts";
import { ask, startUi } from "../support/owner-ui.ts";

describe("a hub that lies", { timeout: TEST_TIMEOUT_MS }, () => {
  test("runs nothing in the page's origin, sends it nowhere, and learns no other site's cookies", async () => {
    await using hub = await startLiveHub();
    await hub.claim();
    const { bundle } = await openKeys(hub.keysDirectory);
    const asked: http.IncomingHttpHeaders[] = [];
    const liar = http.createServer((request, answer) => {
      asked.push(request.headers);
      if (request.url === "/api/hub") {
        const info: HubInfo = {
          name: "Liar",
          version: "9.9.9\u001b[2J",
          claimed: true,
          origin: bundle.origin,
          ledgerKey: "",
          genesis: bundle.genesis,
        };
        answer.setHeader("content-type", "application/json").end(JSON.stringify(info));
        return;
      }
      if (request.url === "/api/elsewhere") {
        answer.writeHead(302, { location: "https://evil.example/" }).end();
        return;
      }
      answer.writeHead(200, {
        "content-type": request.url === "/api/script" ? "text/javascript" : "text/html",
        "content-security-policy": "script-src *",
        "access-control-allow-origin": "*",
        "service-worker-allowed": "/",
        "clear-site-data": '"*"',
        refresh: "0; url=https://evil.example/",
        "set-cookie": ["other=1; Path=/", "doorward-session=x; Domain=localhost; Path=/"],
      });
      answer.end("<script>alert(1)</script>");
    });
    const sockets = new WebSocketServer({ server: liar, path: "/api/echo" });
    sockets.on("connection", (socket) =>
      socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary })),
    );
    await new Promise<void>((resolve) => liar.listen(0, "127.0.0.1", resolve));
    const { port } = liar.address() as { port: number };
    const keys = path.join(hub.ownerDirectory, "copy");
    await cp(hub.keysDirectory, keys, { recursive: true });
    try {
      await using ui = await startUi(keys, "--hub", `http://127.0.0.1:${port}`, "--no-open");
      const warning = "WARNING: this machine has version 0.1.0, the hub 9.9.9";
      await hub.waitFor("the warning", () => (ui.said().includes(warning) ? true : null));
      expect(ui.said()).not.toContain("\u001b");
      for (const at of ["/api/page", "/api/script", "/status/x"]) {
        const headers = {
          cookie: "bank=secret; doorward-session=mine",
          referer: ui.url,
          "user-agent": "x",
        };
        const answer = await ask(ui.url, at, { headers });
        expect(answer.headers["content-security-policy"]).toMatch(/^default-src 'none'.*sandbox$/);
        expect(answer.headers["content-type"]).toBe(
          at === "/status/x" ? "text/html" : "application/octet-stream",
        );
        expect(answer.headers["x-content-type-options"]).toBe("nosniff");
        for (const name of [
          "access-control-allow-origin",
          "service-worker-allowed",
          "clear-site-data",
          "refresh",
          "location",
        ])
          expect(answer.headers[name]).toBeUndefined();
        expect(answer.headers["set-cookie"]).toEqual(["doorward-session=x; Path=/"]);
        expect(asked.at(-1)).toMatchObject({
          host: `127.0.0.1:${port}`,
          cookie: "doorward-session=mine",
        });
        expect(Object.keys(asked.at(-1) ?? {})).not.toContain("referer");
      }
      const withBody = { headers: { "content-length": "30" }, body: "x".repeat(30) };
      expect((await ask(ui.url, "/api/page", withBody)).status).toBe(200);
      expect(Object.keys(asked.at(-1) ?? {})).not.toContain("content-length");
      expect((await ask(ui.url, "/api/page")).status).toBe(200);
      expect((await ask(ui.url, "http://evil.example/api/page")).status).toBe(421);
      const elsewhere = await ask(ui.url, "/api/elsewhere");
      expect([elsewhere.status, elsewhere.headers.location]).toEqual([502, undefined]);
      const echo = new WebSocket(`${ui.url.replace("http", "ws")}/api/echo`, {
        headers: { origin: ui.url },
      });
      await once(echo, "open");
      echo.send("early");
      expect(String((await once(echo, "message"))[0])).toBe("early");
      echo.send(Buffer.alloc(70_000));
      expect((await once(echo, "close"))[0]).toBe(1009);
      liar.closeAllConnections();
      await new Promise((resolve) => liar.close(resolve));
      expect((await ask(ui.url, "/api/hub")).status).toBe(502);
    } finally {
      sockets.close();
      liar.close();
      liar.closeAllConnections();
    }
    const foreign = await hub.cli(
      "owner",
      "ui",
      "--keys",
      keys,
      "--no-open",
      "--hub",
      `http://127.0.0.1:${port}`,
    );
    expect([foreign.code, foreign.stderr]).toEqual([3, expect.stringContaining("Cannot reach")]);
  });
});
