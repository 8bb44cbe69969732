import type { Sabotage } from "./sabotage.ts";

/** Edits of who may change the household's keys, and of the way of the lost phone. */
export const KEYRING_SABOTAGES: readonly Sabotage[] = [
  {
    name: "a recovery is complete at once",
    file: "src/protocol/keyring-recovery.ts",
    find: "if (atMs < pending.atMs + RECOVERY_NOTICE_MS)",
    replace: "if (atMs < pending.atMs)",
    tests: ["test/protocol/keyring-recovery.test.ts"],
  },
  {
    name: "anybody's signature counts under the name of the sheet",
    file: "src/protocol/keyring.ts",
    find: "if (!verifyEnvelopeSignature(envelope, payload, signature, recoveryKey))",
    replace: 'if (signature.sig === "")',
    tests: ["test/protocol/keyring-recovery.test.ts"],
  },
  {
    name: "owners can quietly make a recovery impossible",
    file: "src/protocol/keyring-changes.ts",
    find: "return requireCompletable(removeDevice(following, change));",
    replace: "return removeDevice(following, change);",
    tests: ["test/protocol/keyring-recovery.test.ts"],
  },
  {
    name: "a removed device reads on, because the readers stay",
    file: "src/protocol/keyring-rules.ts",
    find: 'if (old.has(reader)) throw invalidChange("a reader is one of those in force");',
    replace: "",
    tests: ["test/protocol/keyring.test.ts", "test/protocol/keyring-recovery.test.ts"],
  },
  {
    name: "a clock that jumps ends the time in which owners may object",
    file: "src/keys/keyring-desk.ts",
    find: "if (leftMs <= 0) return;",
    replace: "if (leftMs <= RECOVERY_NOTICE_MS) return;",
    tests: ["test/hub/recovery.test.ts"],
    only: "72 hours",
  },
  {
    name: "a device that stays is forgotten when readers change",
    file: "src/keys/passed-on.ts",
    find: "if (blobs.length !== readerHolders(keyring).length)",
    replace: "if (blobs.length < 0)",
    tests: ["test/http/keyring.test.ts"],
    only: "a removal",
  },
  {
    name: "a device takes whatever readers the hub passes on",
    file: "src/owner/rotate.ts",
    find: "if (index === -1 || recipients.length === 0)",
    replace: "if (recipients.length === 0)",
    tests: ["test/owner/rotate.test.ts"],
  },
  {
    name: "an owner signs readers that he does not get",
    file: "src/owner/keyring-changes.ts",
    find: 'if (change.kind === "remove") await openPassedOn(',
    replace: 'if (change.kind === "genesis") await openPassedOn(',
    tests: ["test/owner/lost-phone.test.ts"],
    only: "two owners",
  },
  {
    name: "who holds the readers of a pending recovery can be removed, and reads on",
    file: "src/protocol/keyring-changes.ts",
    find: "return pending !== null && mayHold && !pending.remove.includes(device.id);",
    replace: "return pending !== null && !mayHold && !pending.remove.includes(device.id);",
    tests: ["test/protocol/keyring-recovery.test.ts"],
  },
  {
    name: "a change that waits is handed in anew, with other readers",
    file: "src/keys/keyring-desk.ts",
    find: "if (this.#household.proposals.has(head))",
    replace: 'if (this.#household.proposals.has("") && head)',
    tests: ["test/http/keyring.test.ts"],
    only: "keeps the readers",
  },
];
