import { readFileSync } from "node:fs";
import type { Page, Route } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { generateReader, type ReaderKey } from "../../src/owner/identity.ts";
import { openSealedFile } from "../../src/owner/open-clip.ts";
import type { RequestSummary } from "../../src/protocol/api.ts";
import { bundleFileNames } from "../../src/protocol/bundle.ts";
import { fromBase64, sha256Hex, utf8Text } from "../../src/protocol/bytes.ts";
import { canonicalJson } from "../../src/protocol/canonical-json.ts";
import { requestSha256 } from "../../src/protocol/request.ts";
import { verifyBundle } from "../../src/protocol/verify-bundle.ts";
import { recipientWords } from "../../src/protocol/words.ts";
import { readZip } from "../../src/protocol/zip.ts";
import { CHROMIUM_COMMANDS, type TestPage } from "../support/page.ts";
import { missingCommands } from "../support/requirements.ts";
import { statusPath } from "../support/test-consent.ts";
import { openRequests, type RequestsPage } from "../support/requests-page.ts";

const ANOTHER_REQUEST = "The hub tells something else than when this was shown to you.";

/** What is changed after it was shown, at which addresses, how, and what the owner is told. */
const LIES: [string, string, (route: Route) => Promise<void>, string][] = [
  [
    "the bytes of a recording",
    "**/api/clips/*/files/*",
    async (route) => {
      const body = await (await route.fetch()).body();
      body[body.length - 100] = (body[body.length - 100] ?? 0) ^ 1;
      await route.fulfill({ body, contentType: "application/octet-stream" });
    },
    "A recording is not what the ledger lists.",
  ],
  [
    "the hash of a recording",
    "**/api/clips/*",
    (route) =>
      changeAnswer(route, (clip: { files: { payloadSha256: string }[] }) => {
        for (const file of clip.files) file.payloadSha256 = "0".repeat(64);
      }),
    "The ledger does not list this recording as the hub shows it.",
  ],
  ["the recipient", "**/api/requests/*", nameAnotherKey, ANOTHER_REQUEST],
];

