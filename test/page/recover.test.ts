import { describe, expect, test } from "vitest";
import { startPage } from "../support/page.ts";

/** A page that is left open, and whatever happens to it in the meantime. */
const HOUR_MS = 3_600_000;

describe("a page that stays open", () => {
  test("logs in again by itself after a night, and shows what is new", async () => {
    await using own = await startPage({ hub: { nowMs: Date.now() }, at: "#/events" });
    const { page, hub } = own;
    await page.getByRole("navigation").waitFor();
    const before = hub.hub.services.sessions.list().map(({ session }) => session);
    // Twelve hours without a call: the session is over, by both clocks.
    await page.clock.setSystemTime(hub.clock.nowMs + 13 * HOUR_MS);
    hub.clock.nowMs += 13 * HOUR_MS;
    await expect
      .poll(
        () =>
          hub.hub.services.sessions.list().filter(({ session }) => !before.includes(session))
            .length,
        { timeout: 30_000 },
      )
      .toBe(1);
    await hub.record();
    await page.getByText("Something moved").first().waitFor();
    await page.getByRole("link", { name: "Ledger" }).click();
    await page.getByText(/Checked just now/).waitFor();
  });

  test("says that the hub is gone when the network is, and that it is back", async () => {
    await using own = await startPage({ at: "#/ledger" });
    const { page, context, hub } = own;
    await page.getByText(/Checked just now/).waitFor();
    await context.setOffline(true);
    // What a socket of a dead network does, sooner.
    for (const socket of hub.hub.server.websocketServer.clients) socket.terminate();
    const lost = page.getByText("The hub does not answer. Trying again", { exact: false });
    await lost.waitFor();
    await context.setOffline(false);
    await lost.waitFor({ state: "hidden", timeout: 30_000 });
    await page.getByRole("link", { name: "House" }).click();
    await page.getByText("founder").first().waitFor();
    expect(await lost.count()).toBe(0);
  });

  test("goes on after the computer has slept", async () => {
    await using own = await startPage({ at: "#/ledger" });
    const { page, context, hub } = own;
    await page.getByText(/Checked just now/).waitFor();
    const session = await context.newCDPSession(page);
    await session.send("Page.setWebLifecycleState", { state: "frozen" });
    for (const socket of hub.hub.server.websocketServer.clients) socket.terminate();
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await session.send("Page.setWebLifecycleState", { state: "active" });
    await page.getByText("The hub does not answer", { exact: false }).waitFor({
      ...{ state: "hidden", timeout: 30_000 },
    });
    await page.reload();
    await page.getByText(/Checked just now/).waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
  });
});
