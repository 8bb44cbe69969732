import type { Sabotage } from "./sabotage.ts";

/** Edits of what holds with years of recordings. */
export const YEARS_SABOTAGES: readonly Sabotage[] = [
  {
    name: "looking over recordings removes what an owner's device is sending",
    file: "src/clips/hub-copies.ts",
    find: "...this.#statements.sending.all(stored.id).flatMap(",
    replace: "...([] as string[]).flatMap(",
    tests: ["test/clips/hub-copies.test.ts"],
    only: "what an owner's device is sending",
  },
  {
    name: "a disk that is not there is said file by file",
    file: "src/clips/recovery.ts",
    find: "const some = found.slice(0, NAMED_OF_EACH - kept.length);",
    replace: "const some = found;",
    tests: ["test/clips/store.test.ts"],
    only: "of a disk that is not there",
  },
  {
    name: "a plan of deletions looks at the oldest few and no further",
    file: "src/clips/retention-plan.ts",
    find: "    if (isEnough) return planned;",
    replace: "    if (isEnough || count > 0) return planned;",
    tests: ["test/clips/many-clips.test.ts"],
    only: "a plan from the oldest",
  },
  {
    name: "clips that are gone are counted on",
    file: "src/base/migrations/0166-a-million-clips.sql",
    find: "AFTER DELETE ON clips\nBEGIN\n  UPDATE clip_counts SET count = count - 1",
    replace: "AFTER DELETE ON clips\nBEGIN\n  UPDATE clip_counts SET count = count - 0",
    tests: ["test/clips/many-clips.test.ts"],
    only: "counts of clips follow",
  },
  {
    name: "the log of changes is cut off as it is",
    file: "src/base/cut-off-log.ts",
    find: "  if (logBytes(database) > 0) fill(database);",
    replace: "",
    tests: ["test/base/cut-off-log.test.ts"],
  },
];
