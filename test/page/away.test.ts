import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { generateReader } from "../../src/owner/identity.ts";
import { parseRequestId } from "../../src/protocol/ids.ts";
import { CHROMIUM_COMMANDS, expectAccessible, startPage } from "../support/page.ts";
import { missingCommands } from "../support/requirements.ts";
import { clipStartsAtMs } from "../support/test-clips.ts";
import { typeRequest } from "../support/test-consent.ts";
import { turn, writeSecrets } from "../support/test-mailbox.ts";
import { startWebDav } from "../support/webdav-server.ts";

test.skipIf(missingCommands(...CHROMIUM_COMMANDS, "ffmpeg"))(
  "with the hub out of reach: what waits is shown from the mailbox, refused there, and approved with its cut",
  async () => {
    await using dav = await startWebDav({ cors: true });
    const mailbox = { kind: "webdav" as const, url: dav.url, spaceBytes: 24_000_000 };
    await using home = await startPage({
      hub: { clips: 1, kind: "pq", settings: { mailbox } },
      viewport: "phone",
      at: "#/requests",
    });
    const { hub, page, context } = home;
    writeSecrets(hub.dataDirectory, dav.user, dav.password);
    const { recipient } = await generateReader("pq");
    const sought = {
      cameras: ["front"],
      from: new Date(clipStartsAtMs(0)).toISOString(),
      to: new Date(clipStartsAtMs(0) + 30_000).toISOString(),
      tracks: ["video" as const],
      clearFaces: true,
    };
    const first = (await typeRequest(hub, { recipient, sought })).record.request;
    const second = (await typeRequest(hub, { recipient, sought })).record.request;
    await turn(hub);
    // At home once: the device learns where the mailbox is.
    await page.reload();
    await page.getByText("Waiting for you").first().waitFor();
    await page.goto(`${home.url}/#/request/${first}`);
    await page.getByRole("heading", { name: "Your decision" }).waitFor();
    await expect.poll(async () => hasItem(page), { timeout: 15_000 }).toBe(true);
    await turn(hub);
    // Only the page's own files still come, as from its service worker.
    await context.route(`${home.url}/api/**`, (route) => route.abort());
    await page.goto("about:blank");
    await page.goto(`${home.url}/#/requests`);
    await page.getByText("Away from home: through your mailbox, as of").waitFor();
    await expectAccessible(page);
    await page.locator(`a[href="#/request/${first}"]`).first().click();
    await page.getByRole("heading", { name: "Your decision" }).waitFor();
    await page.getByRole("checkbox").first().check();
    await page.getByRole("button", { name: "Show me exactly what would leave" }).click();
    await page.getByRole("heading", { name: "This leaves, and nothing else" }).waitFor();
    await holdUntilSigned(page, /^Hold to approve/);
    await page.goto(`${home.url}/#/request/${second}`);
    await page.getByRole("heading", { name: "Your decision" }).waitFor();
    await holdUntilSigned(page, /^Hold to refuse/);
    await turn(hub);
    const stateOf = (id: string) => hub.hub.services.requests.get(parseRequestId(id))?.state;
    expect([stateOf(first), stateOf(second)]).toEqual(["packaged", "refused"]);
    await page.getByRole("button", { name: "Look again" }).click();
    await page.getByText("The hub has taken your answer.").waitFor();
    // Home again: the hub itself is asked, by itself.
    await context.unrouteAll({ behavior: "ignoreErrors" });
    await page.getByText("refused", { exact: false }).first().waitFor();
    // Who removes a device is told what it keeps of the mailbox.
    await page.goto(`${home.url}/#/house`);
    await page
      .getByRole("button", { name: /^Remove … / })
      .first()
      .click();
    await page.getByText("Change that password where the mailbox is").waitFor();
  },
);

async function holdUntilSigned(page: Page, name: RegExp): Promise<void> {
  await page.getByRole("button", { name }).focus();
  await page.keyboard.down(" ");
  await page.getByText("Signed, on its way").waitFor();
  await page.keyboard.up(" ");
}

/** Whether this browser keeps anything of a mailbox. As text: the tests' own types know no browser. */
async function hasItem(page: Page): Promise<boolean> {
  return page.evaluate<boolean>(`new Promise((resolve) => {
    const request = indexedDB.open("doorward", 1);
    request.onsuccess = () => {
      const got = request.result.transaction("device").objectStore("device").get("mailbox");
      got.onsuccess = () => {
        request.result.close();
        resolve(got.result !== undefined);
      };
    };
  })`);
}
