import { BaseSequencer, type TestSpecification } from "vitest/node";

/** What takes longest, longest first: were it left to the end, one worker would wait for another. */
const LONG: readonly RegExp[] = [
  /\/test\/sabotage\//,
  /\/test\/torture\//,
  /\/test\/live\/(?:demo|camera-to-clip|crash)\./,
  /\/test\/model\//,
  /\/test\/supply-chain-release\./,
  /\/test\/(?:page|live|vision)\//,
];

/** Order of the test files; what is not known to be long comes by size, as it would without this. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.toSorted((one, other) => rankOf(one) - rankOf(other));
  }
}

function rankOf({ moduleId }: TestSpecification): number {
  const rank = LONG.findIndex((pattern) => pattern.test(moduleId));
  return rank === -1 ? LONG.length : rank;
}
