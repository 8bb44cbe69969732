import { mkdtemp, rm, writeFile, truncate, readFile, stat } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { exportBundle } from "../../src/cli/export.ts";
import { sha256Hex, utf8Bytes } from "../../src/protocol/bytes.ts";
import { canonicalJson, parseCanonicalJson } from "../../src/protocol/canonical-json.ts";
import { verifyBundle } from "../../src/protocol/verify-bundle.ts";
import { readZip, writeZip } from "../../src/protocol/zip.ts";
import {
  decide,
  draftApproval,
  releasedBundle,
  signTerms,
  statusPath,
  typeRequest,
} from "../support/test-consent.ts";
import { requireOk, startTestHub, type TestHub } from "../support/test-hub.ts";
import { fetchShare, sharedClip } from "../support/test-share.ts";
import { generateReader } from "../../src/owner/identity.ts";

const VIEWER = utf8Bytes("<!doctype html><title>a viewer</title>");

let hub: TestHub;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "doorward-pick-up-"));
  await writeFile(path.join(folder, "viewer.html"), VIEWER);
  hub = await startTestHub({ clips: 1, pageDirectory: folder });
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const accesses = (request: string): number =>
  hub.hub.services.ledger.entries({ kind: "access", subject: request }).length;

describe("an approval that ends while its bundle is made ready", () => {
  test("is not there, as if it had ended before, for whoever has the address or a link", async () => {
    const { request } = await releasedBundle(hub, { clip: hub.clips[0] ?? "" });
    const made = await sharedClip(hub);
    const unknown = await hub.call("GET", `/status/${"f".repeat(64)}`);
    const { bundles } = hub.hub.services;
    const calls = [() => hub.call("GET", statusPath(request)), () => fetchShare(hub, made.token)];
    for (const call of calls) {
      const ledger = hub.ledgerKinds().length;
      let endsAtMs = 0;
      const beganAtMs = hub.clock.nowMs;
      // Asked for the files' places, the hub has found the approval and not yet entered the access.
      const spy = vi.spyOn(bundles, "entryIndexOfFile").mockImplementation((clip, file) => {
        endsAtMs = hub.clock.nowMs += 40 * 86_400_000;
        return hub.hub.services.clips.entryIndexOfFile(clip, file);
      });
      const answer = await call();
      spy.mockRestore();
      hub.clock.nowMs = beganAtMs;
      expect(endsAtMs).toBeGreaterThan(0);
      expect([answer.statusCode, answer.body]).toEqual([unknown.statusCode, unknown.body]);
      expect(hub.ledgerKinds()).toHaveLength(ledger);
    }
  });
});

describe("a fetch that broke off", () => {
  test("goes on with the same bytes, and is entered once", async () => {
    const { request, bundle } = await releasedBundle(hub, { clip: hub.clips[0] ?? "" });
    const id = request.record.request;
    const whole = requireOk(await hub.call("GET", statusPath(request)));
    const { etag } = whole.headers;
    expect(whole.headers["content-length"]).toBe(String(whole.rawPayload.length));
    expect(accesses(id)).toBe(2);
    for (const from of [1, 100, 5_000, whole.rawPayload.length - 1]) {
      const headers = { range: `bytes=${from}-`, "if-range": String(etag) };
      const rest = await hub.call("GET", statusPath(request), { headers });
      expect(rest.statusCode).toBe(206);
      expect(rest.headers["content-range"]).toBe(
        `bytes ${from}-${whole.rawPayload.length - 1}/${whole.rawPayload.length}`,
      );
      expect(rest.rawPayload.equals(whole.rawPayload.subarray(from))).toBe(true);
    }
    expect(accesses(id)).toBe(2);
    // The ledger grew in between, so that the first answer's proofs were others.
    expect((await verifyBundle(bundle)).holds).toBe(true);
  });

  test("a part without the name of its bytes, or with another's, is a new fetch of the whole", async () => {
    const { request } = await releasedBundle(hub, { clip: hub.clips[0] ?? "" });
    const other = await releasedBundle(hub, { clip: hub.clips[0] ?? "" });
    const foreign = requireOk(await hub.call("GET", statusPath(other.request))).headers.etag;
    const id = request.record.request;
    const before = accesses(id);
    const wishes = [
      { range: "bytes=10-" },
      { range: "bytes=10-", "if-range": `"${"0".repeat(64)}"` },
      { range: "bytes=10-", "if-range": String(foreign) },
      { range: "bytes=0-9" },
    ];
    for (const headers of wishes) {
      const answer = await hub.call("GET", statusPath(request), { headers });
      expect(answer.statusCode).toBe(200);
      expect((await verifyBundle(new Uint8Array(answer.rawPayload))).holds).toBe(true);
    }
    expect(accesses(id)).toBe(before + wishes.length);
  });

  test("is gone on with by the command line, over a line that breaks every time", async () => {
    const { request, bundle } = await releasedBundle(hub, { clip: hub.clips[0] ?? "" });
    const id = request.record.request;
    const before = accesses(id);
    const out = path.join(folder, "bundle.zip");
    const arrived = async (): Promise<number> =>
      (await stat(`${out}.partial`).catch(() => null))?.size ?? 0;
    await using line = await breakingLine(Math.ceil(bundle.length / 3), arrived);
    expect(await exportBundle([`${line.url}${statusPath(request)}`, "--out", out])).toBe(0);
    expect((await verifyBundle(new Uint8Array(await readFile(out)))).holds).toBe(true);
    expect(line.breaks()).toBeGreaterThan(1);
    expect(accesses(id)).toBe(before + 1);
    await expect(stat(`${out}.partial`)).rejects.toThrow();
    await expect(stat(`${out}.partial.etag`)).rejects.toThrow();
  });
});

