import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { insertEvents } from "../support/many-events.ts";
import { CHROMIUM_COMMANDS, expectAccessible, startPage, type TestPage } from "../support/page.ts";
import { missingCommands } from "../support/requirements.ts";
import { START_AT_MS } from "../clips/test-stream.ts";

const isMissing = missingCommands(...CHROMIUM_COMMANDS);
const MILLION = 1_000_000;
const FRAME_MAX_MS = 500;

interface ShownRow {
  readonly position: number;
  readonly of: number;
  readonly text: string;
  readonly top: number;
}

/** The rows on view, from top to bottom. */
const ROWS = `(() => {
  const scroller = document.querySelector(".list");
  const { top, height } = scroller.getBoundingClientRect();
  const list = { top: top + scroller.clientTop, height };
  return [...document.querySelectorAll(".list li")].map((row) => ({
    position: Number(row.getAttribute("aria-posinset")), of: Number(row.getAttribute("aria-setsize")),
    text: row.innerText, top: Math.round(row.getBoundingClientRect().top - list.top),
    bottom: row.getBoundingClientRect().bottom - list.top, height: list.height,
  })).filter((row) => row.bottom > 1 && row.top < row.height).sort((a, b) => a.top - b.top);
})()`;

function rowsOf(page: Page): Promise<ShownRow[]> {
  return page.evaluate<ShownRow[]>(ROWS);
}

/** Rows whose events are here, and none that only keeps a place. */
async function loadedRows(page: Page): Promise<ShownRow[]> {
  await page.locator(".list li a[href]").first().waitFor();
  await page.locator(".list li a:not([href])").first().waitFor({ state: "detached" });
  return rowsOf(page);
}

/** Scrolls by script for a while. @returns how long each frame took, in milliseconds. */
function scrollFrames(page: Page, pixelsAFrame: number, frames: number): Promise<number[]> {
  return page.evaluate<number[]>(`new Promise((resolve) => {
    const list = document.querySelector(".list");
    const took = [];
    let before = performance.now();
    const step = (now) => {
      took.push(now - before);
      before = now;
      list.scrollTop += ${pixelsAFrame};
      if (took.length < ${frames}) requestAnimationFrame(step);
      else resolve(took.slice(1));
    };
    requestAnimationFrame(step);
  })`);
}

function positionsAreWhole(rows: readonly ShownRow[]): boolean {
  return rows.every(({ position }, index) => position === (rows[0]?.position ?? 0) + index);
}

function expectSoon<Value>(ask: () => Promise<Value> | Value) {
  return expect.poll(ask, { timeout: 10_000 });
}