describe.skipIf(missingCommands(...CHROMIUM_COMMANDS, "ffmpeg"))("requests in the page", () => {
  let requests: RequestsPage;
  let home: TestPage;
  let page: Page;
  let recipient: ReaderKey;
  beforeAll(async () => {
    requests = await openRequests();
    ({ home, page, recipient } = requests);
  });
  afterAll(async () => home[Symbol.asyncDispose]());
  afterEach(async () => page.unrouteAll({ behavior: "ignoreErrors" }));

  test("a part is approved with the passkey: what was shown is what was signed, and it opens for one", async () => {
    const request = await requests.ask();
    const text = await requests.show(request);
    expect(await page.locator(".review .key").textContent()).toBe(
      recipientWords(recipient.recipient).join(" "),
    );
    expect(await page.locator(".review").textContent()).toContain("21:00:04 to 21:00:08");
    expect(sha256Hex(new TextEncoder().encode(text))).toBe(
      await page.locator(".review pre").last().textContent(),
    );
    await requests.pictureShown();
    await requests.hold("Hold to approve");
    await page.getByText("Ready to be fetched").waitFor();
    const path = statusPath(request);
    // This hub is reached at localhost, where nobody else could fetch: the file is what is given.
    await page.getByRole("heading", { name: "Give this file to whoever asked" }).waitFor();
    expect(await page.locator("#address").isVisible()).toBe(false);
    expect(await page.locator("#address").textContent()).toContain(path);
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("link", { name: "Save the bundle" }).click(),
    ]);
    const bytes = new Uint8Array(readFileSync(await download.path()));
    const { holds, approval } = await verifyBundle(bytes);
    expect(holds).toBe(true);
    if (!approval) throw new Error("a bundle that holds has an approval");
    expect(utf8Text(canonicalJson(approval.terms), "terms")).toBe(text);
    const payload = utf8Text(fromBase64(approval.envelope.payload, "payload"), "payload");
    expect(payload).toContain(`"terms":${text}`);
    expect(approval.envelope.signatures[0]?.assertion).toBeDefined();
    expect(approval.terms).toMatchObject({
      outcome: "approved",
      redactions: { faces: "clear", audio: "left_out" },
    });
    expect(approval.files.map(({ file }) => file.segment)).toEqual([1]);
    const sealed = readZip(bytes, 500).get(bundleFileNames(approval.terms)[0] ?? "");
    const hash = approval.files[0]?.file.payloadSha256 ?? "";
    const opened = await openSealedFile(sealed ?? new Uint8Array(), [recipient.identity], hash);
    expect(utf8Text(opened.slice(4, 8), "mp4")).toBe("ftyp");
    await page.goto(`${home.url}/#/requests`);
    await page.getByText("Approved. Fetched once.").waitFor();
  });

  test("refusing by keyboard sends nothing and tells nobody", async () => {
    const request = await requests.ask();
    await requests.sheet(request);
    // A tap that went astray decides nothing.
    await page.getByRole("button", { name: "Hold to refuse" }).focus();
    await page.keyboard.press(" ");
    await page.getByText("Keep holding until the bar is full.").waitFor();
    expect((await requests.stored(request.record.request)).state).toBe("received");
    await requests.hold("Hold to refuse");
    await page.getByText("You refused. Nothing was sent, and nobody was told.").waitFor();
    expect((await requests.stored(request.record.request)).state).toBe("refused");
    expect((await home.hub.call("GET", statusPath(request))).statusCode).toBe(404);
  });

  test("stopped in the middle, nothing is sent, and it can be decided again", async () => {
    const request = await requests.ask();
    const sent = requests.decisionsSent();
    await requests.show(request);
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    await page.route("**/api/clips/*/files/*", async (route) => {
      await held;
      await route.continue();
    });
    await requests.hold("Hold to approve");
    await page.getByText("Making the key for piece 1 of 1").waitFor();
    await page.getByRole("button", { name: "Stop", exact: true }).click();
    letGo();
    await page.getByText("Stopped. Nothing was signed, and nothing has been sent.").waitFor();
    expect(sent.count).toBe(0);
    expect((await requests.stored(request.record.request)).state).toBe("received");
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await page.getByRole("button", { name: "Show me exactly what would leave" }).click();
    await page.getByRole("heading", { name: "This leaves, and nothing else" }).waitFor();
    await requests.hold("Hold to approve");
    await page.getByText("Ready to be fetched").waitFor();
    expect(sent.count).toBe(1);
  });

  test.each(LIES)("a hub that changes %s gets no signature", async (_what, url, lie, told) => {
    const request = await requests.ask();
    const sent = requests.decisionsSent();
    await requests.show(request);
    await page.route(url, lie);
    await requests.hold("Hold to approve");
    await page.getByText(told).waitFor();
    expect(sent.count).toBe(0);
    expect((await requests.stored(request.record.request)).state).toBe("received");
  });

  test("a hub that shows one request and asks for a signature on another gets none", async () => {
    const request = await requests.ask();
    const sent = requests.decisionsSent();
    await requests.sheet(request);
    await page.route("**/api/requests/*", nameAnotherKey);
    await page.getByRole("checkbox").first().check();
    await page.getByRole("button", { name: "Show me exactly what would leave" }).click();
    await page.getByText(ANOTHER_REQUEST).first().waitFor();
    expect(await page.locator("pre.statement").count()).toBe(0);
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await requests.sheet(request);
    await page.route("**/api/requests/*", nameAnotherKey);
    await requests.hold("Hold to refuse");
    await page.getByText(ANOTHER_REQUEST).first().waitFor();
    expect(sent.count).toBe(0);
    expect((await requests.stored(request.record.request)).state).toBe("received");
  });

  test("a hub that puts another key beside what somebody wrote shows nobody's name with it", async () => {
    const request = await requests.ask();
    await requests.sheet(request);
    await page.getByRole("heading", { name: "Request from A. Requester" }).waitFor();
    await page.route("**/api/requests/*", nameAnotherKey);
    await page.goto(`${home.url}/#/requests`);
    await page.goto(`${home.url}/#/request/${request.record.request}`);
    await page.getByText("This device cannot open who asks").waitFor();
    expect(await page.locator("main").textContent()).not.toContain("A. Requester");
  });

  test("where the answer is lost, the page finds out what the hub has", async () => {
    const request = await requests.ask();
    await requests.show(request);
    await page.route("**/decision", async (route) => {
      await route.fetch();
      await route.abort();
    });
    await requests.hold("Hold to approve");
    await page.getByText("Ready to be fetched").waitFor();
    const lost = await requests.ask();
    await page.unrouteAll({ behavior: "ignoreErrors" });
    await requests.show(lost);
    await page.route("**/decision", (route) => route.abort());
    await requests.hold("Hold to approve");
    await page.getByText("The hub does not have your decision.").waitFor();
    await expect.poll(() => page.getByText("The hub does not answer.").count()).toBe(0);
    expect((await requests.stored(lost.record.request)).state).toBe("received");
  });

  test("a passkey that says no signs nothing, and the same statement may be tried again", async () => {
    const request = await requests.ask();
    const sent = requests.decisionsSent();
    const text = await requests.show(request);
    await page.evaluate(SAY_NO_ONCE);
    await requests.hold("Hold to approve");
    await page.getByText("The passkey did not confirm.").waitFor();
    expect(sent.count).toBe(0);
    expect(await page.locator("pre.statement").textContent()).toBe(text);
    await requests.hold("Hold to approve");
    await page.getByText("Ready to be fetched").waitFor();
    expect(sent.count).toBe(1);
  });

  test("calling it an emergency changes a tag and a sentence, and nothing that decides", async () => {
    const deciding = async (request: RequestSummary): Promise<string[]> => {
      await requests.sheet(request);
      await page.getByRole("checkbox").first().waitFor();
      await page.getByText("Your passkey asks you to confirm").waitFor();
      const parts = ["choose", "whom", "decision"].map((id) =>
        page.locator(`section[aria-labelledby=${id}]`).innerHTML(),
      );
      return Promise.all(parts);
    };
    const calm = await deciding(await requests.ask());
    const urgent = await deciding(
      await requests.ask({ urgency: "emergency", kind: "police_emergency" }),
    );
    await page.getByText("calls it an emergency").waitFor();
    const withoutIds = (parts: string[]): string[] =>
      parts.map((part) => part.replaceAll(/s?\d+-(?:first|last)|id="[^"]*"/g, ""));
    expect(withoutIds(urgent)).toEqual(withoutIds(calm));
    expect(calm.join("")).not.toContain("checked=");
  });

  test("nothing of all that broke the page or asked anybody else", () => {
    expect(home.problems).toEqual([]);
  });
});

async function nameAnotherKey(route: Route): Promise<void> {
  const other = await generateReader("pq");
  await changeAnswer(route, (summary: RequestSummary) => {
    summary.record.asked.recipient = other.recipient;
    summary.recordSha256 = requestSha256(summary.record);
  });
}

async function changeAnswer<Answer>(route: Route, change: (answer: Answer) => void): Promise<void> {
  const answer = (await (await route.fetch()).json()) as Answer;
  change(answer);
  await route.fulfill({ json: answer });
}

/** Runs in the browser, where these tests have no types. */
const SAY_NO_ONCE = `{
  const get = navigator.credentials.get.bind(navigator.credentials);
  navigator.credentials.get = async () => {
    navigator.credentials.get = get;
    throw new DOMException("no", "NotAllowedError");
  };
}`;
