import type { Sabotage } from "./sabotage.ts";

/** That nothing is written clear which was not looked at, and that pictures go from memory. */
export const VISION_BLUR_SABOTAGES: readonly Sabotage[] = [
  {
    name: "every other picture is not looked at",
    file: "src/vision/blurring/look-pass.ts",
    find: "const faces = requireFaces(await detectors.faces.find(picture));",
    replace:
      "const faces = look.looked % 2 === 0 ? requireFaces(await detectors.faces.find(picture)) : [];",
    tests: ["test/vision/blurring/fails-closed.test.ts"],
    only: "at one picture",
  },
  {
    name: "the second pass may be of other pictures than were looked at",
    file: "src/vision/blurring/cover-pass.ts",
    find: "ticks !== shownTicks[index] || mark !== marks[index] || !found",
    replace: "marks.length < 0 || !found",
    tests: ["test/vision/blurring/fails-closed.test.ts"],
    only: "the second pass",
  },
  {
    name: "a segment is covered before what follows was looked at",
    file: "src/vision/blurring/blur-job.ts",
    find: "while (this.#pending.length > 1) {",
    replace: "while (this.#pending.length > 0) {",
    tests: ["test/vision/blurring/blur-job.test.ts"],
    only: "in the second before it",
  },
  {
    name: "what was blurred stays in memory",
    file: "src/vision/blurring/blur-job.ts",
    find: "for (const { bytes } of fragments) bytes.fill(0);",
    replace: "if (fragments.length < 0) throw new Error();",
    tests: ["test/vision/blurring/blur-job.test.ts"],
    only: "its pictures are wiped",
  },
  {
    name: "a face is clear in the second before it was found",
    file: "src/blur/face-tracker.ts",
    find: "    this.#hold(hits, -1, put);\n",
    replace: "",
    tests: ["test/blur/face-tracker.test.ts"],
  },
  {
    name: "frames are given away that a later find could still change",
    file: "src/blur/face-tracker.ts",
    find: "if (this.#ended) return this.frames;",
    replace: "return this.frames;",
    tests: ["test/blur/face-tracker.test.ts"],
  },
  {
    name: "who comes nearer is judged by the last find alone",
    file: "src/blur/linking.ts",
    find: 'if (weight === "sure") track.wasSure = true;',
    replace: 'track.wasSure = weight === "sure";',
    tests: ["test/blur/face-tracker.test.ts"],
    only: "walks up to the camera",
  },
  {
    name: "one face hides the heads of all who stand about it",
    file: "src/vision/blurring/boxes-to-cover.ts",
    find: "(isOwner(person, owner) || isSecondFind(person, face))",
    replace: "face.width > 0",
    tests: ["test/vision/blurring/boxes-to-cover.test.ts"],
  },
];
