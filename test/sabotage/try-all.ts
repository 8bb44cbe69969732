import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { copyOfProject, runControl, trySabotage } from "../../scripts/sabotage.ts";
import { sharedPath } from "../support/requirements.ts";
import type { Sabotage } from "./sabotage.ts";

const MINUTE_MS = 60_000;

/**
 * Tests that cannot fail hold nothing: each of these edits must make one fail. The lists are in two
 * files, which run side by side, each on a copy of its own.
 */
export function trySabotages(sabotages: readonly Sabotage[], atLeast: number): void {
  let copy: Awaited<ReturnType<typeof copyOfProject>>;
  beforeAll(async () => {
    copy = await copyOfProject();
  });
  afterAll(() => copy[Symbol.asyncDispose]());

  describe("an edit that breaks a promise is noticed by the tests", () => {
    test("the list is long enough, and names nothing twice", () => {
      expect(sabotages.length).toBeGreaterThanOrEqual(atLeast);
      expect(new Set(sabotages.map(({ name }) => name)).size).toBe(sabotages.length);
    });

    test(
      "(control: without any edit the same tests pass)",
      { timeout: 10 * MINUTE_MS },
      async () => {
        const { code, output } = await runControl(copy.folder, sabotages);
        expect(code, output.slice(-2_000)).toBe(0);
      },
    );

    test.for(sabotages)("$name", { timeout: 5 * MINUTE_MS }, async (sabotage, { skip }) => {
      if (sabotage.needs !== undefined && sharedPath(sabotage.needs) === null)
        skip("the published vectors are not here");
      const { outcome, detail } = await trySabotage(copy.folder, sabotage);
      expect(outcome, detail).toBe("caught");
    });
  });
}
