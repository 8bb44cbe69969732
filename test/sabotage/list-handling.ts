import type { Sabotage } from "./sabotage.ts";

/** Edits to what comes in, and to what an owner states about it. */
export const HANDLING_SABOTAGES: readonly Sabotage[] = [
  {
    name: "what is kept for a request can be renewed for ever",
    file: "src/protocol/handling.ts",
    find: 'return before.action === "hold" ? ["renew", "end"] : ["end"];',
    replace: 'return ["renew", "end"];',
    tests: ["test/http/handling.test.ts"],
    only: "is renewed once",
  },
  {
    name: "a statement about one request counts for another",
    file: "src/protocol/handling.ts",
    find: "    statement.request !== request.id ||\n    statement.requestSha256 !== request.sha256;",
    replace: "    false;",
    tests: ["test/http/handling.test.ts"],
    only: "can be stated anew",
  },
  {
    name: "letting go of an own hold lets go of what is kept for a request",
    file: "src/clips/retention-rows.ts",
    find: "coalesce((SELECT max(until_counted_ms) FROM request_hold_clips\n",
    replace: "coalesce((SELECT NULL FROM request_hold_clips\n",
    tests: ["test/http/handling.test.ts"],
    only: "holds what was named",
  },
  {
    name: "what is kept for a request never ends",
    file: "src/clips/retention.ts",
    find: 'if (row.until_counted_ms !== null && row.until_counted_ms > this.#count.nowMs()) return "held";',
    replace: 'if (row.until_counted_ms !== null) return "held";',
    tests: ["test/clips/retention-requests.test.ts"],
  },
  {
    name: "another document is shown than the one that was sealed",
    file: "src/owner/request-attachment.ts",
    find: "if (!isSame || documentTypeOf(bytes) !== document.mediaType)",
    replace: "if (!isSame && documentTypeOf(bytes) !== document.mediaType)",
    tests: ["test/http/handling.test.ts"],
    only: "is ciphertext on the hub",
  },
  {
    name: "four megabytes are read of anybody",
    file: "src/http/handling-routes.ts",
    find: "if (!isAwaited || arriving.has(sha256)) throw documentGone();",
    replace: "if (!isAwaited) reply.header('x-late', '1');",
    tests: ["test/http/outside.test.ts"],
    only: "before it has read it",
  },
  {
    name: "what an owner writes for the notice is markup there",
    file: "src/protocol/door-notice.ts",
    find: '.replaceAll("<", "&lt;")',
    replace: "",
    tests: ["test/http/outside.test.ts"],
    only: "has a QR code",
  },
  {
    name: "an approval that has ended is still handed out to whoever is fetching it",
    file: "src/consent/endings.ts",
    find: "  forgetBundle(decisionSha256);\n",
    replace: "",
    tests: ["test/consent/endings.test.ts"],
    only: "stops who is just fetching",
  },
];
