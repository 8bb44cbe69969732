import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { copyOfProject, runControl, trySabotage } from "../../scripts/sabotage.ts";
import { sharedPath } from "../support/requirements.ts";
import { ALL_SABOTAGES, sabotagesOfPart } from "./all.ts";

const MINUTE_MS = 60_000;
const AT_LEAST = 360;
/** Files that run side by side, each on a copy of its own. */
const PARTS = 4;

/**
 * Tests that cannot fail hold nothing: each of these edits must make one fail.
 *
 * @param part - From 1 on.
 */
export function trySabotages(part: number): void {
  const sabotages = sabotagesOfPart(part, PARTS);
  let copy: Awaited<ReturnType<typeof copyOfProject>>;
  beforeAll(async () => {
    copy = await copyOfProject();
  });
  afterAll(() => copy[Symbol.asyncDispose]());

  describe("an edit that breaks a promise is noticed by the tests", () => {
    test("the list is long enough, names nothing twice, and every one is in a part", () => {
      expect(ALL_SABOTAGES.length).toBeGreaterThanOrEqual(AT_LEAST);
      const names = (list: typeof ALL_SABOTAGES) => list.map(({ name }) => name).toSorted();
      expect(new Set(names(ALL_SABOTAGES)).size).toBe(ALL_SABOTAGES.length);
      const parts = Array.from({ length: PARTS }, (_, index) => sabotagesOfPart(index + 1, PARTS));
      expect(names(parts.flat())).toEqual(names(ALL_SABOTAGES));
      expect(sabotages.length).toBeGreaterThan(10);
    });

    test(
      "(control: without any edit the same tests pass)",
      { timeout: 20 * MINUTE_MS },
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
