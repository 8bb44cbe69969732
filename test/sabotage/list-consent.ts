import type { Sabotage } from "./sabotage.ts";

/** Edits of the consent core that show only in what follows what, or in what a crash leaves. */
export const CONSENT_SABOTAGES: readonly Sabotage[] = [
  {
    name: "a second proposal takes the place of one that can still be signed",
    file: "src/consent/decisions.ts",
    find: "if (earlier && !earlier.isStale)",
    replace: "if (earlier?.isStale === true)",
    tests: ["test/model/consent-model.test.ts"],
    only: "one fixed seed",
  },
  {
    name: "a signature counts for another decision than the one it names",
    file: "src/consent/decisions.ts",
    find: "if (earlier?.decisionSha256 !== decisionSha256) throw noProposal();",
    replace: "if (!earlier) throw noProposal();",
    tests: ["test/model/consent-model.test.ts"],
    only: "one fixed seed",
  },
  {
    name: "recordings are held for a request that is over",
    file: "src/consent/handling.ts",
    find: 'return (state === "received" || state === "held") && expiresAtMs > nowMs;',
    replace: 'return state === "received" || (state === "held" && expiresAtMs > nowMs);',
    tests: ["test/model/consent-model.test.ts"],
    only: "one fixed seed",
  },
  {
    name: "an access is entered apart from what it changes",
    file: "src/consent/decisions.ts",
    find: "  const { decisionSha256 } = request;\n  options.database.transaction(() => {\n    options.appendEntry({",
    replace:
      "  const { decisionSha256 } = request;\n  const apart = (work: () => void) => work;\n  apart(() => {\n    options.appendEntry({",
    tests: ["test/consent/crash-points.test.ts"],
    only: "a pick-up",
  },
];
