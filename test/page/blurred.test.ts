import type { Page } from "playwright-core";
import { describe, expect, test } from "vitest";
import { generateReader } from "../../src/owner/identity.ts";
import { CHROMIUM_COMMANDS, expectAccessible, startPage, type TestPage } from "../support/page.ts";
import { missingCommands } from "../support/requirements.ts";
import { typeRequest } from "../support/test-consent.ts";
import { firstClip } from "../support/test-hub.ts";
import { addHubCopy, type HubCopyOptions } from "../support/test-hub-copy.ts";

// Who sees what of a recording that has a blurred copy, and what is said of one that has gaps.

const isMissing = missingCommands(...CHROMIUM_COMMANDS, "ffmpeg", "ffprobe");
const hub = { clips: 1, faces: "blur-copy" } as const;
const copy: HubCopyOptions = { isReal: true, whole: [1], reason: "timed-out" };

/** Names of the sealed files that the page has asked for from now on. */
function askedFiles({ page }: TestPage): string[] {
  const names: string[] = [];
  page.on("request", (request) => {
    const name = /\/files\/([\w.]+)/.exec(request.url())?.[1];
    if (name !== undefined) names.push(name);
  });
  return names;
}

const widthOf = (page: Page): Promise<number> =>
  page.evaluate<number>("document.querySelector('video')?.videoWidth ?? 0");

async function openEvent(home: TestPage): Promise<Page> {
  await home.page.goto(`${home.url}/#/event/${firstClip(home.hub)}`);
  await home.page.getByRole("heading", { name: "Something moved" }).waitFor();
  return home.page;
}

describe.skipIf(isMissing)("a recording with a blurred copy", () => {
  test("is for a viewer a blurred still and blurred video, and nothing else is even asked for", async () => {
    await using home = await startPage({ hub, device: "viewer" });
    await addHubCopy(home.hub, firstClip(home.hub), copy);
    const asked = askedFiles(home);
    const views = (): number => home.hub.ledgerKinds().filter((kind) => kind === "view").length;
    // This test itself has looked, to make the copy.
    const before = views();
    const { page } = home;
    await page.goto(`${home.url}/#/events`);
    await page.locator(`[data-event="${firstClip(home.hub)}"] canvas`).waitFor();
    expect(asked).toEqual(["poster.blurred.age"]);
    // Whoever scrolls past it has not looked at it.
    expect(views()).toBe(before);
    await openEvent(home);
    await expect.poll(() => widthOf(page), { timeout: 15_000 }).toBe(320);
    await page.getByText("Made by the hub as it recorded.").waitFor();
    await page.getByText("looking for faces took too long").waitFor();
    expect(await page.getByRole("button", { name: "As recorded" }).count()).toBe(0);
    expect(await page.getByRole("button", { name: "Sound on" }).count()).toBe(0);
    expect(asked.filter((name) => !name.includes(".blurred."))).toEqual([]);
    expect(asked.some((name) => name.endsWith("video.blurred.age"))).toBe(true);
    expect(views()).toBe(before + 1);
    await expectAccessible(page);
    home.expectClean();
  });

  test(
    "is clear for an owner, who sees by a switch what viewers see",
    { timeout: 120_000 },
    async () => {
      await using home = await startPage({ hub });
      await addHubCopy(home.hub, firstClip(home.hub), { ...copy, absent: [2] });
      const asked = askedFiles(home);
      const page = await openEvent(home);
      await expect.poll(() => widthOf(page), { timeout: 15_000 }).toBe(320);
      expect(asked.some((name) => name.endsWith("video.original.age"))).toBe(true);
      await page.getByText("1 of 3 pieces is left out of it").waitFor();
      await page.getByRole("button", { name: "Faces blurred" }).click();
      await expect
        .poll(() => asked.some((name) => name.endsWith("video.blurred.age")), { timeout: 15_000 })
        .toBe(true);
      await page.getByRole("button", { name: "Make a better copy" }).waitFor();
      await expectAccessible(page);
      // Where a face was missed: made here, it takes the place of the hub's, still included.
      await page.getByRole("button", { name: "Make a better copy" }).click();
      await page.getByRole("button", { name: "Make the blurred copy" }).click({ timeout: 60_000 });
      await page.getByText("The copy is made, and in its place.").waitFor({ timeout: 60_000 });
      await page.getByText("Made on an owner’s device.").waitFor();
      const files = home.hub.hub.services.clips
        .files(firstClip(home.hub))
        .filter(({ rendition }) => rendition === "blurred");
      expect(files.map(({ track, pixelated }) => [track, pixelated])).toEqual([
        ...[0, 1, 2].map(() => ["video", undefined]),
        ["poster", undefined],
      ]);
      home.expectClean();
    },
  );

  test("that is still being made shows a viewer nothing, and appears by itself", async () => {
    await using home = await startPage({
      hub,
      device: "viewer",
      viewport: "phone",
      scheme: "dark",
    });
    const clip = firstClip(home.hub);
    const asked = askedFiles(home);
    const page = await openEvent(home);
    await page.getByText("The hub is still making that copy").waitFor();
    await page.getByText("0 of 3 pieces so far").waitFor();
    expect(asked).toEqual([]);
    await expectAccessible(page);
    await addHubCopy(home.hub, clip, { isReal: true });
    home.hub.hub.services.news.tell("clips");
    await expect.poll(() => widthOf(page), { timeout: 15_000 }).toBe(320);
    expect(asked.filter((name) => !name.includes(".blurred."))).toEqual([]);
    home.expectClean();
  });
});

describe.skipIf(isMissing)("a recording whose blurred copy is still being made", () => {
  test("leaves in no way by default, and clear where somebody says so", async () => {
    await using home = await startPage({ hub });
    const { page } = home;
    const { recipient } = await generateReader(home.hub.owner.bundle.kind);
    const { record } = await typeRequest(home.hub, { recipient });
    await page.goto(`${home.url}/#/request/${record.request}`);
    await page.getByRole("checkbox").first().check();
    await page.getByText("The blurred copy is still being made.").waitFor();
    const show = page.getByRole("button", { name: "Show me exactly what would leave" });
    expect(await show.isDisabled()).toBe(true);
    await page.getByRole("checkbox", { name: "Let it leave with clear faces" }).check();
    expect(await show.isEnabled()).toBe(true);
    await page.getByRole("checkbox", { name: "Let it leave with clear faces" }).uncheck();
    await addHubCopy(home.hub, firstClip(home.hub));
    await page.getByRole("button", { name: "Look again" }).click();
    await expect
      .poll(() => page.getByRole("checkbox", { name: "Blur faces" }).isChecked())
      .toBe(true);
    expect(await show.isEnabled()).toBe(true);
  });
});
