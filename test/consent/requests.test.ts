import path from "node:path";
import { expect, test } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import { RequestStore } from "../../src/consent/requests.ts";
import { readRequestDocument } from "../../src/owner/requests.ts";
import { REQUEST_EXPIRY_MS } from "../../src/protocol/limits.ts";
import { parseSha256Hex } from "../../src/protocol/ids.ts";
import type { LedgerEntry } from "../../src/protocol/ledger-entry.ts";
import { requestDocument } from "../support/test-consent.ts";
import { NOW_MS } from "../support/test-household.ts";
import { temporaryFolder } from "../support/temporary.ts";

const HEAD = parseSha256Hex("ab".repeat(32));

function openRequests() {
  const folder = temporaryFolder();
  const database = openDatabase(path.join(folder.path, "doorward.db"));
  const clock = { nowMs: NOW_MS, countedMs: 0, isBelieved: true };
  const entries: LedgerEntry[] = [];
  const requests = new RequestStore({
    database,
    nowMs: () => clock.nowMs,
    countedMs: () => clock.countedMs,
    isClockBelieved: () => clock.isBelieved,
    appendEntry: (entry) => entries.push(entry) - 1,
  });
  const { asked } = readRequestDocument(requestDocument());
  return {
    ...{ requests, clock, entries, database },
    take: (sizeBytes = 100, changes: Partial<typeof asked> = {}) =>
      requests.receiveTyped({
        asked: { ...asked, ...changes },
        personal: new Uint8Array(sizeBytes),
        channel: "typed_by_owner",
      }),
    [Symbol.asyncDispose]: async () => {
      await database[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test("a request holds 64 KiB of what is sealed for the owners, and no byte more", async () => {
  await using own = openRequests();
  expect(own.take(64 * 1024).personal?.length).toBe(64 * 1024);
  expect(() => own.take(64 * 1024 + 1)).toThrow(expect.objectContaining({ code: "TOO_LARGE" }));
  expect(own.entries.map(({ kind }) => kind)).toEqual(["request"]);
});

test("a request that names no real key is not taken", async () => {
  await using own = openRequests();
  expect(() => own.take(100, { recipient: "age1nobody" })).toThrow();
  expect(own.entries).toEqual([]);
});

test("requests run out after fourteen days, each by an entry that gives nothing, and once", async () => {
  await using own = openRequests();
  const { requests, clock } = own;
  const [first, held] = [own.take(), own.take()];
  own.database.prepare("UPDATE requests SET state = 'held' WHERE id = ?").run(held.id);
  clock.nowMs = NOW_MS + 1;
  const later = own.take();
  clock.nowMs = NOW_MS + REQUEST_EXPIRY_MS - 1;
  expect(requests.expireDue(HEAD)).toBe(0);
  clock.nowMs += 1;
  expect(requests.expireDue(HEAD)).toBe(2);
  expect(requests.expireDue(HEAD)).toBe(0);
  expect(requests.get(first.id)).toMatchObject({ state: "expired", outcome: "expired" });
  expect(requests.get(held.id)).toMatchObject({ state: "expired", outcome: "expired" });
  expect(requests.get(later.id)).toMatchObject({ state: "received", outcome: null });
  expect(own.entries.slice(3)).toEqual(
    [first, held].map(({ id }) => ({
      ...{ v: 2, kind: "decision", atMs: NOW_MS + REQUEST_EXPIRY_MS, request: id },
      ...{ outcome: "expired", decisionSha256: null, keyringHead: HEAD },
      ...{ secondsGranted: 0, clearFaces: false, audio: false },
    })),
  );
});

test("a nonce ends with its request, and there is none of a request that is over", async () => {
  await using own = openRequests();
  const { requests, clock } = own;
  const { id, expiresAtMs } = own.take();
  expect(requests.issueNonce(id, 1_000)).toMatchObject({ expiresAtMs: NOW_MS + 1_000 });
  clock.nowMs = expiresAtMs - 1;
  expect(requests.issueNonce(id, 1_000)).toMatchObject({ expiresAtMs });
  clock.nowMs = expiresAtMs;
  expect(requests.issueNonce(id, 1_000)).toBeNull();
});

test("pages of requests lack none and give none twice, though the clock was set back in between", async () => {
  await using own = openRequests();
  const { requests, clock } = own;
  const taken = [0, 3_000, -7_000, 1_000, -9_000].map((ms) => {
    clock.nowMs = NOW_MS + ms;
    return own.take().id;
  });
  const listed: string[] = [];
  for (let page = requests.list(2); page.length > 0;) {
    listed.push(...page.map(({ id }) => id));
    page = requests.list(2, listed.at(-1));
  }
  expect(listed).toEqual(taken.toReversed());
  expect(requests.list(2, "0".repeat(32))).toEqual([]);
});
