import { expect, test } from "vitest";
import { adviceOn } from "../../src/clips/nothing-advice.ts";
import type { EventReason } from "../../src/protocol/clip.ts";

const WHOLE = "whole picture";
const why = (areaShare: number, zone = "Path"): EventReason => ({
  ...{ kind: "motion", zone, areaShare, score: 0.5 },
});

test("one event says nothing yet", () => {
  expect(adviceOn([why(0.004)], [why(0.02)], WHOLE).suggestions).toEqual([]);
});

test("small events in one zone: a larger smallest size, or the zone, each with what it would cost", () => {
  const marked = [why(0.003), why(0.004), why(0.0071), why(0.004), why(0.006, "Door")];
  const others = [why(0.02), why(0.03, "Door"), why(0.005, "Door"), why(0.04)];
  expect(adviceOn(marked, others, WHOLE)).toEqual({
    ...{ marked: 5, others: 4 },
    suggestions: [
      { change: "smallest", smallest: 0.008, spares: 5, loses: 1 },
      { change: "zone", zone: "Path", spares: 4, loses: 2 },
    ],
  });
});

test("the largest of them is let through where sparing it would lose more", () => {
  const marked = [why(0.003), why(0.003), why(0.04)];
  const others = [why(0.02), why(0.02), why(0.02)];
  expect(adviceOn(marked, others, WHOLE).suggestions[0]).toEqual({
    ...{ change: "smallest", smallest: 0.004, spares: 2, loses: 0 },
  });
});

test("nothing is suggested that would leave out people: large things, or places that differ", () => {
  const marked = [why(0.2, "Path"), why(0.3, "Door"), why(0.25, "Lawn")];
  expect(adviceOn(marked, [], WHOLE).suggestions).toEqual([]);
});

test("where there are no zones, drawing some is suggested without a count", () => {
  const marked = [why(0.2, WHOLE), why(0.3, WHOLE)];
  expect(adviceOn(marked, [], WHOLE).suggestions).toEqual([{ change: "draw-zones" }]);
});
