import { readFileSync } from "node:fs";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildFormPage } from "../../src/cli/form-page.ts";
import { readForm } from "../../src/owner/form.ts";
import { type ReaderKey } from "../../src/owner/identity.ts";
import { fillForm } from "../../src/owner/requests.ts";
import { noticePage } from "../../src/protocol/door-notice.ts";
import { verifyBundle } from "../../src/protocol/verify-bundle.ts";
import { recipientWords } from "../../src/protocol/words.ts";
import { axe, CHROMIUM_COMMANDS, type TestPage } from "../support/page.ts";
import { missingCommands } from "../support/requirements.ts";
import { requestDocument, statusPath, typeRequest } from "../support/test-consent.ts";
import { openRequests, SOUGHT, type RequestsPage } from "../support/requests-page.ts";

/** A red picture of one pixel, as PNG. */
const ONE_PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

/** As `datetime-local` has it in the browser's zone. */
function localTime(iso: string, laterMs = 0): string {
  const at = new Date(new Date(iso).getTime() + laterMs);
  return at.toLocaleString("sv-SE", { timeZone: "Europe/Paris" }).slice(0, 16).replace(" ", "T");
}

describe.skipIf(missingCommands(...CHROMIUM_COMMANDS, "ffmpeg"))(
  "requests come in by the page",
  () => {
    let requests: RequestsPage;
    let home: TestPage;
    let page: Page;
    let recipient: ReaderKey;
    beforeAll(async () => {
      requests = await openRequests();
      ({ home, page, recipient } = requests);
    });
    afterAll(async () => home[Symbol.asyncDispose]());

    test("a letter is typed in: mistakes are named, and the hub cannot read who asks", async () => {
      await page.goto(`${home.url}/#/ask`);
      await page.getByRole("button", { name: "Seal and enter it" }).click();
      await page.getByText("One field needs another look; it is marked.").waitFor();
      const name = page.getByRole("textbox", { name: "Name", exact: true });
      expect(await name.getAttribute("aria-invalid")).toBe("true");
      await name.fill("Ada \u202eVisitor");
      await page.getByLabel("How to reach them").fill("ada@example.org");
      await page.getByLabel("Legal basis").fill("none");
      await page.getByLabel("What it is for").fill("A parcel that was taken");
      await page.getByLabel("From", { exact: true }).fill("2026-11-21T21:00");
      await page.getByLabel("To", { exact: true }).fill("2026-11-21T20:00");
      await page.getByRole("button", { name: "Seal and enter it" }).click();
      await page.getByText("Choose a day and time after the beginning.").waitFor();
      await page.getByLabel("To", { exact: true }).fill("2026-11-21T22:00");
      await page.getByLabel("Their key").fill("age1nonsense");
      await page.getByRole("button", { name: "Seal and enter it" }).click();
      await page.getByText("This is no age key").waitFor();
      await page.getByLabel("Their key").fill(recipient.recipient);
      await page.getByRole("button", { name: "Seal and enter it" }).click();
      await page.getByRole("heading", { name: /^Request from Ada/ }).waitFor();
      // What turns the line around is not shown; what was written is kept.
      expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe(
        "Request from Ada  Visitor",
      );
      const id = new URL(page.url()).hash.split("/")[2] ?? "";
      const { record } = await requests.stored(id);
      expect(record.asked.sought.from).toBe("2026-11-21T21:00:00+01:00");
      expect(record.asked.sought.cameras).toBe("unspecified");
      const row = home.hub.hub.services.requests.list(1)[0];
      expect(JSON.stringify(row)).not.toContain("Visitor");
      await page.getByText("None shown. You are free to say no.").waitFor();
      await page.getByText("It names no case number.").waitFor();
      await page.goto(`${home.url}/#/requests`);
      await page.getByText("Waiting for you. Nothing has been sent.").first().waitFor();
      expect(await page.locator("nav .badge").textContent()).toBe("1");
    });

    test("a form is made as the command line makes it, and what comes back is taken in", async () => {
      await page.goto(`${home.url}/#/ask/form`);
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name: "Make the form and save it" }).click(),
      ]);
      const html = readFileSync(await download.path(), "utf8");
      const form = readForm(html);
      await page.getByText("Your hub has no address that others could fetch from.").waitFor();
      expect(html).toBe(await buildFormPage(form));
      expect(form.expiresAtMs).toBeGreaterThan(Date.now() + 13.9 * 86_400_000);
      const document = requestDocument({ recipient: recipient.recipient, sought: SOUGHT });
      const sealed = Buffer.from(JSON.stringify(await fillForm(form, document)));
      const give = async (buffer: Buffer): Promise<void> =>
        page.setInputFiles("input[type=file]", { name: "my.request", mimeType: "", buffer });
      await page.goto(`${home.url}/#/ask/file`);
      await give(Buffer.alloc(8 * 1024 * 1024 + 20_000));
      await page.getByText("This file is over 8 MiB.").waitFor();
      await give(Buffer.from("{}"));
      await page.getByText("This file is not one that a form of Doorward makes.").waitFor();
      await give(sealed);
      await page
        .getByRole("heading", { name: "Request from A. Requester, Somewhere PD" })
        .waitFor();
      await page.goto(`${home.url}/#/ask/file`);
      await give(sealed);
      await page.getByText("This form was used already, or has expired.").waitFor();
    });

    test(
      "a blurred copy is made here, and is what leaves by default",
      { timeout: 120_000 },
      async () => {
        const request = await requests.ask();
        await requests.sheet(request);
        await page.getByRole("checkbox").first().check();
        await page
          .getByText("There is no blurred copy of this recording. Faces will be clear.")
          .waitFor();
        await page.getByRole("button", { name: "Make a blurred copy first" }).click();
        await page.getByRole("button", { name: "Looks right" }).click({ timeout: 60_000 });
        await page.getByText("The blurred copy is made, and chosen.").waitFor({ timeout: 60_000 });
        expect(await page.getByRole("checkbox", { name: "Blur faces" }).isChecked()).toBe(true);
        await page.getByRole("button", { name: "Show me exactly what would leave" }).click();
        const review = page.locator(".review");
        await review.getByText("blurred", { exact: true }).waitFor();
        await requests.pictureShown();
        await requests.hold("Hold to approve");
        await page.getByText("Approved in part.").waitFor();
        const bundle = await home.hub.call("GET", statusPath(request));
        const { holds, approval } = await verifyBundle(new Uint8Array(bundle.rawPayload));
        expect(holds).toBe(true);
        expect(approval?.files.map(({ file }) => [file.segment, file.rendition])).toEqual([
          [1, "blurred"],
        ]);
        expect(approval?.files[0]?.file.derivedFrom).toMatch(/^[0-9a-f]{64}$/);
      },
    );

    test("a scan goes along, is drawn here and nowhere a page; sure and kept are signed", async () => {
      await page.goto(`${home.url}/#/ask`);
      await page.getByRole("textbox", { name: "Name", exact: true }).fill("C. Clerk");
      await page.getByLabel("How to reach them").fill("clerk@court.example");
      await page.getByLabel("Kind of request").selectOption("preservation");
      await page.getByLabel("Legal basis").fill("none");
      await page.getByLabel("What it is for").fill("Keep the evening");
      await page.getByLabel("From", { exact: true }).fill(localTime(SOUGHT.from));
      await page.getByLabel("To", { exact: true }).fill(localTime(SOUGHT.to, 60_000));
      await page.getByLabel("Their key").fill(recipient.recipient);
      const scan = page.getByLabel("Attach a scan or a letter");
      const attach = (name: string, buffer: Buffer): Promise<void> =>
        scan.setInputFiles({ name, mimeType: "", buffer });
      await attach("order.png", Buffer.from([0x4d, 0x5a, 0x00, 0x01]));
      await page.getByRole("button", { name: "Seal and enter it" }).click();
      await page
        .getByText("A PDF, a JPEG or PNG picture, or plain text, of at most 4 MiB.")
        .waitFor();
      await attach("order.png", Buffer.from(ONE_PIXEL, "base64"));
      await page.getByRole("button", { name: "Seal and enter it" }).click();
      await page.getByRole("heading", { name: "What came along" }).waitFor();
      await page.getByText("Keeping it hands nothing over.").waitFor();
      await page.getByRole("button", { name: "Open it" }).click();
      await page.getByRole("img", { name: "The document order.png" }).waitFor();
      await attachedIsNoPage();
      // The eight words, as they were told.
      await page.getByText("Compare their key by telephone").click();
      const told = page.getByLabel("The words you were told");
      await told.fill(recipientWords(recipient.recipient).toReversed().join(" "));
      await page.getByRole("button", { name: "Compare" }).click();
      await page.getByText("Its key is not the one whose words you were told.").waitFor();
      await told.fill(recipientWords(recipient.recipient).join(", "));
      await page.getByRole("button", { name: "Compare" }).click();
      await page.getByText("They are the same eight words.").waitFor();
      await page.getByRole("radio", { name: "Called back on a number I found myself" }).check();
      await page.getByRole("button", { name: "Sign this" }).click();
      await page.getByText(/Called back on a number I found myself. Signed /).waitFor();
      await page.getByRole("button", { name: "Keep them" }).click();
      await page.getByText("1 recording is kept until").waitFor();
      await page.getByRole("button", { name: "Renew once" }).waitFor();
      expect(await axe(page)).toEqual([]);
      const id = new URL(page.url()).hash.split("/")[2] ?? "";
      expect(await requests.stored(id)).toMatchObject({ state: "held", outcome: null });
      const kinds = home.hub.ledgerKinds();
      expect(kinds).toEqual(expect.arrayContaining(["assurance", "hold"]));
      await page.getByRole("button", { name: "Let them go" }).click();
      await page.getByText("This ended").waitFor();
    });

    test("a visitor's request has a short form, for two hours, and the sheet says what is proposed", async () => {
      await page.goto(`${home.url}/#/ask/visitor`);
      await page.getByRole("textbox", { name: "Name", exact: true }).fill("V. Visitor");
      await page.getByLabel("How to reach them").fill("v@example.org");
      await page.getByLabel("From", { exact: true }).fill(localTime(SOUGHT.from));
      await page
        .getByLabel("To", { exact: true })
        .fill(localTime(SOUGHT.from, 2 * 3_600_000 + 60_000));
      await page.getByRole("button", { name: "Seal and enter it" }).click();
      await page.getByText("Choose at most two hours.").waitFor();
      await page.getByLabel("To", { exact: true }).fill(localTime(SOUGHT.from, 60_000));
      await page.getByLabel("Their key").fill(recipient.recipient);
      expect(await axe(page)).toEqual([]);
      await page.getByRole("button", { name: "Seal and enter it" }).click();
      await page.getByText("They ask for their own minutes.").waitFor();
      await page.getByText("Somebody who was recorded", { exact: false }).first().waitFor();
      // Nothing is chosen beforehand, for them neither.
      await page.getByRole("heading", { name: "Your decision" }).waitFor();
      expect(await page.getByRole("checkbox").first().isChecked()).toBe(false);
    });

    test("the notice for the door is made here, and is accessible and calm", async () => {
      await page.goto(`${home.url}/#/cameras`);
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name: "Save the notice" }).click(),
      ]);
      const html = readFileSync(await download.path(), "utf8");
      expect(html).toBe(noticePage(home.hub.hub.services.notice()));
      const shown = await page.context().newPage();
      const asked: string[] = [];
      shown.on("request", (request) => asked.push(request.url()));
      await shown.goto(`${home.url}/notice`);
      expect(await shown.content()).toContain("Cette porte est filmée");
      // The style is its own, by its hash: without it the heading would be Times at 32 px.
      const size = 'getComputedStyle(document.querySelector("h1")).fontSize';
      expect(await shown.evaluate(size)).toBe("36px");
      expect(asked).toEqual([`${home.url}/notice`]);
      await shown.close();
    });

    /** Nowhere in the page is there a document of the sender's: no frame, no object, no address. */
    async function attachedIsNoPage(): Promise<void> {
      expect(await page.locator("iframe, object, embed").count()).toBe(0);
      expect(await page.locator('a[href^="blob:"], img[src^="blob:"]').count()).toBe(0);
    }

    test.each(["light", "dark"] as const)("is accessible, %s", async (colorScheme) => {
      await page.emulateMedia({ colorScheme });
      await requests.show(
        await requests.ask({ urgency: "emergency", deadline: "2026-11-22T08:00:00Z" }),
      );
      await page.getByText("What exactly do I sign?").click();
      expect(await axe(page)).toEqual([]);
      const { recipient: _none, ...without } = requestDocument({ sought: SOUGHT });
      await requests.sheet(await typeRequest(home.hub, without));
      await page.getByLabel("Key of the recipient").fill("age1nonsense");
      await page.getByText("This is no age key").waitFor();
      expect(await axe(page)).toEqual([]);
      await page.getByLabel("Key of the recipient").fill(recipient.recipient);
      await page
        .getByText(recipientWords(recipient.recipient)[7] ?? "?")
        .first()
        .waitFor();
      for (const place of ["requests", "ask", "ask/visitor", "ask/form", "ask/file"]) {
        await page.goto(`${home.url}/#/${place}`);
        await page.getByRole("heading", { level: 1 }).waitFor();
        expect(await axe(page)).toEqual([]);
      }
    });

    test("nothing of all that broke the page or asked anybody else", () => {
      expect(home.problems).toEqual([]);
    });
  },
);
