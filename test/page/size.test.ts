import { expect, test } from "vitest";
import { pageSizeFigures } from "../../bench/page-size.ts";

const PAGE_BYTES_MAX = 61_440;

test("the page weighs no more than it may, live and timeline included", async () => {
  const figures = await pageSizeFigures();
  const total = figures.find(({ name }) => name === "page.gzip");
  expect(total?.context).toMatch(/and [6-9]|and 1[0-9]/);
  expect(total?.value).toBeGreaterThan(20_000);
  expect(total?.value).toBeLessThanOrEqual(PAGE_BYTES_MAX);
});
