import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { expect, test } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import { CopyRows, ROWS_BATCH } from "../../src/offsite/copy-rows.ts";
import { responsesIn } from "../../src/offsite/multistatus.ts";
import { openWebDavPlace } from "../../src/offsite/place-webdav.ts";
import { SequenceSet } from "../../src/offsite/sequence-set.ts";
import { DAV_LOGIN } from "../support/copy-places.ts";
import { temporaryFolder } from "../support/temporary.ts";

// A copy of years: hundreds of thousands of files.

const signal = new AbortController().signal;
const HEAD = '<?xml version="1.0"?>\n<D:multistatus xmlns:D="DAV:">';
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function responseOf(href: string): string {
  return `<D:response><D:href>${href}</D:href><D:propstat><D:prop><D:getcontentlength>9</D:getcontentlength><D:resourcetype/></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>\n`;
}

async function hrefsIn(parts: Iterable<Uint8Array>): Promise<string[]> {
  const found: string[] = [];
  for await (const { children } of responsesIn(parts)) found.push(children[0]?.text ?? "");
  return found;
}

test("a folder with 30,000 files is listed to its end over WebDAV", async () => {
  const files = 30_000;
  await using server = http.createServer((_request, response) => {
    response.writeHead(207).write(HEAD);
    for (let from = 0; from < files; from += 1_000)
      response.write(
        Array.from({ length: 1_000 }, (_none, index) =>
          responseOf(`/dav/ledger/${String(from + index).padStart(12, "0")}.age`),
        ).join(""),
      );
    response.end("</D:multistatus>");
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  await using place = openWebDavPlace(`http://127.0.0.1:${port}/dav/`, DAV_LOGIN);
  const names = new Set<string>();
  for await (const { name, sizeBytes } of place.list("ledger/", signal))
    if (sizeBytes === 9) names.add(name);
  expect(names.size).toBe(files);
});

test("responses are read wherever the parts of an answer are cut", async () => {
  const text = `${HEAD}${responseOf("/été")}${responseOf("/b")}<D:responsedescription>fine</D:responsedescription></D:multistatus>\n`;
  const whole = bytesOf(text);
  for (const size of [1, 7, 64, whole.length]) {
    const parts: Uint8Array[] = [];
    for (let at = 0; at < whole.length; at += size) parts.push(whole.subarray(at, at + size));
    expect(await hrefsIn(parts), String(size)).toEqual(["/été", "/b"]);
  }
  expect(await hrefsIn([bytesOf('<multistatus xmlns="DAV:"/>')])).toEqual([]);
});

test.each([
  ["cut off", `${HEAD}${responseOf("/a")}`],
  ["with a document type", `<!DOCTYPE x>${HEAD}${responseOf("/a")}</D:multistatus>`],
  ["with something else at its top", `<list>${responseOf("/a")}</list>`],
  ["with something after it", `${HEAD}${responseOf("/a")}</D:multistatus><x/>`],
  ["that does not match", `${HEAD}<D:response><D:href></D:response></D:multistatus>`],
  ["with a response without end", `${HEAD}<D:response>${"x".repeat(100_000)}`],
  ["with a large response", `${HEAD}${responseOf("x".repeat(100_000))}</D:multistatus>`],
  ["that is nothing", ""],
])("an answer %s is refused", async (_what, text) => {
  await expect(hrefsIn([bytesOf(text)])).rejects.toThrow(/Cannot read answer/);
});

test("an answer that is no UTF-8 is refused", async () => {
  await expect(hrefsIn([new Uint8Array([0x3c, 0xff])])).rejects.toThrow(/no text/);
});

function fill(database: ReturnType<typeof openDatabase>, rows: number): void {
  database
    .prepare(
      `INSERT INTO copy_objects (name, content, state, size_bytes)
       WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?)
       SELECT 'clips/' || n, 'whole', 'there', 2 FROM number`,
    )
    .run(rows);
}

test("another place empties the list some rows at a time, and a stop in between loses nothing", async () => {
  await using folder = temporaryFolder();
  await using database = openDatabase(path.join(folder.path, "hub.db"));
  const rows = new CopyRows(database);
  expect(rows.settleSome("folder /a")).toBe(false);
  fill(database, 2 * ROWS_BATCH + 1);
  expect(rows.settleSome("folder /a")).toBe(false);
  expect(rows.counts("there")).toEqual({ files: 10_001, bytes: 20_002 });
  expect(rows.settleSome("folder /b")).toBe(true);
  expect(rows.counts("there").files).toBe(ROWS_BATCH + 1);
  expect(rows.place()).toBeNull();
  expect(rows.settleSome(null)).toBe(true);
  expect(rows.settleSome("folder /a")).toBe(false);
  expect(rows.counts("there").files).toBe(0);
  expect(rows.place()).toMatchObject({ place: "folder /a", queued_from: null });
});

test("nothing that a turn or the page asks goes through the whole list", async () => {
  await using folder = temporaryFolder();
  await using database = openDatabase(path.join(folder.path, "hub.db"));
  const asked = new Set<string>();
  const watched = new Proxy(database, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name === "prepare")
        return (sql: string) => {
          asked.add(sql);
          return target.prepare(sql);
        };
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
  const rows = new CopyRows(watched);
  rows.settleSome("folder /a");
  for (const state of ["waiting", "going"] as const) rows.counts(state);
  rows.stays();
  rows.queueDocuments();
  rows.spool(0, 50);
  rows.spoolFiles();
  rows.waiting(9, false, 50);
  rows.going(0, 50);
  rows.there(0);
  rows.sample(3);
  rows.tryStaying();
  rows.followHeaders(1);
  rows.isWaiting(9);
  rows.lastSequence();
  expect(asked.size).toBeGreaterThan(12);
  for (const sql of asked) {
    const values = sql.match(/\?/g)?.map(() => 1) ?? [];
    const plan = database.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`);
    const steps = plan.all(...values).map(({ detail }) => detail);
    // Without a condition, its end is looked for and nothing more.
    const scans = steps.filter((step) => /^SCAN (copy_objects|header|newer|older)\b/.test(step));
    if (!sql.includes("max(sequence)") && !sql.startsWith("DELETE")) expect(scans, sql).toEqual([]);
  }
});

test("which rows a listing had is kept in a bit each", () => {
  const seen = new SequenceSet(1_000);
  for (const sequence of [1, 8, 999, 1_000, 5_000]) seen.add(sequence);
  const kept = Array.from({ length: 6_000 }, (_none, sequence) => sequence);
  expect(kept.filter((sequence) => seen.has(sequence))).toEqual([1, 8, 999, 1_000]);
});

test("what is queued while a turn runs does not keep that turn from being finished", async () => {
  await using folder = temporaryFolder();
  await using database = openDatabase(path.join(folder.path, "hub.db"));
  const rows = new CopyRows(database);
  rows.settleSome("folder /a");
  fill(database, 3);
  const last = rows.lastSequence();
  database.prepare("INSERT INTO copy_objects (name, content) VALUES ('late', 'whole')").run();
  expect(rows.isWaiting(last)).toBe(false);
  expect(rows.isWaiting(last + 1)).toBe(true);
  rows.lost(rows.there(0).slice(1, 2));
  expect(rows.isWaiting(last)).toBe(true);
});
