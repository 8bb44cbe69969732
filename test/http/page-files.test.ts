import { mkdirSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import path from "node:path";
import { brotliCompressSync, brotliDecompressSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FEATURES } from "../../src/http/page-files.ts";
import { startTestHub, type TestHub } from "../support/test-hub.ts";
import { temporaryFolder } from "../support/temporary.ts";

const SCRIPT = `console.log("door");\n`.repeat(100);

let folder: ReturnType<typeof temporaryFolder>;
let hub: TestHub;
beforeAll(async () => {
  folder = temporaryFolder();
  const dist = path.join(folder.path, "dist");
  mkdirSync(path.join(dist, "assets/redact"), { recursive: true });
  const write = (name: string, bytes: string | Uint8Array): void =>
    writeFileSync(path.join(dist, name), bytes);
  write("index.html", "<!doctype html><title>Doorward</title>");
  write("door.svg", "<svg/>");
  write("app.webmanifest", "{}");
  write("service-worker.js", "1");
  write("assets/main-Ab_1-9x.js", SCRIPT);
  write("assets/main-Ab_1-9x.js.br", brotliCompressSync(SCRIPT));
  write("assets/main-Ab_1-9x.js.gz", gzipSync(SCRIPT));
  write("assets/main-Ab_1-9x.js.map", "{}");
  write("assets/style-1.css", "a{}");
  write("assets/.secret", "hidden");
  write(".env", "hidden");
  write("assets/redact/redact-worker-1.js", "1");
  write("assets/redact/ort-1.wasm", new Uint8Array(8));
  writeFileSync(path.join(folder.path, "outside.js"), "outside");
  hub = await startTestHub({ pageDirectory: dist });
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

/** As it stands, without what a client would tidy up in the path. */
async function getRaw(rawPath: string): Promise<{ status: number; body: string }> {
  const { port } = new URL(hub.hub.url);
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port, path: rawPath }, (answer) => {
      let body = "";
      answer.setEncoding("latin1").on("data", (chunk: string) => (body += chunk));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body }));
    });
    asked.setHeader("host", "localhost");
    asked.on("error", reject).end();
  });
}

