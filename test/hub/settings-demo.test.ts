import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import type { SettingsAnswer } from "../../src/protocol/api-settings.ts";
import { readSettings } from "../../src/settings/settings.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { startTestHub, type Method } from "../support/test-hub.ts";

describe("the demo", () => {
  test("ends with the first camera, begins again with the last, and keeps the example's comments", async () => {
    const folder = temporaryFolder();
    const settings = await readSettings(folder.path, null, {});
    await using own = await startTestHub({
      dataDirectory: folder.path,
      settings: { ...settings, port: 0 },
    });
    const ask = async (method: Method, url: string, body?: unknown): Promise<SettingsAnswer> =>
      (await own.call(method, url, { as: own.owner, body })).json();
    expect(await ask("GET", "/api/settings")).toMatchObject({ isDemo: true });
    const added = await ask("PUT", "/api/settings/cameras/door", { main: "rtsp://127.0.0.1:9/x" });
    expect(added).toMatchObject({ isDemo: false, cameras: [{ id: "door" }] });
    const health = await own.call("GET", "/api/health", { as: own.owner });
    expect(health.json()).toMatchObject({ cameras: [{ id: "door" }], version: "0.1.0" });
    const text = readFileSync(path.join(folder.path, "doorward.yaml"), "utf8");
    expect(text).toContain("# Without a camera, a demo scene plays");
    expect(text).toContain("#   space: 20GB");
    expect(await ask("DELETE", "/api/settings/cameras/door")).toMatchObject({ isDemo: true });
    const gone = await own.call("DELETE", "/api/settings/cameras/demo", { as: own.owner });
    expect(gone.statusCode).toBe(404);
    expect(existsSync(path.join(folder.path, "secrets", "cameras.yaml"))).toBe(false);
    await folder[Symbol.asyncDispose]();
  });
});
