import type { Sabotage } from "./sabotage.ts";

/** Edits that would break what those who live here rely on: what is off stays off, what rings is heard. */
export const HOME_SABOTAGES: readonly Sabotage[] = [
  {
    name: "one adult switches on what another switched off",
    file: "src/hub/privacy.ts",
    find: "return row.hand_by !== null && this.#options.personOf(row.hand_by) === device.person;",
    replace: "return row.hand_by !== null;",
    tests: ["test/http/privacy.test.ts"],
    only: "on again whoever did it, and owners",
  },
  {
    name: "an off on top of another's off makes it one's own to undo",
    file: "src/hub/privacy.ts",
    find: "return { ...own, isShared: true };",
    replace: "return own;",
    tests: ["test/http/privacy.test.ts"],
    only: "undoes neither",
  },
  {
    name: "a camera is off after a restart only once its hours are looked at",
    file: "src/hub/privacy.ts",
    find: 'const isOff = this.#rows.get(id)?.entered === "off" || this.#wanted(id).state === "off";',
    replace: "const isOff = false;",
    tests: ["test/hub/privacy-start.test.ts"],
    only: "by its hours from the first moment",
  },
  {
    name: "a camera that is off for an hour stays off after a start with an old clock",
    file: "src/hub/privacy.ts",
    find: "if (before?.isCertain) return upMs() >= before.upMs;",
    replace: "if (before) return upMs() >= before.upMs;",
    tests: ["test/hub/privacy-start.test.ts"],
    only: "after a start in 1970",
  },
  {
    name: "whoever looks goes on looking at a camera that is off",
    file: "src/hub/privacy-links.ts",
    find: "      live.switchedOff(id);\n",
    replace: "",
    tests: ["test/http/privacy.test.ts"],
    only: "shows nothing",
  },
  {
    name: "in the night that goes back, hours end at their first end",
    file: "src/settings/week-hours.ts",
    find: "end * MINUTE_MS, timeZone).lastMs",
    replace: "end * MINUTE_MS, timeZone).firstMs",
    tests: ["test/settings/week-hours.test.ts"],
  },
  {
    name: "a second sound begins on top of the first",
    file: "src/notify/chime-player.ts",
    find: "    if (this.#isPlaying) return CHIME_BUSY;\n    this.#isPlaying = true;\n",
    replace: "    this.#isPlaying = true;\n",
    tests: ["test/notify/chime.test.ts"],
    only: "is given no shell, none of the hub's",
  },
];
