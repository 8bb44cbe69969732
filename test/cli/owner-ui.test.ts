import { createDecipheriv, createCipheriv, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { openKeys } from "../../src/cli/keys-directory.ts";
import { deviceOfBundle } from "../../src/owner/device-bundle.ts";
import { signLogin } from "../../src/owner/household.ts";
import { follow, HubClient, logIn } from "../../src/owner/hub-client.ts";
import type { Seen } from "../../src/owner/witness.ts";
import { ChallengeAnswer } from "../../src/protocol/api.ts";
import { startLiveHub, TEST_TIMEOUT_MS, type LiveHub } from "../support/live-hub.ts";
import { ask, startUi, type Ui } from "../support/owner-ui.ts";

// `owner ui`: the page from this machine, and behind it a hub that may be anybody's.

function unseal(key: Buffer, sealed: Buffer): unknown {
  const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, 12));
  decipher.setAuthTag(sealed.subarray(-16));
  const text = [decipher.update(sealed.subarray(12, -16)), decipher.final()];
  return JSON.parse(Buffer.concat(text).toString("utf8"));
}

function seal(key: Buffer, value: unknown): Buffer {
  const iv = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, iv);
  const text = [cipher.update(JSON.stringify(value)), cipher.final()];
  return Buffer.concat([iv, ...text, cipher.getAuthTag()]);
}

const OWN_PAGE = { "sec-fetch-site": "same-origin" };
const SEALED = { ...OWN_PAGE, "content-type": "application/octet-stream" };

