import type { Sabotage } from "./sabotage.ts";

/** Edits after which a bell rings too often, too seldom, or for somebody else. */
export const BELL_SABOTAGES: readonly Sabotage[] = [
  {
    name: "the state of before rings",
    file: "src/camera/bell/rules.ts",
    find: "  if (message.isInitial || message.via !== rule.via) return false;\n  switch",
    replace: "  if (message.via !== rule.via) return false;\n  switch",
    tests: ["test/bells/rules.test.ts"],
  },
  {
    name: "a poll that is hung up on gives the subscription away",
    file: "src/camera/bell/onvif-listener.ts",
    find: 'if (error.code !== "DEVICE_FAULT") return "nothing";',
    replace: 'if (error.code !== "DEVICE_FAULT") return "gone";',
    tests: ["test/bells/listeners.test.ts"],
    only: "loses no press",
  },
  {
    name: "what a broker kept rings",
    file: "src/camera/bell/mqtt-link.ts",
    find: "if (!flood.isOver() && !packet.retain)",
    replace: "if (!flood.isOver())",
    tests: ["test/bells/hub.test.ts"],
    only: "over MQTT",
  },
  {
    name: "a press is forgotten with the recorder that it was meant for",
    file: "src/bells/presses.ts",
    find: "    this.forgetLate();\n    const nowMs = this.#options.monotonicMs();\n    return",
    replace:
      "    this.#waiting.clear();\n    const nowMs = this.#options.monotonicMs();\n    return",
    tests: ["test/bells/presses.test.ts"],
  },
  {
    name: "any token rings",
    file: "src/bells/tokens.ts",
    find: "return own !== undefined && isSame;",
    replace: "return own !== undefined;",
    tests: ["test/bells/hub.test.ts"],
    only: "a webhook",
  },
  {
    name: "a route may have a program run",
    file: "src/settings/bell-edit.ts",
    find: 'if (rule.via === "command")',
    replace: 'if (rule.via === "command" && rule.code === "never")',
    tests: ["test/bells/hub.test.ts"],
    only: "no route makes",
  },
  {
    name: "a refused password is shown again and again",
    file: "src/camera/bell/listening.ts",
    find: "if (!wasAccepted) pauseMs = retryPasswordMs;",
    replace: "",
    tests: ["test/bells/retry.test.ts"],
  },
  {
    name: "a bell is removed that has come to stand there meanwhile",
    file: "src/settings/bell-edit.ts",
    find: "RULE_MEMBERS.some(",
    replace: "[...RULE_MEMBERS].slice(9).some(",
    tests: ["test/bells/hub.test.ts"],
    only: "a bell is taught",
  },
  {
    name: "a topic that the broker refuses is shown as heard",
    file: "src/bells/listeners.ts",
    find: "const refused = isListening ? this.#refusedTo(listening) : undefined;",
    replace: "const refused = isListening ? undefined : this.#refusedTo(listening);",
    tests: ["test/bells/process.test.ts"],
  },
];
