import { expect, test } from "vitest";
import { clipsOf, DAY_MS, deletions, openRetention } from "./test-retention.ts";
import { only, openStore, recordInto } from "./test-store.ts";

const WEEK_MS = 7 * DAY_MS;

// What is kept for a request: rows as src/consent/handling.ts writes them.
test("what is kept for a request stays as long as was said, by no wall clock, and then goes by itself", async () => {
  await using opened = openStore();
  const { retention, clocks, after } = openRetention(opened);
  const kept = only(await recordInto(opened, 1));
  const other = only(await recordInto(opened, 1));
  await after(0);
  const request = "ab".repeat(16);
  opened.database
    .prepare(
      `INSERT INTO requests (id, state, received_at_ms, expires_at_ms, record, record_sha256,
         status_token, request_index) VALUES (?, 'held', 0, 0, '{}', ?, ?, 0)`,
    )
    .run(request, "0".repeat(64), "0".repeat(64));
  const untilMs = clocks.wallMs + 2 * WEEK_MS;
  opened.database
    .prepare(
      "INSERT INTO request_hold_clips (clip, request, until_ms, until_counted_ms) VALUES (?, ?, ?, ?)",
    )
    .run(kept, request, untilMs, retention.countedMs() + 2 * WEEK_MS);
  expect(retention.marksOf(kept).heldUntilMs).toBe(untilMs);
  await after(WEEK_MS);
  expect(clipsOf(opened)).toEqual([kept]);
  expect(deletions(opened)).toEqual([[other, "age"]]);
  // A wall clock that runs years ahead ends nothing.
  clocks.wallMs += 1_000 * DAY_MS;
  await after(0);
  expect(clipsOf(opened)).toEqual([kept]);
  // The later of two ends counts, whoever set it.
  retention.hold(kept, clocks.wallMs + DAY_MS);
  await after(WEEK_MS - 1);
  expect(clipsOf(opened)).toEqual([kept]);
  await after(1);
  expect(retention.marksOf(kept).heldUntilMs).toBeNull();
  expect(clipsOf(opened)).toEqual([]);
  const left = opened.database.prepare("SELECT count(*) AS count FROM request_hold_clips").get();
  expect(left).toEqual({ count: 0 });
});
