import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM_COMMANDS, expectAccessible } from "../support/page.ts";
import { openRequests, SOUGHT, type RequestsPage } from "../support/requests-page.ts";
import { missingCommands } from "../support/requirements.ts";
import { typeRequest } from "../support/test-consent.ts";
import { outsideOf } from "../support/test-share.ts";

describe.skipIf(missingCommands(...CHROMIUM_COMMANDS, "ffmpeg"))("sharing on the page", () => {
  let requests: RequestsPage;
  beforeAll(async () => {
    requests = await openRequests();
  });
  afterAll(async () => requests.home[Symbol.asyncDispose]());

  test("a link is made for somebody without a key, and opens in a browser that has nothing else", async () => {
    const { home, page } = requests;
    const outside = await outsideOf(home.hub);
    const base = await outside.listen({ host: "127.0.0.1", port: 0 });
    const request = await typeRequest(home.hub, { kind: "neighbour", sought: SOUGHT });
    await requests.sheet(request);
    await page.getByRole("checkbox").first().check();
    await page.getByRole("button", { name: "They have no key" }).click();
    await expectAccessible(page);
    await page.getByRole("button", { name: "Show me exactly what would leave" }).click();
    await page.getByRole("heading", { name: "This leaves, and nothing else" }).waitFor();
    const statement = (await page.locator("pre.statement").textContent()) ?? "";
    expect(statement).toContain('"viewerSha256":"');
    await requests.hold("Hold to approve");
    await page.locator("#meant-for").fill("Anna next door");
    await page.locator("#base").fill(base.replace("127.0.0.1", "localhost"));
    await page.locator("#views").selectOption({ label: "once" });
    await expectAccessible(page);
    await page.locator("#make-link").click();
    const link = (await page.locator("#link").textContent()) ?? "";
    expect(link).toMatch(/^http:\/\/localhost:\d+\/share\/#[\w-]{43}$/);
    await page.getByText("Opened 0 of 1 time").waitFor();
    await expectAccessible(page);

    const elsewhere = await home.browser.newContext({ locale: "en-GB" });
    const reader = await elsewhere.newPage();
    await reader.goto(link);
    await reader.locator("#open-link").click();
    await reader.getByText("Everything holds").waitFor();
    expect(await reader.locator("#meant-for").innerText()).toBe("Anna next door");
    await reader.getByRole("button", { name: "Play" }).click();
    await expect
      .poll(() => reader.evaluate("document.querySelector('video')?.currentTime ?? 0"))
      .toBeGreaterThan(0.3);
    await elsewhere.close();
    await outside.close();
    await page.getByText("Opened 1 of 1 time").waitFor();
    home.expectClean();
  });
});
