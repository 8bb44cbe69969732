import { cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import path from "node:path";
import { readFile } from "node:fs/promises";
import { encode } from "uqr";
import { describe, expect, test } from "vitest";
import { restore } from "../../src/cli/restore.ts";
import { recoverySheet } from "../../src/owner/recovery.ts";
import { verifyReceipt } from "../../src/protocol/verify-receipt.ts";
import { verifyReport } from "../../src/protocol/verify-report.ts";
import type { CopySettings } from "../../src/settings/copy.ts";
import { inProcess } from "../support/cli-in-process.ts";
import { expectAccessible, startPage } from "../support/page.ts";
import { builtPage } from "../support/page-build.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { refuse, releasedBundle, typeRequest } from "../support/test-consent.ts";
import { firstClip, startTestHub, type TestHub } from "../support/test-hub.ts";

describe("the ledger in the page", () => {
  test("says what this device found, shows each entry with its proof, and counts by itself", async () => {
    await using own = await startPage({ hub: { clips: 1 }, at: "#/ledger" });
    const { page, hub } = own;
    const size = (): number => hub.hub.services.ledger.size();
    await page.getByText(/Checked just now: \d+ entries, none changed or removed\./).waitFor();
    await page.getByText("This device has signed for what it saw.").waitFor();
    expect(hub.hub.services.ledger.cosignedCheckpoint()).not.toBeNull();

    await page.getByText("Recorded at front: motion.").click();
    const entry = page.locator("li", { hasText: "Recorded at front" });
    expect(await entry.locator("pre").textContent()).toContain('"kind":"clip"');
    await entry.getByRole("button", { name: "Check that it is in the ledger" }).click();
    await entry.getByText(/It is in the ledger of \d+ entries/).waitFor();

    const [receipt] = await Promise.all([
      page.waitForEvent("download"),
      entry.getByRole("button", { name: "Save a receipt" }).click(),
    ]);
    const bytes = new Uint8Array(await readFile(await receipt.path()));
    expect(verifyReceipt(bytes)).toMatchObject({ holds: true, entry: { kind: "clip" } });

    const before = size();
    await typeRequest(hub, { kind: "lawyer" });
    await page
      .getByText("Somebody asked for recordings (Lawyer). They ask for 10 minutes.")
      .waitFor();
    expect(size()).toBe(before + 1);
    await page.getByLabel("Show").selectOption({ label: "Requests" });
    await expect.poll(() => page.locator(".entries > li").count()).toBe(1);
    await expectAccessible(page);
    own.expectClean();
  });

  test("draws the checkpoint so that another device reads the very same text", async () => {
    await using own = await startPage({ at: "#/ledger" });
    const { page } = own;
    await page.getByText("Checkpoint", { exact: true }).click();
    const text = (await page.locator("details pre").first().textContent()) ?? "";
    expect(text).toMatch(/^doorward\//);
    await page.getByRole("button", { name: "Show as a QR code" }).click();
    const drawn = await page
      .getByRole("img", { name: /QR code/ })
      .locator("path")
      .getAttribute("d");
    const { data } = encode(text, { ecc: "L", border: 3 });
    const dark = data.flatMap((row, y) =>
      row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}`] : [])),
    );
    expect(drawn?.match(/M\d+ \d+/g)).toEqual(dark);
  });
});

describe("the transparency report in the page", () => {
  test("is counted there, tells in words what was asked and given, and is saved signed", async () => {
    await using own = await startPage({ hub: { clips: 1 }, at: "#/ledger" });
    const { page, hub } = own;
    await releasedBundle(hub, { clip: firstClip(hub), segments: [0, 0] });
    await refuse(hub, await typeRequest(hub, { kind: "lawyer" }));
    await page.getByRole("link", { name: "Transparency report" }).click();
    await page.getByText("recordings left the house without a signed approval.").waitFor();
    expect(await page.locator(".headline strong").textContent()).toBe("0");
    const lawyer = page.getByRole("row", { name: /^Lawyer/ });
    expect(await lawyer.getByRole("cell").allTextContents()).toEqual(["1", "0", "1", "0", "0"]);
    await page.getByText("Asked for: 20 minutes of recordings. Granted: 4 seconds.").waitFor();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Save the signed report" }).click(),
    ]);
    const verdict = verifyReport(new Uint8Array(await readFile(await download.path())));
    expect(verdict.holds).toBe(true);
    await expectAccessible(page);
    own.expectClean();
  });
});

describe("what an honest hub does not do", () => {
  test("stands above all else, in a device's own words, until somebody has looked", async () => {
    await using own = await startPage({ hub: { clips: 1 }, at: "#/ledger" });
    const { page, hub } = own;
    await page.getByText(/Checked just now/).waitFor();
    const clip = firstClip(hub);
    const [file] = hub.hub.services.clips.files(clip);
    if (!file) throw new Error("no file");
    rmSync(hub.hub.services.clips.pathOf(clip, file));
    await page.reload();
    const alarm = page.getByRole("alert");
    await alarm.getByText("One thing that should not be").waitFor();
    await alarm.getByText(/was not deleted; the hub has \d+ of them/).waitFor();
    await expectAccessible(page);
    await alarm.getByRole("button", { name: "I know why" }).click();
    await alarm.waitFor({ state: "detached" });
    // It goes while the ledger is judged anew; only then it is remembered.
    await page.getByText(/Checked just now/).waitFor();
    await page.reload();
    await page.getByText(/Checked just now/).waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);

    await page.getByText("Monthly statement", { exact: true }).click();
    const words = page.getByRole("blockquote");
    const [, month = ""] = /month (\d{4}-\d{2}),/.exec((await words.textContent()) ?? "") ?? [];
    const sign = page.getByRole("button", { name: "Every word of it is true" });
    await sign.focus();
    const download = page.waitForEvent("download");
    await page.keyboard.down("Enter");
    const bytes = new Uint8Array(await readFile(await (await download).path()));
    await page.keyboard.up("Enter");
    expect(verifyReceipt(bytes).statement).toMatchObject({ month, language: "en" });
    await page.getByText(`An owner made the monthly statement for ${month}.`).waitFor();
    own.expectClean();
  });
});

describe("a hub that was put back to what it was before", () => {
  test("is found out: both checkpoints stand there, and nothing says that all is well", async () => {
    await using folder = temporaryFolder();
    const [data, backup] = ["data", "backup"].map((name) => path.join(folder.path, name));
    if (data === undefined || backup === undefined) throw new Error("no folders");
    const at = { kind: "folder" as const, folder: path.join(folder.path, "copy") };
    mkdirSync(at.folder);
    const copy: CopySettings = { at, bytesPerSecond: null, everyMs: DAY_MS, deletions: "follow" };
    const options = { dataDirectory: data, settings: { port: await freePort(), copy } };
    await using own = await startPage({ hub: options, at: "#/ledger" });
    const { page, hub } = own;
    const { bundle } = hub.owner;
    const pageDirectory = builtPage();
    const again = (): Promise<TestHub> =>
      startTestHub({ ...options, nowMs: "system", owner: bundle, pageDirectory });
    await page.getByText(/Checked just now/).waitFor();
    await hub.hub.services.copy.now();
    await hub.hub[Symbol.asyncDispose]();
    await page.getByText("The hub does not answer.", { exact: false }).first().waitFor();
    cpSync(data, backup, { recursive: true });
    {
      await using second = await again();
      // It comes back by itself: nobody reloads the page.
      await page.getByText("The hub does not answer.", { exact: false }).first().waitFor({
        state: "hidden",
        timeout: 30_000,
      });
      await typeRequest(second);
      await typeRequest(second);
      await page.reload();
      await page.getByText(/Compared with the \d+ entries this device saw last time/).waitFor();
    }
    rmSync(data, { recursive: true });
    cpSync(backup, data, { recursive: true });
    const third = await again();
    await page.reload();
    const alarm = page.getByRole("alert").filter({ hasText: "This is not the ledger" });
    await alarm.waitFor({ timeout: 30_000 });
    expect(await alarm.locator("pre").count()).toBe(2);
    const texts = await alarm.locator("pre").allTextContents();
    expect(new Set(texts).size).toBe(2);
    for (const text of texts) expect(text).toMatch(/^doorward\/.*\n\d+\n/);
    expect(await page.getByText(/Checked just now/).count()).toBe(0);
    await expectAccessible(page);
    await third[Symbol.asyncDispose]();

    // The same, said and signed by who has the recovery sheet: then there is an answer to give.
    rmSync(data, { recursive: true });
    if (!hub.recovery) throw new Error("no sheet");
    const sheet = path.join(folder.path, "sheet.txt");
    writeFileSync(sheet, recoverySheet(hub.recovery, "x25519"));
    const from = ["--from", at.folder, "--sheet", sheet, "--data", data, "--yes"];
    expect((await inProcess(restore, ...from)).code).toBe(0);
    await using fourth = await again();
    await page.reload();
    const said = page.getByRole("alert").filter({ hasText: "set up anew from a copy" });
    await said.getByText("Whoever did it had the recovery sheet.", { exact: false }).waitFor({
      timeout: 30_000,
    });
    await expectAccessible(page);
    await said.getByRole("button", { name: "I know what is gone, and I sign that" }).focus();
    await page.keyboard.down("Enter");
    await page.getByText(/Checked just now/).waitFor({ timeout: 30_000 });
    await page.keyboard.up("Enter");
    expect(fourth.ledgerKinds()).toContain("acceptance");
  }, 180_000);
});

const DAY_MS = 24 * 3_600_000;

/** A port that stays the same when the hub starts again: the browser's storage belongs to it. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
