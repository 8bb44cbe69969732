import type { Sabotage } from "./sabotage.ts";

/** Edits of codecs, and of sources other than RTSP. */
export const CODEC_SABOTAGES: readonly Sabotage[] = [
  {
    name: "pictures that need what was lost are recorded after an H.265 camera's loss",
    file: "src/camera/nal-depacketiser.ts",
    find: "if (this.#isLeading && this.#lacksPast)",
    replace: "if (this.#isLeading && this.#lostPackets < 0)",
    tests: ["test/camera/h265-depacketiser.test.ts"],
  },
  {
    name: "ffmpeg is given any protocol that stands in the settings",
    file: "src/camera/ffmpeg-inputs.ts",
    find: 'if (scheme !== "http" && scheme !== "https" && scheme !== "rtmp")',
    replace: 'if (scheme === "none")',
    tests: ["test/settings/ffmpeg.test.ts"],
  },
  {
    name: "an RTMP server is believed when it sends elsewhere",
    file: "src/camera/rtmp-client.ts",
    find: "if (/redirect/i.test(said))",
    replace: 'if (said === "")',
    tests: ["test/camera/rtmp.test.ts"],
    only: "sends to another host: REDIRECT",
  },
];
