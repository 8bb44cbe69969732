import type { Sabotage } from "./sabotage.ts";

/** Edits that would have a push say something, go somewhere, or ring twice. */
export const PUSH_SABOTAGES: readonly Sabotage[] = [
  {
    name: "a push is as long as what it says",
    file: "src/notify/push-payload.ts",
    find: 'return text + " ".repeat(free);',
    replace: "return text;",
    tests: ["test/notify/push.test.ts"],
    only: "the one payload is one size",
  },
  {
    name: "a push service's name may lead into the house",
    file: "src/notify/push-send.ts",
    find: "else if (!first || found.some(({ address }) => isInsideAddress(address)))",
    replace: "else if (!first)",
    tests: ["test/notify/push.test.ts"],
    only: "leads into the house",
  },
  {
    name: "a device that has left the house is pushed to",
    file: "src/notify/push.ts",
    find: "    if (!isInHouse(device)) subscriptions.forgetDevice(device);\n",
    replace: "",
    tests: ["test/notify/push.test.ts"],
    only: "has left the house",
  },
  {
    name: "one device that is to wait holds back the bells of all",
    file: "src/notify/push.ts",
    find: "this.#notBefore.get(way.endpoint) ?? 0) - nowMs();",
    replace: "[...this.#notBefore.values()][0] ?? 0) - nowMs();",
    tests: ["test/notify/push-waits.test.ts"],
    only: "silences no other",
  },
  {
    name: "a full disk makes a push of none",
    file: "src/notify/push.ts",
    find: 'each.status === "rejected" ? [failureOf(each.reason)] : [],',
    replace:
      'each.status === "rejected" && each.reason instanceof CarrierFailure ? [each.reason] : [],',
    tests: ["test/notify/push-waits.test.ts"],
    only: "in the hub itself",
  },
  {
    name: "a logout leaves the way to the browser",
    file: "src/http/session-routes.ts",
    find: "    push.leave(device);\n",
    replace: "",
    tests: ["test/hub/pushes-on-the-wire.test.ts"],
    only: "logs out",
  },
  {
    name: "a browser's secret for notices opens every route of a session",
    file: "src/http/access-check.ts",
    find: 'access === "notice" ? readerOfSecret(request, noticeSecrets) : null;',
    replace: "readerOfSecret(request, noticeSecrets);",
    tests: ["test/hub/pushes-on-the-wire.test.ts"],
    only: "opens no other route",
  },
  {
    name: "a removed device's browser still looks up notices",
    file: "src/hub/push.ts",
    find: "return device !== null && this.#isInHouse(device) ? device : null;",
    replace: "return device;",
    tests: ["test/hub/pushes-on-the-wire.test.ts"],
    only: "whose device has left at this moment",
  },
  {
    name: "a notification offers to refuse what is no request",
    file: "web/service-worker/notice-text.ts",
    find: 'notice.request === null ? [] : [{ action: "refuse", title: words.refuse }]',
    replace: '[{ action: "refuse", title: words.refuse }]',
    tests: ["test/page/notice-text.test.ts"],
    only: "none to approve",
  },
];
