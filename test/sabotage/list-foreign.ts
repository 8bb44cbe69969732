import type { Sabotage } from "./sabotage.ts";

/** Edits of what both verifiers check, each in one of them: the other must be seen to differ. */
export const FOREIGN_SABOTAGES: readonly Sabotage[] = [
  {
    name: "a house takes the name of another",
    file: "src/protocol/keyring-changes.ts",
    find: "if (change.origin !== originOf(ledgerKey))",
    replace: "if (change.origin === ledgerKey.toString())",
    tests: ["test/foreign/forged.test.ts"],
    only: "the name of another house",
  },
  {
    name: "the foreign verifier believes the name that a house gives itself",
    file: "test/foreign/keyring.py",
    find: 'need(self.origin == "doorward/" + sha256(self.ledger_key).hex()[:32], "an origin that is not its key\'s")',
    replace: "pass",
    tests: ["test/foreign/forged.test.ts"],
    only: "the name of another house",
  },
  {
    name: "the foreign verifier looks at no signature",
    file: "test/foreign/signatures.py",
    find: 'need(envelope.holds(signature, device["key"]), "a signature does not verify")',
    replace: "pass",
    tests: ["test/foreign/forged.test.ts"],
    only: "over a stranger's signature",
  },
  {
    name: "the foreign verifier takes a file of another hash for the ledger's",
    file: "test/foreign/decision.py",
    find: 'need(recorded.get(where(file)) == file, "a file that the ledger has not so")',
    replace: "pass",
    tests: ["test/foreign/forged.test.ts"],
    only: "a file of another size",
  },
  {
    name: "the foreign verifier counts a release after its end as approved",
    file: "test/foreign/report.py",
    find: "return asked if names and not asked.revoked else None",
    replace: "return asked if names else None",
    tests: ["test/foreign/papers.test.ts"],
    only: "of a release after its end",
  },
  {
    name: "a release entry may say another number of files",
    file: "src/protocol/verify-bundle.ts",
    find: "released.files === approval.files.length",
    replace: "released.files >= 0",
    tests: ["test/foreign/forged.test.ts"],
    only: "another number of files",
  },
];
