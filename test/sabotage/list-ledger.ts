import type { Sabotage } from "./sabotage.ts";

/** Edits of what a device makes of the ledger, and of what it proves to others. */
export const LEDGER_SABOTAGES: readonly Sabotage[] = [
  {
    name: "a device takes silence for nothing",
    file: "src/owner/findings.ts",
    find: "atMs - high > this.#everyMs + SLACK_MS",
    replace: "atMs - high < 0",
    tests: ["test/owner/alarms.test.ts"],
  },
  {
    name: "any entry explains a gap",
    file: "src/owner/findings.ts",
    find: '(kind === "heartbeat" && first === true) || kind === "restored";',
    replace: 'kind !== "";',
    tests: ["test/owner/alarms.test.ts"],
  },
  {
    name: "a recording of which a file is gone counts as there",
    file: "src/owner/alarms.ts",
    find: "(found !== null && found >= files)",
    replace: "found !== null",
    tests: ["test/owner/watch.test.ts"],
    only: "finds the recording of which a file is gone or",
  },
  {
    name: "a device judges entries that are not those of the checkpoint",
    file: "src/owner/watch.ts",
    find: "if (!(await isPartOf(hub, watch, seen)))",
    replace: "if (seen.size < 0)",
    tests: ["test/owner/watch.test.ts"],
    only: "takes no entries that are not those of the",
  },
  {
    name: "a file counts as present whatever is left of it",
    file: "src/clips/presence.ts",
    find: "=== bytes) present += 1",
    replace: "!== null && bytes >= 0) present += 1",
    tests: ["test/owner/watch.test.ts"],
    only: "finds the recording of which a file is gone or",
  },
  {
    name: "a receipt's proof is not checked",
    file: "src/protocol/verify-receipt.ts",
    find: "if (!verifyInclusion({ leafIndex: index, leafHash, treeSize: size, proof, root }))",
    replace: "if (leafHash.length + proof.length + root.length + index + size < 0)",
    tests: ["test/owner/receipt.test.ts"],
  },
  {
    name: "a monthly statement may have any words",
    file: "src/protocol/monthly-statement.ts",
    find: "if (text !== statementText(found.statement))",
    replace: "if (statementText(found.statement) === text.slice(1))",
    tests: ["test/owner/receipt.test.ts"],
  },
  {
    name: "a refusal may be entered as if it gave something",
    file: "src/protocol/report.ts",
    find: "if (isGiving && !isApproval(outcome)) return false;",
    replace: "if (isGiving && keyringHead === null) return false;",
    tests: ["test/protocol/report.test.ts"],
  },
  {
    name: "a hub may enter other amounts than were signed",
    file: "src/protocol/verify-bundle.ts",
    find: "    saysWhatIsGranted(decided, terms) &&\n",
    replace: "    saysWhatIsGranted.length === 2 &&\n",
    tests: ["test/hub/amounts.test.ts"],
    only: "a hub that enters other amounts than were asked",
  },
];
