import path from "node:path";
import { expect, test } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import { generateReader } from "../../src/owner/identity.ts";
import { parseRequestId } from "../../src/protocol/ids.ts";
import { approve, typeRequest } from "../support/test-consent.ts";
import { firstClip, startTestHub } from "../support/test-hub.ts";

test("a row that says released and lacks its decision, or the time of it, releases nothing", async () => {
  await using hub = await startTestHub({ clips: 1 });
  const { recipient } = await generateReader("x25519");
  const request = await typeRequest(hub, { recipient });
  await approve(hub, request, { clip: firstClip(hub), segments: [0, 0] });
  const { decisions, requests } = hub.hub.services;
  const stored = () => {
    const row = requests.get(parseRequestId(request.record.request));
    if (!row) throw new Error("the request is gone");
    return row;
  };
  expect(decisions.approvalOf(stored())?.terms.request).toBe(request.record.request);
  await using database = openDatabase(path.join(hub.dataDirectory, "doorward.db"));
  const kept = database
    .prepare<[string], { decision: string; time: number }>(
      "SELECT decision, decided_at_ms AS time FROM requests WHERE id = ?",
    )
    .get(request.record.request);
  const set = (decision: string | null, time: number | null): unknown =>
    database
      .prepare("UPDATE requests SET decision = ?, decided_at_ms = ? WHERE id = ?")
      .run(decision, time, request.record.request);
  for (const [decision, time] of [
    [null, kept?.time ?? 0],
    [kept?.decision ?? "", null],
  ] as const) {
    set(decision, time);
    expect(() => decisions.approvalOf(stored())).toThrow(/without a decision/);
  }
});
