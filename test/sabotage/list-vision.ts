import type { Sabotage } from "./sabotage.ts";

/** When pictures are looked at, and what a decoder may take. */
export const VISION_SABOTAGES: readonly Sabotage[] = [
  {
    name: "sizes that rise wake nobody",
    file: "src/vision/motion-watch.ts",
    find: 'if (!this.#gate.isCalm) return "bySizes";',
    replace: "",
    tests: ["test/vision/motion-watch.test.ts"],
    only: "sleeps once it has seen two visits",
  },
  {
    name: "a stream of constant bit rate is slept through",
    file: "src/vision/wake.ts",
    find: "return this.#shownInARow >= this.#shownNeeded && Math.max(...this.#peaks) > this.#threshold;",
    replace: "return this.#shownNeeded > 0 && this.#threshold < Infinity;",
    tests: ["test/vision/wake.test.ts"],
    only: "of constant bit rate",
  },
  {
    name: "what was held while nobody looked is never decoded",
    file: "src/vision/motion-watch.ts",
    find: "for (const fragment of held) this.#pictures.push(fragment);",
    replace: "held.length = 0;",
    tests: ["test/vision/motion-watch.test.ts"],
    only: "decodes what it held",
  },
  {
    name: "a decoder may compute for ever",
    file: "src/vision/grey-decoder.ts",
    find: "cpuSecondsMax: this.#options.cpuSecondsMax ?? CPU_SECONDS_MAX,",
    replace: "",
    tests: ["test/vision/hostile-media.test.ts"],
    only: "cut off after its processor time",
  },
  {
    name: "a decoder that stays silent is kept",
    file: "src/vision/frames.ts",
    find: "if (silentMs > (this.#options.stallAfterMs ?? STALL_AFTER_MS)) {",
    replace: "if (silentMs < 0) {",
    tests: ["test/vision/frames.test.ts"],
    only: "replace a decoder that is fed and stays silent",
  },
  {
    name: "a camera that films the street arms all the same",
    file: "src/ingest-motion.ts",
    find: "if (!publicSpaceOf(this.#settings).isArmed) return;",
    replace: "",
    tests: ["test/ingest-motion.test.ts"],
    only: "above its budget of public space",
  },
  {
    name: "a mask leaves out the cells that its edges only touch",
    file: "src/protocol/picture-areas.ts",
    find: "cells.fill(1, row * columns + first, row * columns + last + 1);",
    replace: "",
    tests: ["test/protocol/picture-areas.test.ts"],
  },
];
