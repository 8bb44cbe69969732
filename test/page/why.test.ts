import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { readSettings } from "../../src/settings/settings.ts";
import { CHROMIUM_COMMANDS, expectAccessible, startPage } from "../support/page.ts";
import { missingCommands } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temporary.ts";

// An event that was nothing: said, advised on, and taken back.

const isMissing = missingCommands(...CHROMIUM_COMMANDS);
const OVERHANG = `document.documentElement.scrollWidth - document.documentElement.clientWidth`;
const SMALL = { kind: "motion", zone: "door", areaShare: 0.004, score: 0.5 } as const;

test.skipIf(isMissing)(
  "an event is marked, the advice is taken with one tap, and both can be taken back",
  { timeout: 60_000 },
  async () => {
    await using folder = temporaryFolder();
    const file = path.join(folder.path, "doorward.yaml");
    writeFileSync(
      file,
      `motion: { objects: false }
cameras:
  - { id: front, name: Front door, main: "rtsp://127.0.0.1:1/none", faces: keep }
`,
    );
    const settings = { ...(await readSettings(folder.path, null, {})), port: 0 };
    await using home = await startPage({
      hub: { dataDirectory: folder.path, settings, clips: 3, why: SMALL },
      viewport: "phone",
    });
    const { page, hub } = home;
    const { nothings } = hub.hub.services;
    const [first, second] = hub.clips;
    if (!first || !second) throw new Error("no clips");
    nothings.set(first, true);
    await page.goto(`${home.url}/#/event/${second}`);
    await page.getByRole("button", { name: "This was nothing" }).click();
    await page.getByText(/2 of 2 were small/).waitFor();
    expect(nothings.answer(second)).toMatchObject({ isNothing: true, marked: 2 });
    for (const colorScheme of ["dark", "light"] as const) {
      await page.emulateMedia({ colorScheme });
      await expectAccessible(page);
      expect(await page.evaluate<number>(OVERHANG)).toBeLessThanOrEqual(0);
    }
    await page.getByRole("button", { name: "Leave out what is under 0.5%" }).click();
    await page.getByText(/from now on things have to cover 0\.5%/).waitFor();
    expect(readFileSync(file, "utf8")).toContain("smallest: 0.005");
    await page.getByRole("button", { name: "Set it back to 0%" }).click();
    await page.getByRole("button", { name: "Leave out what is under 0.5%" }).waitFor();
    expect(readFileSync(file, "utf8")).toMatch(/smallest: 0 \}/);
    await page.getByRole("button", { name: "It was something" }).click();
    await page.getByRole("button", { name: "This was nothing" }).waitFor();
    expect(nothings.answer(second)).toMatchObject({ isNothing: false, marked: 1 });

    // The same setting where the cameras are.
    await page.goto(`${home.url}/#/cameras`);
    const motion = page.getByRole("region", { name: "What counts as motion" });
    await motion.getByText("Front door").click();
    await motion.getByLabel("Smallest size").fill("51");
    await motion.getByRole("button", { name: "Save" }).click();
    await motion.getByText("A number from 0 to 50.").waitFor();
    await expectAccessible(page);
    await motion.getByLabel("Smallest size").fill("0.8");
    await motion.getByRole("button", { name: "Save" }).click();
    await motion.getByText("Saved.", { exact: false }).waitFor();
    expect(readFileSync(file, "utf8")).toContain("smallest: 0.008");
    home.expectClean();
  },
);
