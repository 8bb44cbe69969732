import type { Sabotage } from "./sabotage.ts";

/** Edits after which programs of the house are told too much, or may too much. */
export const HOUSE_SABOTAGES: readonly Sabotage[] = [
  {
    name: "a webhook's name may lead anywhere where one of its addresses is of the house",
    file: "src/notify/webhook-post.ts",
    find: "!found.slice(0, ADDRESSES_MAX).every(",
    replace: "!found.slice(0, ADDRESSES_MAX).some(",
    tests: ["test/notify/webhooks.test.ts"],
    only: "a name is judged",
  },
  {
    name: "a webhook's signature does not hold its time",
    file: "src/notify/webhook-message.ts",
    find: "update(`${seconds}.${body}`)",
    replace: "update(body)",
    tests: ["test/notify/webhooks.test.ts"],
    only: "a call is signed",
  },
  {
    name: "the broker switches on what a person switched off",
    file: "src/hub/privacy.ts",
    find: "if (!isOff && (!isOwn || this.#hoursSayOff(camera))) return;",
    replace: "",
    tests: ["test/notify/home-assistant.test.ts"],
    only: "with on the broker",
  },
  {
    name: "a ring is kept by the broker",
    file: "src/hub/home-assistant.ts",
    find: "publish(topics.of(camera, kind), payload)",
    replace: "publish(topics.of(camera, kind), payload, { retain: true })",
    tests: ["test/notify/home-assistant.test.ts"],
    only: "cameras are announced",
  },
  {
    name: "a camera that is off goes on being told of",
    file: "src/hub/home-assistant.ts",
    find: "if (!isKnown || this.#options.privacy.isOff(event.camera)) return;",
    replace: "if (!isKnown) return;",
    tests: ["test/notify/home-assistant.test.ts"],
    only: "cameras are announced",
  },
];
