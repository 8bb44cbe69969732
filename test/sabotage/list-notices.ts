import type { Sabotage } from "./sabotage.ts";

/** Edits that would tell the wrong people, too late, or more than an id. */
export const NOTICE_SABOTAGES: readonly Sabotage[] = [
  {
    name: "a bell is sent when it is over",
    file: "src/notify/outbox.ts",
    find: "if (entry.waiting.lateAtUpMs <= upMs) {",
    replace: "if (entry.waiting.lateAtUpMs < 0) {",
    tests: ["test/notify/outbox.test.ts"],
    only: "a machine that slept with a bell to send says",
  },
  {
    name: "after a start of the machine a bell is as old as the clock on the wall says",
    file: "src/notify/outbox-rows.ts",
    find: 'return kind === "bell" || kind === "test" ? 0 : lateAtMs - nowMs;',
    replace: "return kind === undefined ? 0 : lateAtMs - nowMs;",
    tests: ["test/notify/outbox.test.ts"],
    only: "restart that took too long",
  },
  {
    name: "a guest learns which recording a bell is about",
    file: "src/notify/notices.ts",
    find: 'roleHasRight(role, "view_blurred") ? (notice.clip ?? bells) : null',
    replace: 'roleHasRight(role, "live") ? (notice.clip ?? bells) : bells',
    tests: ["test/notify/notices.test.ts"],
    only: "a bell's recording",
  },
  {
    name: "a bell's row outlives the recording that went before it was written",
    file: "src/notify/notices.ts",
    find: "if (isOfOther || (clip !== null && this.store.kindOfClip(clip) === null)) {",
    replace: "if (isOfOther) {",
    tests: ["test/notify/unwritten-notices.test.ts"],
    only: "goes before it is written down",
  },
  {
    name: "what is said to ntfy names the kind of a notice",
    file: "src/notify/ntfy.ts",
    find: "priority: PRIORITIES[delivery.urgency],",
    replace: "priority: PRIORITIES[delivery.urgency], tags: delivery.kind,",
    tests: ["test/notify/ntfy.test.ts"],
    only: "on the wire",
  },
  {
    name: "an endpoint may lie at any host",
    file: "src/notify/unified-push.ts",
    find: "return isPlain && isKnown;",
    replace: "return isPlain || isKnown;",
    tests: ["test/notify/ntfy.test.ts"],
    only: "an endpoint anywhere else",
  },
  {
    name: "a trouble is told at each look",
    file: "src/hub-notice-watch.ts",
    find: "    if (isTold || upMs - sinceUpMs",
    replace: "    if (upMs - sinceUpMs",
    tests: ["test/health/troubles.test.ts"],
    only: "at once where the disk is full",
  },
  {
    name: "any token reads the hub's figures",
    file: "src/metrics-token.ts",
    find: "return timingSafeEqual(wanted, digest(token)) && own !== undefined;",
    replace: "return own !== undefined || wanted.length > token.length;",
    tests: ["test/health/metrics.test.ts"],
    only: "are shown to whoever has the newest token",
  },
];
