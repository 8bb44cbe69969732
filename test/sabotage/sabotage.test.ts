import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { copyOfProject, runTests, trySabotage } from "../../scripts/sabotage.ts";
import { sharedPath } from "../support/requirements.ts";
import { SABOTAGES } from "./list.ts";

/** Tests that cannot fail hold nothing: each of these edits must make one fail. */
const MINUTE_MS = 60_000;

let copy: Awaited<ReturnType<typeof copyOfProject>>;
beforeAll(async () => {
  copy = await copyOfProject();
});
afterAll(() => copy[Symbol.asyncDispose]());

describe("an edit that breaks a promise is noticed by the tests", () => {
  test("the list is long enough, and names nothing twice", () => {
    expect(SABOTAGES.length).toBeGreaterThanOrEqual(24);
    expect(new Set(SABOTAGES.map(({ name }) => name)).size).toBe(SABOTAGES.length);
  });

  test("(control: without any edit the same tests pass)", { timeout: 5 * MINUTE_MS }, async () => {
    const tests = new Set(SABOTAGES.flatMap((sabotage) => sabotage.tests));
    const { code, output } = await runTests(copy.folder, [...tests]);
    expect(code, output.slice(-2_000)).toBe(0);
  });

  test.for(SABOTAGES)("$name", { timeout: 5 * MINUTE_MS }, async (sabotage, { skip }) => {
    if (sabotage.needs !== undefined && sharedPath(sabotage.needs) === null)
      skip("the published vectors are not here");
    const { outcome, detail } = await trySabotage(copy.folder, sabotage);
    expect(outcome, detail).toBe("caught");
  });
});