describe("the page's files", () => {
  test("are the build's, with the types of their names", async () => {
    const cases = [
      ["/", "text/html"],
      ["/index.html", "text/html"],
      ["/door.svg", "image/svg+xml"],
      ["/app.webmanifest", "application/manifest+json"],
      ["/service-worker.js", "application/javascript"],
      ["/assets/main-Ab_1-9x.js", "application/javascript"],
      ["/assets/style-1.css", "text/css"],
      ["/assets/redact/redact-worker-1.js", "application/javascript"],
      ["/assets/redact/ort-1.wasm", "application/wasm"],
    ] as const;
    for (const [url, type] of cases) {
      const answer = await hub.call("GET", url);
      expect(answer.statusCode, url).toBe(200);
      expect(answer.headers["content-type"], url).toContain(type);
    }
  });

  test("with a hash in the name are kept for good; the others are asked for again", async () => {
    const cacheOf = async (url: string) => (await hub.call("GET", url)).headers["cache-control"];
    expect(await cacheOf("/")).toBe("no-cache");
    expect(await cacheOf("/door.svg")).toBe("no-cache");
    for (const url of ["/assets/main-Ab_1-9x.js", "/assets/redact/ort-1.wasm"])
      expect(await cacheOf(url)).toBe("public, max-age=31536000, immutable");
    expect(await cacheOf("/assets/none.js")).toBe("no-store");
    const { etag } = (await hub.call("GET", "/")).headers;
    const again = await hub.call("GET", "/", { headers: { "if-none-match": String(etag) } });
    expect([again.statusCode, again.body]).toEqual([304, ""]);
  });

  test("the service worker is asked for again each time, and may ask this hub and nothing else", async () => {
    const { headers } = await hub.call("GET", "/service-worker.js");
    expect(headers["cache-control"]).toBe("no-cache");
    expect(headers["content-security-policy"]).toBe(
      "default-src 'none'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    );
  });

  test("go out as they were compressed beforehand, where the browser takes that", async () => {
    const url = "/assets/main-Ab_1-9x.js";
    const get = (encodings: string) =>
      hub.call("GET", url, { headers: { "accept-encoding": encodings } });
    const br = await get("gzip, deflate, br");
    expect([br.headers["content-encoding"], br.headers["vary"]]).toEqual(["br", "accept-encoding"]);
    expect(brotliDecompressSync(br.rawPayload).toString()).toBe(SCRIPT);
    expect(br.headers["content-type"]).toContain("application/javascript");
    expect((await get("gzip")).headers["content-encoding"]).toBe("gzip");
    expect((await get("identity")).body).toBe(SCRIPT);
  });

  test("are all there is: no hidden file, no map, no list, nothing beside the folder", async () => {
    const tries = [
      "/.env",
      "/assets/.secret",
      "/assets/main-Ab_1-9x.js.map",
      "/assets/main-Ab_1-9x.js.br",
      "/assets/",
      "/assets",
      "/assets/redact/",
      "/assets/redact",
      "/../outside.js",
      "/assets/../../outside.js",
      "/assets/..%2f..%2foutside.js",
      "/..%2foutside.js",
      "/%2e%2e%2foutside.js",
      "/assets/%2e%2e/%2e%2e/outside.js",
      "/assets/..%5c..%5coutside.js",
      "/assets/redact/..%2fmain-Ab_1-9x.js",
      "//outside.js",
      "/assets//main-Ab_1-9x.js",
      `/${encodeURIComponent(path.join(folder.path, "outside.js"))}`,
      "/index.html%00.js",
      "/assets/main-Ab_1-9x.js%00",
      "/%",
      "/assets/%ff",
      `/assets/${"a".repeat(3_000)}`,
    ];
    for (const url of tries) {
      const { status, body } = await getRaw(url);
      expect([400, 404, 414], url).toContain(status);
      expect(body, url).not.toMatch(/outside|hidden|console\.log|\{\}/);
    }
    expect((await getRaw("/door.svg")).status).toBe(200);
  });

  test("are only ever read", async () => {
    for (const method of ["POST", "PUT", "DELETE", "PATCH", "HEAD"] as const)
      for (const url of ["/", "/index.html", "/assets/main-Ab_1-9x.js"])
        expect((await hub.call(method, url)).statusCode, `${method} ${url}`).toBe(404);
  });
});

describe("what a browser may do with the page", () => {
  const headersOf = async (url: string) => (await hub.call("GET", url)).headers;

  test("is little: own files, own hub, no frame around it, no string as markup", async () => {
    for (const url of ["/", "/assets/main-Ab_1-9x.js", "/door.svg"]) {
      const headers = await headersOf(url);
      const policy = String(headers["content-security-policy"]).split("; ");
      expect(policy, url).toEqual([
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "worker-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types svelte-trusted-html doorward",
      ]);
      expect(headers).toMatchObject({
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-embedder-policy": "require-corp",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
      });
      const features = String(headers["permissions-policy"]).split(", ");
      for (const off of ["camera=()", "geolocation=()", "usb=()"]) expect(features).toContain(off);
      expect(features).toContain("publickey-credentials-get=(self)");
      // To talk at a door; whoever opens a share is asked for nothing.
      expect(features).toContain("microphone=(self)");
      expect(FEATURES.split(", ")).toContain("microphone=()");
      expect(features.join()).not.toMatch(/\*|https?:/);
    }
  });

  test("WebAssembly is compiled by files of one folder only", async () => {
    for (const url of ["/", "/door.svg", "/assets/main-Ab_1-9x.js", "/api/hub", "/assets/none.js"])
      expect((await headersOf(url))["content-security-policy"], url).not.toContain("unsafe");
    const redacting = await headersOf("/assets/redact/redact-worker-1.js");
    expect(redacting["content-security-policy"]).toContain("script-src 'self' 'wasm-unsafe-eval';");
    expect(redacting["content-security-policy"]).not.toContain("'unsafe-eval'");
  });

  test("answers of the interface keep a policy that allows nothing", async () => {
    const { "content-security-policy": policy } = await headersOf("/api/hub");
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain("script-src");
  });
});

describe("a hub whose page was never built", () => {
  test("says how, loads nothing, and shows the page once it is there", async () => {
    await using own = temporaryFolder();
    const dist = path.join(own.path, "dist");
    await using hubOnly = await startTestHub({ claimed: false, pageDirectory: dist });
    const plain = await hubOnly.call("GET", "/");
    expect(plain.statusCode).toBe(200);
    expect(plain.body).toContain("node scripts/set-up.mjs page");
    expect(plain.body).not.toMatch(/<script|<img|<iframe|<link|style=| on[a-z]+=|https?:/);
    expect(plain.headers["cache-control"]).toBe("no-store");
    mkdirSync(dist);
    writeFileSync(path.join(dist, "index.html"), "<!doctype html><title>built</title>");
    expect((await hubOnly.call("GET", "/")).body).toContain("built");
  });
});
