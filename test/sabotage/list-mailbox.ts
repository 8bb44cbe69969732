import type { Sabotage } from "./sabotage.ts";

/** What the mailbox promises, each broken once. */
export const MAILBOX_SABOTAGES: readonly Sabotage[] = [
  {
    name: "a device believes any state that was sealed to it",
    file: "src/owner/mailbox.ts",
    find: "if (!isSignedBy(keyring.ledgerKey))",
    replace: "if (!isSignedBy(keyring.ledgerKey) && state.sequence < 0)",
    tests: ["test/mailbox/carrier-attacks.test.ts"],
    only: "another household's things, with its own good",
  },
  {
    name: "an older state is as good as a newer one",
    file: "src/owner/mailbox.ts",
    find: "  if (isOlder)\n",
    replace: "  if (isOlder && sequence < 0)\n",
    tests: ["test/mailbox/carrier-attacks.test.ts"],
    only: "an older state is told from a newer one, and",
  },
  {
    name: "the hub reads a reply that nobody has authenticated",
    file: "src/mailbox/box.ts",
    find: "if (!timingSafeEqual(mac(covered), box.subarray(covered.length))) return null;",
    replace: "timingSafeEqual(mac(covered), box.subarray(covered.length));",
    tests: ["test/mailbox/carrier-attacks.test.ts"],
    only: "altered by one bit, at the beginning, in the",
  },
  {
    name: "the login goes along with a redirect",
    file: "src/mailbox/exchange.ts",
    find: 'redirect: "manual"',
    replace: 'redirect: "follow"',
    tests: ["test/mailbox/carrier-attacks.test.ts"],
    only: "a server that sends elsewhere",
  },
  {
    name: "a piece whose answer is lost is put again under another name",
    file: "src/mailbox/mailbox.ts",
    find: "const box = known ? { item: known.item, key: known.key } : this.#inbox();",
    replace: "const box = this.#inbox();",
    tests: ["test/mailbox/leftovers.test.ts"],
  },
  {
    name: "a mailbox that the settings name no more is only forgotten",
    file: "src/hub/mailbox.ts",
    find: "await this.#reach(place, async (carrier) => mailbox.leave(carrier));",
    replace: "await this.#reach(place, async () => undefined);",
    tests: ["test/mailbox/leaving.test.ts"],
  },
];
