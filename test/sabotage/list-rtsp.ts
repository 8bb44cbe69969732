import type { Sabotage } from "./sabotage.ts";

/** Edits after which a camera could do more to the hub than send false pictures. */
export const RTSP_SABOTAGES: readonly Sabotage[] = [
  {
    name: "a redirect is taken for an answer like others",
    file: "src/camera/rtsp-client.ts",
    find: "if (response.status >= 300 && response.status < 400)",
    replace: "if (response.status === 399)",
    tests: ["test/camera/hostile-camera.test.ts"],
    only: "it cannot send the hub elsewhere",
  },
  {
    name: "a camera is read as fast as it sends",
    file: "src/camera/read-allowance.ts",
    find: "return left >= 0 ? 0 : Math.ceil((-left / bytesPerSecond) * 1000);",
    replace: "return 0;",
    tests: ["test/camera/rtsp-headers.test.ts"],
    only: "over any time",
  },
  {
    name: "a body may have any length",
    file: "src/camera/rtsp-reader.ts",
    find: "if (size > BODY_BYTES_MAX)",
    replace: "if (size > Number.MAX_SAFE_INTEGER)",
    tests: ["test/camera/rtsp-reader.test.ts"],
    only: "a huge body",
  },
  {
    name: "what chance has promised is waited for",
    file: "src/camera/rtsp-reader.ts",
    find: "if (this.#garbageInRow > UNLEARN_BYTES) {",
    replace: "if (this.#garbageInRow > GARBAGE_BYTES_MAX) {",
    tests: ["test/camera/rtsp-fuzz.test.ts"],
    only: "damage at one place",
  },
  {
    name: "a ring counts nothing but the pictures' bytes",
    file: "src/camera/ring.ts",
    find: "return bytes.length + FRAGMENT_OVERHEAD_BYTES;",
    replace: "return bytes.length;",
    tests: ["test/camera/ring.test.ts"],
    only: "it holds ten seconds",
  },
  {
    name: "a password that was refused while it plays is a reason to begin anew",
    file: "src/camera/rtsp-source.ts",
    find: 'if (cause.code === "WRONG_PASSWORD" || cause.code === "BASIC_REFUSED") return;',
    replace: 'if (cause.code === "BASIC_REFUSED") return;',
    tests: ["test/camera/rtsp-odd-cameras.test.ts"],
    only: "a password that is refused while it plays",
  },
  {
    name: "a camera's clock is believed though it stands still",
    file: "src/camera/media-clock.ts",
    find: "isTrusted = false;",
    replace: "isTrusted = true;",
    tests: ["test/camera/media-clock.test.ts"],
    only: "where RTP time",
  },
];