describe("the page from the owner's machine", { timeout: TEST_TIMEOUT_MS }, () => {
  let hub: LiveHub;
  let ui: Ui;
  let cookie = "";
  beforeAll(async () => {
    hub = await startLiveHub();
    await hub.claim();
    ui = await startUi(hub.keysDirectory, "--no-open");
  }, TEST_TIMEOUT_MS);
  afterAll(async () => {
    await ui?.[Symbol.asyncDispose]();
    await hub?.[Symbol.asyncDispose]();
  });

  test("says where it is, whose files these are, and which versions", () => {
    expect(ui.url).toMatch(/^http:\/\/localhost:\d+$/);
    expect(ui.key).toHaveLength(32);
    expect(ui.said()).toContain("files come from this machine, not from the hub");
    expect(ui.said()).toContain("Both are of version 0.1.0");
  });

  test("serves the same files under the same headers as the hub, and nothing else", async () => {
    const mine = await ask(ui.url, "/");
    const hubs = await ask(hub.url, "/");
    expect(mine.status).toBe(200);
    expect(mine.body.equals(hubs.body)).toBe(true);
    for (const name of [
      "content-security-policy",
      "permissions-policy",
      "cross-origin-opener-policy",
      "cross-origin-resource-policy",
      "cross-origin-embedder-policy",
      "x-content-type-options",
    ])
      expect([name, mine.headers[name]]).toEqual([name, hubs.headers[name]]);
    const script = /\/assets\/[\w.-]+\.js/.exec(mine.body.toString())?.[0] ?? "";
    expect((await ask(ui.url, script)).status).toBe(200);
    for (const none of [
      "/api",
      "/apix",
      "/local",
      "/local/other",
      "/../package.json",
      "/assets/..%2f..%2fpackage.json",
      "/style.css",
      "//api/hub",
      "/status",
      "/openapi",
    ])
      expect([none, (await ask(ui.url, none)).status]).toEqual([none, 404]);
    for (const method of ["POST", "OPTIONS", "TRACE"])
      expect((await ask(ui.url, "/", { method })).status, method).toBe(404);
  });

  test("relays what the page asks, as if it asked the hub", async () => {
    const info = await ask(ui.url, "/api/hub");
    expect(info.body.toString()).toBe((await ask(hub.url, "/api/hub")).body.toString());
    const { bundle } = await openKeys(hub.keysDirectory);
    const client = new HubClient(ui.url);
    const { challenge } = await client.post(
      "/api/session/challenge",
      { device: deviceOfBundle(bundle) },
      ChallengeAnswer,
    );
    const login = await signLogin(bundle, challenge);
    const json = { "content-type": "application/json", origin: ui.url, ...OWN_PAGE };
    const entered = await ask(ui.url, "/api/session", {
      method: "POST",
      headers: json,
      body: JSON.stringify({ login, as: "cookie" }),
    });
    expect(entered.status).toBe(200);
    const [given = ""] = entered.headers["set-cookie"] ?? [];
    expect(given).toMatch(/^doorward-session=[0-9a-f]{64};.*HttpOnly.*SameSite=Strict/);
    cookie = given.split(";")[0] ?? "";
    const session = await ask(ui.url, "/api/session", { headers: { cookie, ...OWN_PAGE } });
    expect(JSON.parse(session.body.toString())).toMatchObject({ role: "owner" });
    const named = await ask(ui.url, "/api/settings/name", {
      method: "PUT",
      headers: { ...json, cookie },
      body: JSON.stringify({ name: "Through the relay" }),
    });
    expect([named.status, JSON.parse(named.body.toString())]).toMatchObject([
      200,
      { name: "Through the relay" },
    ]);
    expect((await ask(ui.url, "/api/nothing", { headers: { cookie } })).status).toBe(404);
  });

  test("relays live pictures over a socket", async () => {
    const address = `${ui.url.replace("http", "ws")}/api/live/demo`;
    await hub.waitFor("the demo", async () =>
      (await hub.health()).cameras[0]?.main === "streaming" ? true : null,
    );
    const direct = new WebSocket(`${hub.url.replace("http", "ws")}/api/live/demo`, {
      headers: { cookie, origin: hub.url },
    });
    const relayed = new WebSocket(address, { headers: { cookie, origin: ui.url } });
    const first = (socket: WebSocket): Promise<unknown[]> => once(socket, "message");
    const [[hubs], [mine]] = await Promise.all([first(direct), first(relayed)]);
    expect((mine as Buffer).toString()).toBe((hubs as Buffer).toString());
    await once(relayed, "message");
    relayed.close(1000);
    direct.close(1000);
    await once(relayed, "close");
    const stopped = new WebSocket(address, { headers: { origin: ui.url } });
    const [code, reason] = (await once(stopped, "close")) as [number, Buffer];
    expect([code, reason.toString()]).toEqual([1013, "the hub answered 401"]);
  });

  test("answers no other name, and no other site's page", async () => {
    const { port } = new URL(ui.url);
    for (const host of ["evil.example", `evil.example:${port}`, "localhost.evil.example"])
      for (const at of ["/", "/api/hub", "/local/keys"])
        expect((await ask(ui.url, at, { headers: { host } })).status, `${host} ${at}`).toBe(421);
    for (const origin of ["https://evil.example", "http://localhost:1", "null", hub.url]) {
      const body = "{}";
      const headers = { origin, "content-type": "application/json" };
      for (const at of ["/api/session/challenge", "/local/seen"])
        expect((await ask(ui.url, at, { method: "POST", headers, body })).status, origin).toBe(403);
      const socket = new WebSocket(`${ui.url.replace("http", "ws")}/api/live/demo`, {
        headers: { cookie, origin },
      });
      const [error] = (await once(socket, "error")) as [Error];
      expect(error.message).toContain("403");
    }
    const sibling = { "sec-fetch-site": "same-site", cookie };
    expect((await ask(ui.url, "/api/session", { headers: sibling })).status).toBe(403);
    expect(
      (
        await ask(ui.url, "/api/settings/name", {
          method: "PUT",
          headers: { ...sibling, "content-type": "application/json" },
          body: "{}",
        })
      ).status,
    ).toBe(403);
  });

  test("hands the keys over once, sealed, to its own page only", async () => {
    for (const site of ["cross-site", "same-site", "none"])
      expect(
        (await ask(ui.url, "/local/keys", { headers: { "sec-fetch-site": site } })).status,
      ).toBe(403);
    const first = await ask(ui.url, "/local/keys", { headers: OWN_PAGE });
    expect([first.status, first.headers["content-type"], first.headers["cache-control"]]).toEqual([
      200,
      "application/octet-stream",
      "no-store",
    ]);
    const { bundle, seen } = await openKeys(hub.keysDirectory);
    expect(unseal(ui.key, first.body)).toEqual({ v: 1, bundle, seen });
    expect(first.body.includes(bundle.signingSeed)).toBe(false);
    const again = await ask(ui.url, "/local/keys", { headers: OWN_PAGE });
    expect([again.status, JSON.parse(again.body.toString())]).toMatchObject([
      410,
      { code: "KEYS_HANDED_OUT" },
    ]);
    expect((await ask(hub.url, "/local/keys")).status).toBe(404);
  });

  test("remembers what the page has seen of the ledger, and nothing older or unsealed", async () => {
    const { bundle, seen: before } = await openKeys(hub.keysDirectory);
    const client = await logIn(hub.url, bundle);
    const { seen } = await follow(client, bundle, before);
    const post = async (body: Buffer): Promise<number> =>
      (await ask(ui.url, "/local/seen", { method: "POST", headers: SEALED, body })).status;
    expect(seen.size).toBeGreaterThan(before?.size ?? 0);
    const known = async (): Promise<Seen | null> => (await openKeys(hub.keysDirectory)).seen;
    for (const wrong of [
      Buffer.alloc(0),
      Buffer.alloc(28),
      seal(randomBytes(32), { v: 1, seen }),
      seal(ui.key, { v: 1, seen: { ...seen, size: -1 } }),
      seal(ui.key, { v: 1, seen, more: 1 }),
      Buffer.from(JSON.stringify({ v: 1, seen })),
    ])
      expect(await post(wrong)).toBe(422);
    expect(await post(Buffer.alloc(300_000))).toBe(413);
    expect(await known()).toEqual(before);
    expect(await post(seal(ui.key, { v: 1, seen }))).toBe(204);
    expect(await known()).toEqual(seen);
    expect(await post(seal(ui.key, { v: 1, seen }))).toBe(204);
    for (const older of [
      before,
      { ...seen, root: "0".repeat(64) },
      { ...seen, size: seen.size + 1, epoch: -1 + seen.epoch },
    ])
      expect([409, 422]).toContain(await post(seal(ui.key, { v: 1, seen: older })));
    expect(await known()).toEqual(seen);
  });

  test("keeps what is secret out of the list of processes, the hub's log and its own words", async () => {
    const { bundle } = await openKeys(hub.keysDirectory);
    const lines: string[] = [];
    for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name)))
      lines.push(await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""));
    expect(lines.some((line) => line.includes("owner\0ui"))).toBe(true);
    for (const secret of [
      ui.key.toString("base64url"),
      ui.key.toString("hex"),
      bundle.signingSeed,
    ]) {
      expect(lines.join("\n")).not.toContain(secret);
      expect(hub.log() + hub.output()).not.toContain(secret);
    }
    expect(ui.said()).not.toContain(bundle.signingSeed);
    expect(ui.said().split(ui.key.toString("base64url"))).toHaveLength(2);
  });

  test("opens the browser through a file of its own, which goes when the keys are taken", async () => {
    const bin = path.join(hub.ownerDirectory, "bin");
    await mkdir(bin);
    const note = path.join(hub.ownerDirectory, "opened");
    await writeFile(
      path.join(bin, "xdg-open"),
      `#!/bin/sh\nprintf '%s' "$*" > ${note}.new; mv ${note}.new ${note}\n`,
      { mode: 0o755 },
    );
    const before = process.env["PATH"];
    process.env["PATH"] = `${bin}:${before ?? ""}`;
    await using own = await startUi(hub.keysDirectory).finally(
      () => (process.env["PATH"] = before),
    );
    const file = await hub.waitFor("the browser", () => readFile(note, "utf8").catch(() => null));
    expect(file).toMatch(/^\/.*\/open\.html$/);
    const text = await readFile(file, "utf8");
    expect(text).toContain(`${own.url}/#keys=${own.key.toString("base64url")}`);
    await ask(own.url, "/local/keys", { headers: OWN_PAGE });
    await hub.waitFor("its end", async () =>
      readFile(file).then(
        () => null,
        () => true,
      ),
    );
    expect(await own.interrupt()).toBe(0);
  });
});
