import { expect, test } from "vitest";
import type { Zone } from "../../src/protocol/picture-areas.ts";
import { zoneOfRegion, zonesOf } from "../../src/vision/zones.ts";

const GRID = { columns: 160, rows: 90 };
const box = (name: string, left: number, top: number, right: number, bottom: number): Zone => ({
  name,
  points: [
    [left, top],
    [right, top],
    [right, bottom],
    [left, bottom],
  ],
});
const PATH = box("Path", 0, 0.5, 0.5, 1);
const DOOR = box("Door", 0.25, 0.5, 1, 1);
const cellAt = (x: number, y: number): number =>
  Math.floor(y * GRID.rows) * GRID.columns + Math.floor(x * GRID.columns);

test("without zones the whole picture counts", () => {
  expect(zonesOf([], GRID)).toBeNull();
});

test("a region is in the zone that has most of it, and outside of all zones in none", () => {
  const zones = zonesOf([PATH, DOOR], GRID);
  if (!zones) throw new Error("there are zones");
  expect(zones.sizes).toEqual([80 * 45, 120 * 45]);
  const only = [cellAt(0.1, 0.6), cellAt(0.11, 0.6)];
  expect(zoneOfRegion(zones, only)).toEqual({ name: "Path", cells: 2, size: 3_600 });
  expect(zoneOfRegion(zones, [...only, cellAt(0.8, 0.6)])?.name).toBe("Path");
  expect(zoneOfRegion(zones, [only[0] ?? 0, cellAt(0.8, 0.6), cellAt(0.81, 0.6)])?.name).toBe(
    "Door",
  );
  // Where both have it, the first of the settings names it.
  expect(zoneOfRegion(zones, [cellAt(0.4, 0.6)])).toMatchObject({ name: "Path", cells: 1 });
  expect(zoneOfRegion(zones, [cellAt(0.5, 0.2)])).toBeNull();
  expect(zoneOfRegion(zones, [])).toBeNull();
  expect(zones.bits[cellAt(0.5, 0.2)]).toBe(0);
});

test("the eighth zone is told from the others", () => {
  const eight = Array.from({ length: 8 }, (_, index) =>
    box(`Zone ${index}`, index / 8, 0, (index + 1) / 8, 1),
  );
  const zones = zonesOf(eight, GRID);
  if (!zones) throw new Error("there are zones");
  expect(zoneOfRegion(zones, [cellAt(0.95, 0.5)])?.name).toBe("Zone 7");
  expect(zones.bits.every((bits) => bits > 0)).toBe(true);
});

test("a zone thinner than a cell is not silently none", () => {
  const zones = zonesOf([box("Step", 0.001, 0.0001, 0.999, 0.0052)], GRID);
  expect(zones?.sizes[0]).toBeGreaterThan(100);
});
