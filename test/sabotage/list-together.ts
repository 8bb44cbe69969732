import type { Sabotage } from "./sabotage.ts";

/** Edits of what several owners decide together, and of how an approval ends. */
export const TOGETHER_SABOTAGES: readonly Sabotage[] = [
  {
    name: "a second signature is taken without a look at who gave it",
    file: "src/consent/decisions.ts",
    find: "const proposal = VerifiedProposal.verify({ ...earlier.envelope, signatures }, context);",
    replace:
      "const proposal = VerifiedProposal.verify(earlier.envelope, context); proposal.envelope.signatures.push(signature);",
    tests: ["test/consent/together.test.ts"],
    only: "an adult, a stranger",
  },
  {
    name: "a co-signer's device does not compare the headers",
    file: "src/owner/decide-together.ts",
    find: "if (!equalBytes(canonicalJson(own), canonicalJson(decision.release)))",
    replace: "if (own.length < 0)",
    tests: ["test/consent/together.test.ts"],
    only: "a co-signer's device",
  },
  {
    name: "the end of a veto window is not waited for",
    file: "src/consent/decisions.ts",
    find: "if ((leavesInMs(options, request) ?? 0) > 0) continue;",
    replace: "if ((leavesInMs(options, request) ?? 0) < 0) continue;",
    tests: ["test/consent/endings.test.ts"],
    only: "a veto window",
  },
  {
    name: "what a removed device signed leaves at the end of its veto window",
    file: "src/consent/signers.ts",
    find: 'roleOfDevice(keyring, device) !== "owner"',
    replace: 'roleOfDevice(keyring, device) === "guest"',
    tests: ["test/consent/removed-signer.test.ts"],
    only: "removed in the veto window",
  },
  {
    name: "what was revoked stays in the log of changes",
    file: "src/consent/endings.ts",
    find: "  cutOffLog(database);",
    replace: "void database;",
    tests: ["test/consent/endings.test.ts"],
    only: "destroys the hub's copy",
  },
];
