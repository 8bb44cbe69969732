import { Retention, type RetentionOptions } from "../../src/clips/retention.ts";
import type { ClipId } from "../../src/protocol/ids.ts";
import { START_AT_MS } from "./test-stream.ts";
import type { Opened } from "./test-store.ts";

export const DAY_MS = 24 * 3_600_000;

/** Both clocks of a hub, each of which a test can move by itself. */
export interface TestClocks {
  wallMs: number;
  monotonicMs: number;
}

/** Retention over a test's store: no ballast and no need for free space unless a test says so. */
export function openRetention(opened: Opened, more: Partial<RetentionOptions> = {}) {
  const clocks: TestClocks = { wallMs: START_AT_MS + DAY_MS, monotonicMs: 5 };
  const released = new Set<string>();
  const log: string[] = [];
  const retention = Retention.open({
    database: opened.database,
    store: opened.store,
    dataDirectory: opened.dataDirectory,
    clipsDirectory: opened.clipsDirectory,
    rules: () => ({ motionMs: 7 * DAY_MS, bellMs: 30 * DAY_MS, spaceBytes: null }),
    appendEntry: (entry) => opened.ledger.append(entry),
    released: () => released,
    nowMs: () => clocks.wallMs,
    monotonicMs: () => clocks.monotonicMs,
    log: (level, message) => log.push(`${level}: ${message}`),
    ...{ keepFreeBytes: 0, ballastBytes: 0 },
    ...more,
  });
  return {
    retention,
    clocks,
    released,
    log,
    /** Lets time pass for both clocks, then runs. */
    after: async (durationMs: number): Promise<void> => {
      clocks.monotonicMs += durationMs;
      clocks.wallMs += durationMs;
      await retention.run();
    },
  };
}

export function clipsOf(opened: Opened): ClipId[] {
  return opened.store
    .list()
    .clips.map(({ id }) => id)
    .toReversed();
}

/** `[clip, reason]` of every deletion in the ledger. */
export function deletions(opened: Opened): [string, string][] {
  return opened
    .entries()
    .flatMap((entry) => (entry.kind === "deletion" ? [[entry.clip, entry.reason]] : []));
}

/** As if somebody had rung. */
export function makeBell(opened: Opened, clip: ClipId): void {
  opened.database.prepare("UPDATE clips SET kind = 'bell' WHERE id = ?").run(clip);
}
