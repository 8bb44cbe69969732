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
    find: "return isWaiting && !this.#options.requests.isTimeOver(request);",
    replace: "return isWaiting;",
    tests: ["test/model/consent-model.test.ts"],
    only: "one fixed seed",
  },
  {
    name: "a clock that is eleven years ahead ends requests for good",
    file: "src/consent/requests.ts",
    find: "isBelieved ? nowMs : 0",
    replace: "isBelieved ? nowMs : nowMs",
    tests: ["test/torture/clock.test.ts"],
    only: "eleven years ahead close",
  },
  {
    name: "a copy from before an upgrade is unlinked, and not overwritten",
    file: "src/base/upgrade-backup.ts",
    find: "await Promise.all(ended.map(overwrite));",
    replace: "await Promise.all(ended.map((each) => rm(each)));",
    tests: ["test/base/upgrade-backup.test.ts"],
    only: "is overwritten and gone",
  },
  {
    name: "a clock that is set back makes sessions longer",
    file: "src/http/sessions.ts",
    find: 'const OPEN_SESSION = "expires_at_ms > ? AND expires_counted_ms > ?";',
    replace: 'const OPEN_SESSION = "expires_at_ms > ? AND expires_counted_ms > 0 * ?";',
    tests: ["test/torture/clock.test.ts"],
    only: "stay so when the clock is set back",
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
  {
    name: "an emergency counts as a basis",
    file: "src/protocol/linter.ts",
    find: "basis_missing: OFFICIAL.has(kind) && citesNoBasis(personal),",
    replace:
      'basis_missing: OFFICIAL.has(kind) && kind !== "police_emergency" && citesNoBasis(personal),',
    tests: ["test/protocol/linter.test.ts"],
  },
];