describe.skipIf(isMissing)("a time line of a million events", () => {
  let home: TestPage;
  beforeAll(async () => {
    home = await startPage({ at: "#/nowhere" });
    insertEvents(home.hub, { count: MILLION, days: 365, newestAtMs: Date.now() - 3_600_000 });
    // The hub was busy in this very process: what the page asked for meanwhile comes first.
    await home.page.goto(`${home.url}/#/events`, { timeout: 60_000 });
  }, 240_000);
  afterAll(async () => home?.[Symbol.asyncDispose]());

  test("shows the newest, says how many there are, and asks for no recording", async () => {
    const { page } = home;
    const rows = await loadedRows(page);
    expect(rows[0]).toMatchObject({ position: 1, of: MILLION, top: 0 });
    expect(rows.length).toBeGreaterThan(4);
    expect(positionsAreWhole(rows)).toBe(true);
    expect(await page.locator(".list li").count()).toBeLessThan(40);
    expect(home.hub.ledgerKinds()).not.toContain("view");
  });

  test("scrolls to the middle and to the end, each row in its place", async () => {
    const { page } = home;
    for (const [share, least, most] of [
      [0.5, 0.3, 0.7],
      [1, 1, 1],
    ] as const) {
      await page.evaluate(`(() => {
        const list = document.querySelector(".list");
        list.scrollTop = (list.scrollHeight - list.clientHeight) * ${share};
      })()`);
      await page.waitForTimeout(400);
      const rows = await loadedRows(page);
      expect(positionsAreWhole(rows)).toBe(true);
      expect((rows.at(-1)?.position ?? 0) / MILLION).toBeGreaterThanOrEqual(least);
      expect((rows[0]?.position ?? 0) / MILLION).toBeLessThanOrEqual(most);
    }
    expect((await rowsOf(page)).at(-1)?.position).toBe(MILLION);
  });

  test("near where one is, the wheel moves it pixel by pixel, also when the bar has settled", async () => {
    const { page } = home;
    await page.evaluate(`(() => {
      const list = document.querySelector(".list");
      list.scrollTop = list.scrollHeight / 2;
    })()`);
    await page.waitForTimeout(400);
    const before = await loadedRows(page);
    const known = before[3];
    await page.locator(".list").hover();
    await page.mouse.wheel(0, 120);
    await page.waitForTimeout(500);
    const same = (await rowsOf(page)).find(({ position }) => position === known?.position);
    expect(same?.top).toBe((known?.top ?? 0) - 120);
  });

  test("a day with one tap, an hour with another", async () => {
    const { page } = home;
    await page.keyboard.press("Home");
    const days = page.getByRole("slider", { name: "Days" });
    const box = await days.boundingBox();
    if (!box) throw new Error("no days");
    await page.mouse.click(box.x + box.width * 0.4, box.y + box.height / 2);
    const wanted = await days.getAttribute("aria-valuetext");
    const [dayText = ""] = (wanted ?? "").split(":");
    const rows = await loadedRows(page);
    expect(rows[0]?.text).toContain(dayText);
    expect(rows[0]?.top).toBe(0);
    const hours = page.getByRole("slider", { name: "Hours" });
    const hourBox = await hours.boundingBox();
    if (!hourBox) throw new Error("no hours");
    await page.mouse.click(hourBox.x + hourBox.width * (14.5 / 24), hourBox.y + 30);
    await expectSoon(() => hours.getAttribute("aria-valuetext")).toContain("14:00");
    expect((await loadedRows(page))[0]?.text).toMatch(/from 14:00[\s\S]*14:\d\d:\d\d/);
  });

  test("J and K go from event to event, the focus is never lost, Enter opens", async () => {
    const { page } = home;
    await page.evaluate("document.activeElement.blur()");
    await page.keyboard.press("Home");
    await loadedRows(page);
    const focused = (): Promise<number> =>
      page.evaluate<number>(
        "Number(document.activeElement.closest('li')?.getAttribute('aria-posinset'))",
      );
    await page.keyboard.press("j");
    const first = await focused();
    expect(first).toBeGreaterThan(0);
    for (let press = 0; press < 20; press += 1) await page.keyboard.press("j");
    await expectSoon(focused).toBe(first + 20);
    for (let press = 0; press < 5; press += 1) await page.keyboard.press("k");
    await expectSoon(focused).toBe(first + 15);
    // Far away, the row that has the focus is still there, and the keyboard goes on from it.
    await page.locator(".list").hover();
    await page.mouse.wheel(0, 30_000);
    await page.waitForTimeout(400);
    expect(await focused()).toBe(first + 15);
    await page.keyboard.press("ArrowDown");
    await expectSoon(focused).toBe(first + 16);
    await loadedRows(page);
    await page.keyboard.press("Enter");
    await expectSoon(() => page.evaluate("location.hash")).toMatch(/^#\/event\/[0-9a-f]{32}/);
    await page.goto(`${home.url}/#/events`);
  });

  test("filters: only that camera and that kind, and the counts are theirs", async () => {
    const { page } = home;
    await loadedRows(page);
    await page.getByRole("combobox", { name: "Camera" }).selectOption("garden");
    await page.getByRole("combobox", { name: "What happened" }).selectOption("bell");
    const wanted = 47_619;
    await expectSoon(async () => (await rowsOf(page).catch(() => []))[0]?.of).toBe(wanted);
    const rows = await loadedRows(page);
    for (const { text } of rows) {
      expect(text).toContain("Somebody rang");
      expect(text).toContain("garden");
    }
    await page.getByRole("combobox", { name: "What happened" }).selectOption("");
    await page.getByRole("combobox", { name: "Camera" }).selectOption("");
    await expectSoon(async () => (await rowsOf(page).catch(() => []))[0]?.of).toBe(MILLION);
  });

  test("no frame takes long while it scrolls", async () => {
    const { page } = home;
    await loadedRows(page);
    const took = [
      ...(await scrollFrames(page, 60, 120)),
      ...(await scrollFrames(page, 5_000, 60)),
    ].toSorted((left, right) => left - right);
    const at = (share: number): string =>
      (took[Math.floor(share * (took.length - 1))] ?? 0).toFixed(1);
    console.log(
      `frames: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms`,
    );
    expect(took.at(-1)).toBeLessThan(FRAME_MAX_MS);
    home.expectClean();
  });
});

describe.skipIf(isMissing)("a time line", () => {
  test("that is empty says what will appear", async () => {
    await using home = await startPage({ at: "#/events" });
    await home.page.getByRole("heading", { name: "Nothing has happened yet" }).waitFor();
    expect(await home.page.locator(".list").count()).toBe(0);
    await expectAccessible(home.page);
    home.expectClean();
  });

  test("takes in what is new without moving what one reads, and leads there", async () => {
    await using home = await startPage({ at: "#/nowhere" });
    insertEvents(home.hub, { count: 500, days: 3, newestAtMs: START_AT_MS - 7_200_000 });
    const { page } = home;
    await page.goto(`${home.url}/#/events`);
    await loadedRows(page);
    await page.locator(".list").hover();
    await page.mouse.wheel(0, 1_000);
    await page.waitForTimeout(400);
    const before = await loadedRows(page);
    await home.hub.record();
    await page.getByRole("button", { name: "1 new event" }).waitFor();
    const after = await loadedRows(page);
    expect(after.map(({ top }) => top)).toEqual(before.map(({ top }) => top));
    expect(after.map(({ position }) => position)).toEqual(
      before.map(({ position }) => position + 1),
    );
    await page.getByRole("button", { name: "1 new event" }).click();
    await expectSoon(async () => (await loadedRows(page))[0]).toMatchObject({
      ...{ position: 1, of: 501, top: 0 },
    });
    home.expectClean();
  });

  test("calls what the demo recorded by its name, when the demo is gone", async () => {
    await using home = await startPage({ at: "#/nowhere" });
    expect(home.hub.hub.services.settings.answer().cameras).toEqual([]);
    insertEvents(home.hub, { count: 2, days: 1, newestAtMs: Date.now() - 60_000, first: "demo" });
    await home.page.goto(`${home.url}/#/events`);
    await expectSoon(() => home.page.locator(".list .camera").allInnerTexts()).toEqual([
      ...["Demo door", "garden"],
    ]);
    home.expectClean();
  });

  test.each([
    ["en", "phone", "dark"],
    ["fr", "desktop", "light"],
  ] as const)("in %s on a %s, %s: nothing for axe", async (language, viewport, scheme) => {
    await using home = await startPage({ language, viewport, scheme, at: "#/nowhere" });
    insertEvents(home.hub, { count: 800, days: 60, newestAtMs: Date.now() - 60_000 });
    await home.page.goto(`${home.url}/#/events`);
    await loadedRows(home.page);
    await expectAccessible(home.page);
    const overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth";
    expect(await home.page.evaluate(overflow)).toBeLessThanOrEqual(0);
    home.expectClean();
  });
});
