import type { Sabotage } from "./sabotage.ts";

/** Edits of talking at the door. */
export const TALK_SABOTAGES: readonly Sabotage[] = [
  {
    name: "somebody talks and nothing is entered",
    file: "src/hub/talk.ts",
    find: "    this.#enter(camera, speaker);\n",
    replace: "",
    tests: ["test/hub/talk.test.ts"],
    only: "is heard as it was said",
  },
  {
    name: "the way to the loudspeaker is left without a word",
    file: "src/camera/talk/back-channel.ts",
    find: '    if (this.#session !== "") await this.#client.teardown(this.#aggregateUrl, this.#session);\n',
    replace: "",
    tests: ["test/camera/back-channel.test.ts"],
    only: "told good-bye",
  },
  {
    name: "time stamps do not know of silence",
    file: "src/camera/talk/speech-sender.ts",
    find: "this.#next = Math.ceil(at);",
    replace: "this.#next = this.#packets;",
    tests: ["test/camera/speech-sender.test.ts"],
  },
  {
    name: "the microphone is kept after the button was let go",
    file: "web/page/media/talk-session.svelte.ts",
    find: "  microphone?.close();\n",
    replace: "",
    tests: ["test/page/talk.test.ts"],
    only: "held, the tone arrives",
  },
];
