import type { Sabotage } from "./sabotage.ts";

/** What the mailbox promises, each broken once. */
export const MAILBOX_SABOTAGES: readonly Sabotage[] = [
  {
    name: "a device believes any state that was sealed to it",
    file: "src/owner/mailbox.ts",
    find: "if (!isSignedBy(keyring.ledgerKey))",
    replace: "if (!isSignedBy(keyring.ledgerKey) && state.sequence < 0)",
    tests: ["test/mailbox/carrier-attacks.test.ts"],
  },
  {
    name: "an older state is as good as a newer one",
    file: "src/owner/mailbox.ts",
    find: "  if (isOlder)\n",
    replace: "  if (isOlder && sequence < 0)\n",
    tests: ["test/mailbox/carrier-attacks.test.ts"],
  },
  {
    name: "the hub reads a reply that nobody has authenticated",
    file: "src/mailbox/box.ts",
    find: "if (!timingSafeEqual(mac(covered), box.subarray(covered.length))) return null;",
    replace: "timingSafeEqual(mac(covered), box.subarray(covered.length));",
    tests: ["test/mailbox/carrier-attacks.test.ts"],
  },
  {
    name: "the login goes along with a redirect",
    file: "src/mailbox/exchange.ts",
    find: 'redirect: "manual"',
    replace: 'redirect: "follow"',
    tests: ["test/mailbox/carrier-attacks.test.ts"],
  },
];
