import type { Sabotage } from "./sabotage.ts";

/** Edits of the copy elsewhere. */
export const OFFSITE_SABOTAGES: readonly Sabotage[] = [
  {
    name: "the database's file is not held still while a state is sealed",
    file: "src/offsite/state-archive.ts",
    find: '    reader.exec("BEGIN");',
    replace: "",
    tests: ["test/offsite/state-archive.test.ts"],
  },
  {
    name: "the login for a copy goes on to where a server redirects to",
    file: "src/offsite/exchange.ts",
    find: "      if (status >= 300 && status < 400) {",
    replace: "      if (status === 399) {",
    tests: ["test/offsite/lying-places.test.ts"],
    only: "a redirect is not followed, and the login goes nowhere else",
  },
  {
    name: "a change of the keyring waits for the next turn of the copy",
    file: "src/hub/services.ts",
    find: "      copy.soon();\n",
    replace: "",
    tests: ["test/restore/copies.test.ts"],
    only: "of a hub whose keyring has just changed knows the change",
  },
  {
    name: "a restore takes entries that the ledger's key has not signed for",
    file: "src/cli/restore-ledger.ts",
    find: '    database.exec("ROLLBACK");',
    replace: '    database.exec("COMMIT");',
    tests: ["test/restore/copies.test.ts"],
    only: "takes all of many entries, or none that the ledger has not signed for",
  },
  {
    name: "a removed owner's device accepts a restoration",
    file: "src/protocol/restoration.ts",
    find: '  if (roleOfDevice(known.keyring, device) !== "owner")\n',
    replace: "  if (device.length === 0)\n",
    tests: ["test/protocol/restoration.test.ts"],
  },
  {
    name: "an old header stays in the copy, and nothing says so",
    file: "src/offsite/copier.ts",
    find: '    if (isThere && isLatest && turn.deletions === "follow") rows.supersede(row);',
    replace: "",
    tests: ["test/offsite/rewrap-copy.test.ts"],
    only: "old headers leave the copy: a removed device opens nothing there any more",
  },
  {
    name: "batches go that an older state of the copy would need",
    file: "src/offsite/old-papers.ts",
    find: "Math.min(...kept",
    replace: "Math.max(...kept",
    tests: ["test/offsite/papers.test.ts"],
    only: "three states are kept, and of the ledger's batches what the oldest of them has not",
  },
];
