import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseCameraId } from "../../src/protocol/ids.ts";
import { CHROMIUM_COMMANDS, startPage, toolsOf, type TestPage } from "../support/page.ts";
import { builtPage } from "../support/page-build.ts";
import { cutSockets } from "../support/page-live.ts";
import { missingCommands } from "../support/requirements.ts";
import { startTestHub } from "../support/test-hub.ts";
import { temporaryFolder } from "../support/temporary.ts";

const isMissing = missingCommands(...CHROMIUM_COMMANDS);
const WAIT = { timeout: 30_000, interval: 100 };
const LOST = /The hub does not answer\. Trying again/;
const HOURS_12_MS = 12 * 3_600_000;

/** Gone when the page is loaded again, which none of this may need. */
async function mark(page: Page): Promise<void> {
  await page.evaluate(`globalThis.mark = "the same page"`);
}
async function isMarked(page: Page): Promise<boolean> {
  return page.evaluate<boolean>(`"mark" in globalThis`);
}

async function expectEvents(page: Page, wanted: number): Promise<void> {
  await expect.poll(async () => page.locator(".list li a[href]").count(), WAIT).toBe(wanted);
}

describe.skipIf(isMissing)("the page that is left open", () => {
  const folder = temporaryFolder();
  let home: TestPage;
  let page: Page;
  let shown = 0;
  beforeAll(async () => {
    const hub = { dataDirectory: folder.path, clips: 1, nowMs: Date.now() };
    home = await startPage({ hub, at: "#/events" });
    ({ page } = home);
    await page.locator(".list li a[href]").waitFor();
    await mark(page);
    shown = 1;
  });
  afterAll(async () => {
    await home[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  const oneMore = (): Promise<void> => expectEvents(page, (shown += 1));

  test("frozen for a while, with its line cut: the gap is filled when it goes on", async () => {
    const tools = await toolsOf(page);
    await tools.send("Page.setWebLifecycleState", { state: "frozen" });
    cutSockets(home);
    await home.hub.record();
    await tools.send("Page.setWebLifecycleState", { state: "active" });
    await oneMore();
    home.expectClean();
    expect(await isMarked(page)).toBe(true);
  });

  test("a ring is shown once, however often the line is cut", async () => {
    const rings = page.getByRole("link", { name: /^Look/ });
    await expect.poll(() => home.hub.hub.server.websocketServer.clients.size, WAIT).toBe(1);
    home.hub.hub.services.news.tellRing(parseCameraId("front"));
    await expect.poll(() => rings.count(), WAIT).toBe(1);
    for (let cut = 0; cut < 2; cut += 1) {
      cutSockets(home);
      await page.getByText(LOST).waitFor();
      await page.getByText(LOST).waitFor({ state: "detached" });
      expect(await rings.count()).toBe(1);
    }
    expect(await isMarked(page)).toBe(true);
  });

  test("open for twelve hours: its session is over, and it logs in again without a word", async () => {
    const { hub } = home;
    const before = hub.hub.services.sessions.list().map(({ session }) => session);
    await page.evaluate(`(() => {
      const now = Date.now.bind(Date);
      Date.now = () => now() + ${HOURS_12_MS};
    })()`);
    hub.clock.nowMs += HOURS_12_MS + 60_000;
    hub.clock.ranMs += HOURS_12_MS + 60_000;
    await expect
      .poll(() => hub.hub.services.sessions.list().map(({ session }) => session), WAIT)
      .not.toEqual(before);
    await hub.record();
    await oneMore();
    expect(await page.getByRole("heading", { name: "This device is locked" }).count()).toBe(0);
    expect(await isMarked(page)).toBe(true);
  });

  test("a hub that is stopped and started again: it says so, and goes on with what is new", async () => {
    const port = Number(new URL(home.url).port);
    await home.hub.hub[Symbol.asyncDispose]();
    await page.getByText(LOST).waitFor();
    await using again = await startTestHub({
      ...{ dataDirectory: folder.path, owner: home.hub.owner.bundle },
      ...{ nowMs: home.hub.clock.nowMs, footage: "real", pageDirectory: builtPage() },
      settings: { port },
    });
    await again.record();
    await oneMore();
    await page.getByText(LOST).waitFor({ state: "detached" });
    expect(await isMarked(page)).toBe(true);
  });
});
