import { describe, expect, test } from "vitest";
import { LentKeys } from "../../src/cli/ui-keys.ts";
import { createUiServer } from "../../src/cli/ui-server.ts";
import { english as words } from "../../web/page/screens/welcome/words.en.ts";
import { english as frame } from "../../web/page/words/words.en.ts";
import { builtPage } from "../support/page-build.ts";
import { storedText } from "../support/page-device.ts";
import { CHROMIUM_COMMANDS, expectAccessible, startPage } from "../support/page.ts";
import { missingCommands } from "../support/requirements.ts";

const isMissing = missingCommands(...CHROMIUM_COMMANDS);

describe.skipIf(isMissing)("a page that the command line has lent its keys to", () => {
  test("works with them, stores none, and has none any more when it is loaded again", async () => {
    await using home = await startPage({ hub: { clips: 1 }, device: "none" });
    const { page, hub } = home;
    const { bundle } = hub.owner;
    const lent = new LentKeys(bundle, null);
    const seen: unknown[] = [];
    await using server = await createUiServer({
      hubUrl: new URL(hub.hub.url).origin,
      version: "0.0.0",
      pageDirectory: builtPage(),
      handOutKeys: () => lent.handOut(),
      takeSeen: async (sealed) => void seen.push(lent.readSeen(sealed)),
    });
    await server.listen({ host: "127.0.0.1", port: 0 });
    const address = server.server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const own = `http://localhost:${address.port}`;
    await page.goto(`${own}/${lent.fragment}`);
    await page.getByRole("navigation").waitFor();
    await page.getByText(frame.shell.borrowed).waitFor();
    expect(page.url()).not.toContain("keys=");
    await page.getByRole("link", { name: frame.shell.ledger }).click();
    // Whatever the page has seen of the ledger goes back to where the keys are kept.
    await expect.poll(() => seen.length).toBeGreaterThan(0);
    const stored = await storedText(page);
    for (const secret of [bundle.signingSeed, ...Object.values(bundle.readers), bundle.label])
      expect(stored).not.toContain(secret);

    await page.reload();
    await page.getByRole("heading", { name: words.lent.title }).waitFor();
    await expectAccessible(page);
    await page.goto("about:blank");
    await page.goto(`${own}/${lent.fragment}`);
    await page.getByRole("heading", { name: words.lent.title }).waitFor();
    const others = home.problems.filter((problem) => !problem.startsWith(`request to ${own}/`));
    expect(others).toEqual([]);
  });
});
