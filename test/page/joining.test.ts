import { describe, expect, test } from "vitest";
import * as Api from "../../src/protocol/api.ts";
import { checkShape } from "../../src/protocol/check.ts";
import { english as words } from "../../web/page/screens/welcome/words.en.ts";
import { english as frame } from "../../web/page/words/words.en.ts";
import { cliOwner } from "../support/cli-owner.ts";
import { storedText } from "../support/page-device.ts";
import { CHROMIUM_COMMANDS, startPage, type TestPage } from "../support/page.ts";
import { missingCommands } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { DEVICE_NAME } from "./first-run-steps.ts";

const isMissing = missingCommands(...CHROMIUM_COMMANDS);
const JUST_OVER_TEN_MINUTES_MS = 10 * 60_000 + 1_000;

describe.skipIf(isMissing)("joining a household in the page", () => {
  test("an owner at the command line admits the browser: the same three words, the same clips", async () => {
    await using folder = temporaryFolder();
    await using home = await startPage({ hub: { clips: 2 }, device: "none" });
    const { page, hub } = home;
    await askToJoin(home);
    const owner = cliOwner(folder.path, hub.owner.bundle, hub.hub.url);
    const { code, stdout, stderr } = await owner.owner("pair", "--yes");
    expect(code, stderr).toBe(0);
    await page.getByRole("navigation").waitFor();

    const session = await page.evaluate("fetch('/api/session').then((answer) => answer.json())");
    expect(checkShape(Api.SessionAnswer, session, "session").role).toBe("owner");
    const devices = [...(hub.hub.services.household.keyring?.devices.values() ?? [])];
    const joined = devices.find(({ id }) => hub.hub.services.household.labelOf(id) === DEVICE_NAME);
    expect(joined?.record.passkey?.origin).toBe(home.url);
    const listed = await page.evaluate("fetch('/api/clips').then((answer) => answer.json())");
    for (const clip of hub.clips) expect(JSON.stringify(listed)).toContain(clip);

    const stored = await storedText(page);
    expect(stored).toContain(DEVICE_NAME);
    for (const secret of Object.values(hub.owner.bundle.readers))
      expect(stored).not.toContain(secret);
    // The words went by too fast to be read here; that both sides show the same is tested below.
    expect(stdout.trim().split(" ")).toHaveLength(3);
    await home.context.clearCookies();
    await page.reload();
    await page.getByRole("button", { name: frame.shell.unlock }).click();
    await page.getByRole("navigation").waitFor();
    home.expectClean();
  });

  test("both screens show the same words, and nothing is admitted that the owner did not confirm", async () => {
    await using folder = temporaryFolder();
    await using home = await startPage({ device: "none", prf: false });
    const { page, hub } = home;
    await page.getByLabel(words.join.device).fill(DEVICE_NAME);
    await page.getByRole("button", { name: words.join.begin }).click();
    await page.getByText(words.keys.declined).waitFor();
    await page.getByRole("button", { name: words.keys.makeWithout }).click();
    await page.getByRole("heading", { name: words.join.waitTitle }).waitFor();
    // Without --yes and without anybody at the keyboard, the command shows the words and stops.
    const { code, stdout } = await cliOwner(folder.path, hub.owner.bundle, hub.hub.url).owner(
      "pair",
    );
    expect(code).toBe(1);
    await page.getByText(stdout.trim(), { exact: true }).waitFor();
    expect(stdout.trim()).toMatch(/^[a-z]+ [a-z]+ [a-z]+$/);
    expect(hub.hub.services.household.keyring?.devices.size).toBe(1);
    await page.getByRole("button", { name: words.join.cancel }).click();
    await page.getByRole("button", { name: words.join.begin }).waitFor();
    expect(await page.getByLabel(words.join.device).inputValue()).toBe(DEVICE_NAME);
    expect(await page.getByRole("alert").count()).toBe(0);
    expect(await storedText(page)).not.toContain(DEVICE_NAME);
    home.expectClean();
  });

  test("after ten minutes it says so, and one can start again", async () => {
    await using home = await startPage({ hub: { nowMs: Date.now() }, device: "none" });
    await askToJoin(home);
    home.hub.clock.nowMs += JUST_OVER_TEN_MINUTES_MS;
    home.hub.clock.ranMs += JUST_OVER_TEN_MINUTES_MS;
    await home.page.getByRole("alert").getByText(words.errors.PAIRING_OVER).waitFor();
    await home.page.getByRole("button", { name: words.join.begin }).click();
    await home.page.getByRole("heading", { name: words.join.waitTitle }).waitFor();
    expect(home.problems).toEqual([]);
  });

  test("a phone that loses the hub for a moment goes on waiting", async () => {
    await using home = await startPage({ device: "none" });
    await askToJoin(home);
    await home.context.setOffline(true);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await home.context.setOffline(false);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(await home.page.getByRole("alert").count()).toBe(0);
    expect(await home.page.getByText(words.join.waiting).count()).toBe(1);
  });
});

async function askToJoin({ page }: TestPage): Promise<void> {
  await page.getByLabel(words.join.device).fill(DEVICE_NAME);
  await page.getByRole("button", { name: words.join.begin }).click();
  await page.getByRole("heading", { name: words.join.waitTitle }).waitFor();
}
