import { createServer, type IncomingMessage } from "node:http";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildFormPage } from "../../src/cli/form-page.ts";
import { readForm } from "../../src/owner/form.ts";
import { generateReader, parseIdentity, type ReaderKey } from "../../src/owner/identity.ts";
import { openAttachment } from "../../src/owner/request-attachment.ts";
import {
  openPersonal,
  openRequest,
  readSealedRequest,
  type Form,
} from "../../src/owner/requests.ts";
import { missingCommands } from "../support/requirements.ts";

/** Debian's browser; nothing of it may look for anything outside this machine. */
const BROWSER = {
  executablePath: "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};
const withoutBrowser = missingCommands("chromium");

let folder: string;
let browser: Browser;
let owners: ReaderKey;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "doorward-form-"));
  owners = await generateReader("pq");
  if (!withoutBrowser) browser = await chromium.launch(BROWSER);
});
afterAll(async () => {
  await browser?.close();
  await rm(folder, { recursive: true, force: true });
});

const NOBODY_ELSES = "http://localhost:1/status/x";

async function openForm(
  intakeUrl: string | null,
  {
    shape,
    locale = "en-GB",
    statusUrl = NOBODY_ELSES,
  }: { shape?: "visitor"; locale?: string; statusUrl?: string } = {},
): Promise<{ page: Page; asked: string[] }> {
  const form: Form = {
    ...(shape ? { shape } : {}),
    format: "doorward-form/v1",
    token: "ab".repeat(32),
    owners: owners.recipient,
    expiresAtMs: Date.now() + 3_600_000,
    intakeUrl,
    statusUrl,
  };
  const file = path.join(folder, "request.html");
  const html = await buildFormPage(form);
  await writeFile(file, html);
  expect(readForm(html)).toEqual(form);
  const page = await browser.newPage({ acceptDownloads: true, locale });
  const asked: string[] = [];
  page.on("request", (request) => asked.push(request.url()));
  page.on("pageerror", (error) => {
    throw error;
  });
  await page.goto(`file://${file}`);
  for (const [name, value] of Object.entries({
    name: "Ada <b>Visitor</b>",
    contact: "ada@example.org",
    ...(shape ? {} : { basis: "none", purpose: "a parcel" }),
    from: "2026-11-21T10:00",
    to: "2026-11-21T11:00",
  }))
    await page.fill(`[name=${name}]`, value);
  if (!shape) await page.selectOption("[name=kind]", "police_emergency");
  return { page, asked };
}

async function download(page: Page, selector: string): Promise<string> {
  const [started] = await Promise.all([page.waitForEvent("download"), page.click(selector)]);
  return readFile(await started.path(), "utf8");
}

test.skipIf(withoutBrowser)(
  "a form opened from a file seals a request that only the owners read, and asks no server",
  async () => {
    const { page, asked } = await openForm(null);
    const key = await parseIdentity(await download(page, "#make-key"));
    await page.fill("[name=to]", "2026-11-21T09:00");
    await page.click("[type=submit]");
    expect(await page.evaluate("document.querySelector('[name=to]').validationMessage")).toBe(
      "“To” must be after “From”.",
    );
    await page.fill("[name=to]", "2026-11-21T11:00");
    const sealed = readSealedRequest(JSON.parse(await download(page, "[type=submit]")));
    expect(sealed.asked).toMatchObject({
      kind: "police_emergency",
      recipient: key.recipient,
      sought: { cameras: "unspecified", tracks: ["video"], clearFaces: false },
    });
    expect(JSON.stringify(sealed)).not.toContain("Ada");
    const personal = await openPersonal(sealed.asked, sealed.personal, owners.identity);
    expect(personal.requester.name).toBe("Ada <b>Visitor</b>");
    expect(await page.isVisible("#done")).toBe(true);
    // An address on the hub's own machine leads whoever asks to his own.
    expect(await page.isVisible("#handed-over")).toBe(true);
    expect(await page.isVisible("#status-url")).toBe(false);
    expect(asked.filter((url) => !url.startsWith("file:") && !url.startsWith("blob:"))).toEqual([]);
    await page.close();
  },
);

test.skipIf(withoutBrowser)("a form with an address posts the same request there", async () => {
  const bodies = new Map<string, Buffer>();
  let refusals = 1;
  await using server = createServer((request: IncomingMessage, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const isRefused = request.url !== "/intake" && refusals > 0;
      if (isRefused) refusals -= 1;
      else bodies.set(request.url ?? "", Buffer.concat(parts));
      response.writeHead(isRefused ? 500 : 200, { "access-control-allow-origin": "*" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const statusUrl = "https://door.example.org/status/x";
  const { page } = await openForm(`http://127.0.0.1:${port}/intake`, { statusUrl });
  const bytes = Buffer.from("An order\n");
  await page.setInputFiles("[name=document]", {
    name: "order.txt",
    mimeType: "text/plain",
    buffer: bytes,
  });
  await page.click("#send");
  // The document was refused once: it is sent again, and the request is not.
  await page.getByText("The request was sent, and its document was not").waitFor();
  const first = bodies.get("/intake");
  await page.click("#send");
  await page.waitForSelector("#done:not([hidden])");
  expect(bodies.get("/intake")).toBe(first);
  expect(await page.locator("#status-url:visible").textContent()).toBe(statusUrl);
  expect(await page.isVisible("#handed-over")).toBe(false);
  const sealed = readSealedRequest(JSON.parse(first?.toString() ?? ""));
  const { personal, document } = await openRequest(sealed.asked, sealed.personal, [
    owners.identity,
  ]);
  expect(personal.purpose).toBe("a parcel");
  const file = new Uint8Array(bodies.get(`/intake/documents/${sealed.document?.sha256}`) ?? []);
  if (!document) throw new Error("the request names no document");
  expect(document.name).toBe("order.txt");
  const opened = await openAttachment(document, file, [owners.identity]);
  expect(Buffer.from(opened)).toEqual(bytes);
  await page.close();
});

test.skipIf(withoutBrowser)(
  "a visitor's form is short, in his language, and for two hours",
  async () => {
    const { page } = await openForm(null, { shape: "visitor", locale: "fr-FR" });
    expect(await page.textContent("h1")).toBe("Demande d’enregistrements");
    for (const name of ["kind", "basis", "agency", "clearFaces", "document"])
      expect(await page.isVisible(`[name=${name}]`), name).toBe(false);
    await page.fill("[name=to]", "2026-11-21T12:01");
    await page.click("[type=submit]");
    await page.waitForFunction(
      () =>
        (globalThis as unknown as { message: { textContent: string } }).message.textContent !== "",
    );
    expect(await page.textContent("#message")).toContain("at most two hours");
    await page.fill("[name=to]", "2026-11-21T12:00");
    const sealed = readSealedRequest(JSON.parse(await download(page, "[type=submit]")));
    expect(sealed.asked.kind).toBe("data_subject");
    await page.close();
  },
);

test.skipIf(withoutBrowser)("a mistake in the form is named, and nothing leaves it", async () => {
  const { page } = await openForm(null);
  await page.fill("[name=recipient]", "age1nonsense");
  await page.click("[type=submit]");
  await page.waitForFunction(
    () =>
      (globalThis as unknown as { message: { textContent: string } }).message.textContent !== "",
  );
  expect(await page.textContent("#message")).toContain("Cannot read recipient");
  expect(await page.isVisible("#done")).toBe(false);
  await page.close();
});