/** Passes calls on to the hub, and hangs up once so many bytes of each answer have arrived. */
async function breakingLine(bytesPerAnswer: number, arrived: () => Promise<number>) {
  let breaks = 0;
  const server: Server = createServer((asked, answer) => {
    const headers = Object.fromEntries(
      ["range", "if-range"].flatMap((name) => {
        const value = asked.headers[name];
        return typeof value === "string" ? [[name, value]] : [];
      }),
    );
    void hub.call("GET", asked.url ?? "", { headers }).then(({ rawPayload, ...given }) => {
      const { etag, "content-range": range } = given.headers;
      answer.writeHead(given.statusCode, {
        "content-length": rawPayload.length,
        ...(typeof etag === "string" ? { etag } : {}),
        ...(range === undefined ? {} : { "content-range": range }),
      });
      if (rawPayload.length <= bytesPerAnswer) answer.end(rawPayload);
      else {
        breaks += 1;
        const from = Number(/[0-9]+/.exec(String(range ?? "0"))?.[0] ?? 0);
        answer.write(rawPayload.subarray(0, bytesPerAnswer));
        const hangUp = async (): Promise<void> => {
          await expect.poll(arrived, { interval: 5 }).toBeGreaterThanOrEqual(from + bytesPerAnswer);
          answer.destroy();
        };
        void hangUp();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    breaks: () => breaks,
    [Symbol.asyncDispose]: async () => {
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe("a bundle's viewer", () => {
  async function withViewer(viewerSha256: string) {
    const { recipient } = await generateReader("x25519");
    const request = await typeRequest(hub, { recipient });
    const id = request.record.request;
    const draft = await draftApproval(hub, id, { clip: hub.clips[0] ?? "", segments: [0, 0] });
    const decision = await signTerms(hub, { ...draft, viewerSha256 });
    return { request, answer: await decide(hub, id, decision) };
  }

  test("is the one that was signed for, also after the hub was renewed; a swapped one is seen", async () => {
    const { request, answer } = await withViewer(sha256Hex(VIEWER));
    requireOk(answer);
    await writeFile(path.join(folder, "viewer.html"), "<!doctype html><title>a newer one</title>");
    const fetched = requireOk(await hub.call("GET", statusPath(request)));
    await writeFile(path.join(folder, "viewer.html"), VIEWER);
    const bundle = new Uint8Array(fetched.rawPayload);
    const report = await verifyBundle(bundle, new Set([sha256Hex(VIEWER)]));
    expect(report).toMatchObject({ holds: true, viewer: { isKnown: true } });
    expect(await verifyBundle(bundle)).toMatchObject({ holds: true, viewer: { isKnown: false } });
    const members = [...readZip(bundle, 500)];
    expect(members[1]).toEqual(["viewer.html", VIEWER]);
    const swapped = await zip(
      members.map(([name, content]) => [
        name,
        name === "viewer.html" ? utf8Bytes("<!doctype html><title>a thief</title>") : content,
      ]),
    );
    const found = await verifyBundle(swapped);
    expect(found.holds).toBe(false);
    expect(found.checks.at(-1)).toMatchObject({
      check: "nothing but what was signed for is inside",
      detail: expect.stringContaining("give it no key") as string,
    });
    const without = await zip(members.filter(([name]) => name !== "viewer.html"));
    expect((await verifyBundle(without)).holds).toBe(false);
  });

  test("cannot be put into a bundle whose terms name none, nor be named in them afterwards", async () => {
    const { bundle } = await releasedBundle(hub, { clip: hub.clips[0] ?? "", segments: [0, 0] });
    const members = [...readZip(bundle, 500)];
    const added = await zip([...members.slice(0, 1), ["viewer.html", VIEWER], ...members.slice(1)]);
    expect((await verifyBundle(added)).holds).toBe(false);
    const named = await zip(
      members.map(([name, content]) => {
        if (name !== "decision.json") return [name, content];
        const envelope = parseCanonicalJson(content, name) as { payload: string };
        const payload = JSON.parse(atob(envelope.payload)) as { terms: object };
        const terms = { ...payload.terms, viewerSha256: sha256Hex(VIEWER) };
        const changed = canonicalJson({ ...payload, terms } as never);
        const text = Buffer.from(changed).toString("base64");
        return [name, canonicalJson({ ...envelope, payload: text })];
      }),
    );
    expect((await verifyBundle(named)).holds).toBe(false);
  });

  test("is refused where the hub has never had it, and missed where it is altered on the disk", async () => {
    const { answer } = await withViewer("0".repeat(64));
    expect(answer.json()).toMatchObject({ code: "VIEWER_UNKNOWN" });
    const { request } = await withViewer(sha256Hex(VIEWER));
    const kept = path.join(hub.dataDirectory, "viewers", `${sha256Hex(VIEWER)}.html`);
    await truncate(kept, 10);
    expect((await hub.call("GET", statusPath(request))).statusCode).toBe(404);
    await writeFile(kept, VIEWER);
    requireOk(await hub.call("GET", statusPath(request)));
  });
});

async function zip(members: [string, Uint8Array][]): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const written = writeZip(members.map(([name, content]) => ({ name, chunks: [content] })));
  for await (const chunk of written) chunks.push(chunk);
  return Buffer.concat(chunks);
}
