import type { Sabotage } from "./sabotage.ts";

/** Blurred copies on their way: what waits, who blurs, and what is listed. */
export const COPY_SABOTAGES: readonly Sabotage[] = [
  {
    name: "what waited for blurring stays in memory when it is let go",
    file: "src/clips/blur-queue.ts",
    find: "if (isAlone && holders === 0) bytes.fill(0);",
    replace: "",
    tests: ["test/clips/blur-memory.test.ts"],
    only: "after the queue's age limit nothing of what",
  },
  {
    name: "with blur-only the original is recorded too",
    file: "src/clips/clip-writer.ts",
    find: 'video: faces === "blur-only" ? null : file("video"),',
    replace: 'video: file("video"),',
    tests: ["test/clips/blur-queue-life.test.ts"],
    only: "blur-only records nothing but",
  },
  {
    name: "a copy may have fewer pictures than its original",
    file: "src/vision-process/answers.ts",
    find: "if (head.fragments.length !== awaited.frames)",
    replace: "if (head.fragments.length > awaited.frames)",
    tests: ["test/vision-process/pipe.test.ts"],
  },
  {
    name: "a copy may have pictures that are none",
    file: "src/vision-process/answers.ts",
    find: "if (problem !== null) throw unasked",
    replace: "if (problem === undefined) throw unasked",
    tests: ["test/vision-process/pipe.test.ts"],
    only: "a picture",
  },
  {
    name: "a copy for readers of before is listed",
    file: "src/clips/hub-copies.ts",
    find: "keyring_epoch < stored.keyringEpoch",
    replace: "keyring_epoch < 0",
    tests: ["test/clips/hub-copies.test.ts"],
    only: "sealed anew is not listed",
  },
];
