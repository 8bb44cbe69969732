import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generateReader } from "../../src/owner/identity.ts";
import type { RequestSummary } from "../../src/protocol/api.ts";
import type { Policy } from "../../src/protocol/keyring.ts";
import { verifyBundle } from "../../src/protocol/verify-bundle.ts";
import { CHROMIUM_COMMANDS, expectAccessible, startPage, type TestPage } from "../support/page.ts";
import { putDevice } from "../support/page-device.ts";
import { SOUGHT } from "../support/requests-page.ts";
import { missingCommands } from "../support/requirements.ts";
import { statusPath, typeRequest } from "../support/test-consent.ts";
import { requireOk } from "../support/test-hub.ts";
import { proposeForged, summaryOf } from "../support/two-owners.ts";

const HOLD_MS = 1_400;
const DAY_MS = 86_400_000;

async function hold(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name }).focus();
  await page.keyboard.down(" ");
  await page.waitForTimeout(HOLD_MS);
  await page.keyboard.up(" ");
}

describe.skipIf(missingCommands(...CHROMIUM_COMMANDS, "ffmpeg"))(
  "two owners in two browsers",
  () => {
    let anna: TestPage;
    let ben: TestPage;
    let recipient: string;
    beforeAll(async () => {
      recipient = (await generateReader("pq")).recipient;
      anna = await startPage({ hub: { clips: 1, kind: "pq" }, device: "owner" });
      ben = await anna.another({ device: "none", viewport: "phone" });
      await ben.page.goto(`${ben.url}/door.svg`);
      await putDevice(ben.page, (await anna.hub.admit("owner")).bundle);
      await setPolicy({ exportSigners: 2 });
    });
    afterAll(async () => {
      await ben[Symbol.asyncDispose]();
      await anna[Symbol.asyncDispose]();
    });

    const setPolicy = (policy: Partial<Policy>): Promise<void> =>
      anna.hub.change({
        kind: "policy",
        policy: { exportSigners: 1, keyringSigners: 1, vetoWindowMs: 0, ...policy },
      });
    const asked = (): Promise<RequestSummary> =>
      typeRequest(anna.hub, { recipient, sought: SOUGHT });
    const open = async ({ page, url }: TestPage, { record }: RequestSummary): Promise<void> => {
      await page.goto("about:blank");
      await page.goto(`${url}/#/request/${record.request}`);
    };
    /** Chooses the recording, for a week and a purpose of her own, and signs. */
    const sign = async (request: RequestSummary): Promise<void> => {
      const { page } = anna;
      await open(anna, request);
      await page.getByRole("checkbox").first().check();
      await page.getByLabel("It can be fetched for").selectOption("7");
      await page.getByLabel("What for, as you sign it").fill("The parcel of the 21st, only that");
      await page.getByRole("button", { name: "Show me exactly what would leave" }).click();
      await page.getByRole("heading", { name: "This leaves, and nothing else" }).waitFor();
      await hold(page, "Hold to approve");
    };

    test("one signs and waits, the other looks at the cut, signs the same, and it leaves", async () => {
      const request = await asked();
      await sign(request);
      await anna.page
        .getByText("You have signed. Until the others have, nothing leaves.")
        .waitFor();
      expect((await anna.hub.call("GET", statusPath(request))).statusCode).toBe(404);
      await open(ben, request);
      const { page } = ben;
      await page.getByText("One more person has to sign. Nothing has been sent.").waitFor();
      await page.getByRole("heading", { name: "This leaves, and nothing else" }).waitFor();
      expect(await page.locator(".review").textContent()).toContain("The parcel of the 21st");
      await page.getByText("The request itself gives another purpose").waitFor();
      await expect
        .poll(() => page.evaluate("document.querySelector('.review video')?.readyState ?? 0"), {
          timeout: 15_000,
        })
        .toBeGreaterThanOrEqual(2);
      await expectAccessible(page);
      await hold(page, "Hold to sign as well");
      await page.getByText("Ready to be fetched").waitFor();
      // Anna's own screen hears of it without being asked.
      await anna.page.getByText("Ready to be fetched").waitFor();
      const bundle = requireOk(await anna.hub.call("GET", statusPath(request))).rawPayload;
      const { holds, approval } = await verifyBundle(new Uint8Array(bundle));
      expect([holds, approval?.signers.length]).toEqual([true, 2]);
      expect(approval?.terms.availableUntilMs).toBe(request.record.expiresAtMs + 7 * DAY_MS);
    });

    test("a proposal with a key for somebody else is found out, and nothing is signed", async () => {
      const request = await asked();
      const spy = await generateReader("pq");
      requireOk(await proposeForged(anna.hub, request, spy.recipient));
      const { page } = ben;
      await open(ben, request);
      await page.getByRole("heading", { name: "This leaves, and nothing else" }).waitFor();
      await hold(page, "Hold to sign as well");
      await page.getByText("somebody else was let in. Nothing was signed.").waitFor();
      expect((await summaryOf(anna.hub, request)).proposal?.signers).toHaveLength(1);
      // He refuses instead, alone.
      await hold(page, "Hold to refuse");
      await page.getByText("You refused. Nothing was sent").waitFor();
    });

    test("whoever proposed takes it back, and decides anew", async () => {
      const request = await asked();
      await sign(request);
      const { page } = anna;
      await page.getByRole("button", { name: "Take my proposal back" }).click();
      await page.getByText("Waiting for you. Nothing has been sent.").waitFor();
      await page.getByRole("checkbox").first().waitFor();
      expect((await summaryOf(anna.hub, request)).proposal).toBeUndefined();
      await page.getByRole("button", { name: "They take the request back" }).click();
      await page.getByText("Taken back by whoever asked. Nothing was sent.").waitFor();
    });

    test("with a veto window the other stops it; without one it is taken back with a warning", async () => {
      await setPolicy({ vetoWindowMs: DAY_MS });
      const vetoed = await asked();
      await sign(vetoed);
      await anna.page.getByText(/Nothing leaves before .*; you can still stop it/).waitFor();
      await open(ben, vetoed);
      await ben.page.getByText(/Nothing leaves before/).waitFor();
      await expectAccessible(ben.page);
      await hold(ben.page, "Hold to stop it");
      await ben.page.getByText("An owner stopped this before it left.").waitFor();
      await setPolicy({});
      const request = await asked();
      await sign(request);
      const { page } = anna;
      await page.getByText("Ready to be fetched").waitFor();
      requireOk(await anna.hub.call("GET", statusPath(request)));
      await page.getByText("Fetched once.").waitFor();
      await page.getByRole("button", { name: "Take the approval back" }).click();
      await page.getByText("What was fetched cannot be recalled").waitFor();
      await expectAccessible(page);
      await hold(page, "Hold to take it back");
      await page.getByText("An owner took this approval back.").waitFor();
      expect((await anna.hub.call("GET", statusPath(request))).statusCode).toBe(404);
    });

    test("nothing of all that broke a page or asked anybody else", () => {
      expect([...anna.problems, ...ben.problems]).toEqual([]);
    });
  },
);
