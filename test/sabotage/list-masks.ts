import type { Sabotage } from "./sabotage.ts";

/** What a mask covers, and who is believed that it is covered. */
export const MASK_SABOTAGES: readonly Sabotage[] = [
  {
    name: "a picture is passed on while nothing paints over it",
    file: "src/camera/transcode-gate.ts",
    find: 'if (this.#passing !== "yes") return this.#painted.push(fragment);',
    replace: "",
    tests: ["test/camera/transcode.test.ts"],
    only: "is passed on from a key frame on",
  },
  {
    name: "what a camera hid before its stream broke off is still believed",
    file: "src/camera/onvif/masks-watch.ts",
    find: "[...this.#told.hidden].filter((other) => other !== role)",
    replace: "this.#told.hidden",
    tests: ["test/camera/onvif-masks.test.ts"],
    only: "read again and again",
  },
];
