import { describe, expect, test } from "vitest";
import { english as words } from "../../web/page/screens/welcome/words.en.ts";
import { english as locked } from "../../web/page/screens/locked/words.en.ts";
import { storedText } from "../support/page-device.ts";
import { CHROMIUM_COMMANDS, startPage } from "../support/page.ts";
import { missingCommands } from "../support/requirements.ts";
import { typeWords, untilSheet } from "./first-run-steps.ts";

const isMissing = missingCommands(...CHROMIUM_COMMANDS);

describe.skipIf(isMissing)("a claim whose answer is lost", () => {
  test("is the household's all the same, and leaves no recovery sheet in the browser", async () => {
    await using home = await startPage({
      ...{ hub: { claimed: false }, device: "none", viewport: "phone" },
    });
    const { page, hub } = home;
    page.on("dialog", (dialog) => void dialog.accept());
    const sheet = await untilSheet(home);
    await page.getByRole("link", { name: words.sheet.done }).click();
    await typeWords(page, sheet);
    await page.context().route("**/api/claim", async (route) => {
      await route.fetch();
      await route.abort();
    });
    await page.getByRole("button", { name: words.proof.check }).click();
    await expect.poll(() => hub.hub.services.household.keyring?.devices.size).toBe(1);
    await page.getByRole("alert").first().waitFor();
    expect(await storedText(page)).toContain("typedRight");
    await page.getByRole("button", { name: words.proof.check }).click();
    await page.getByRole("button", { name: words.proof.check }).waitFor({ state: "detached" });
    await expect.poll(() => storedText(page)).not.toContain("typedRight");

    // Without a session nobody tells the hub that the keys are gone: the browser's service has to.
    await page.context().clearCookies();
    await page.reload();
    await page.getByRole("heading", { name: locked.locked }).waitFor();
    await page.evaluate(`navigator.serviceWorker.getRegistration = async () => ({
      pushManager: {
        getSubscription: async () => ({ unsubscribe: async () => (globalThis.hasEnded = true) }),
      },
      getNotifications: async () => [],
    })`);
    await page.getByRole("button", { name: locked.forget }).click();
    await page.getByRole("dialog").getByRole("button", { name: locked.forget }).click();
    await expect.poll(() => page.evaluate("globalThis.hasEnded")).toBe(true);
  });
});
