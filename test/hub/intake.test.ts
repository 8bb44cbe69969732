import { expect, test } from "vitest";
import { ClipStore } from "../../src/clips/store.ts";
import { RecorderIntake } from "../../src/hub/intake.ts";
import type { RecorderEvent } from "../../src/protocol/clip.ts";
import { only, openStore, recordInto } from "../clips/test-store.ts";
import { START_AT_MS } from "../clips/test-stream.ts";
import { recoverOrphans } from "../clips/recover-orphans.ts";

/** A store whose ledger the disk refuses as long as `refuse` says so. */
async function openRefusing(refuse: () => boolean) {
  const opened = openStore();
  const clip = only(await recordInto(opened, 3, ["clip-closed"]));
  const store = ClipStore.open({
    database: opened.database,
    clipsDirectory: opened.clipsDirectory,
    appendEntry: (entry) => {
      if (refuse())
        throw Object.assign(new Error("disk I/O error"), { code: "SQLITE_IOERR_FSYNC" });
      return opened.ledger.append(entry);
    },
    nowMs: () => START_AT_MS,
  });
  const log: string[] = [];
  const taken: RecorderEvent["type"][] = [];
  const intake = new RecorderIntake({
    clips: store,
    retention: { withRoom: async (work) => await work(), wake: () => undefined },
    onTaken: ({ type }) => taken.push(type),
    log: (_level, message) => log.push(message),
    pauseMs: 1,
  });
  const closed: RecorderEvent = { type: "clip-closed", clip, endedAtMs: START_AT_MS + 3_000 };
  const state = () => opened.store.get(clip)?.state;
  return { opened, intake, closed, log, taken, state };
}

test("the end of a recording that the disk refused is listed once it takes it, and said once", async () => {
  let refusals = 5;
  const { opened, intake, closed, log, taken, state } = await openRefusing(() => refusals-- > 0);
  await using _ = opened;
  intake.take(closed);
  await expect.poll(() => taken).toEqual(["clip-closed"]);
  expect(state()).toBe("closed");
  expect(opened.entries().map(({ kind }) => kind)).toEqual(["clip"]);
  expect(log).toEqual(["recording not listed yet: disk I/O error; it is tried again"]);
});

test("what is wrong in itself is not tried again, and a hub that stops waits for no disk", async () => {
  const { opened, intake, closed, log, taken, state } = await openRefusing(() => true);
  await using _ = opened;
  intake.take({ ...closed, clip: "f".repeat(32) as typeof closed.clip });
  intake.take(closed);
  await intake.flush();
  expect(taken).toEqual([]);
  expect(state()).toBe("recording");
  expect(log[0]).toMatch(/is not in the store/);
  expect(log.at(-1)).toBe("recording not listed: disk I/O error");
  // The next start settles it.
  await recoverOrphans(opened.store);
  expect(state()).toBe("closed");
});
