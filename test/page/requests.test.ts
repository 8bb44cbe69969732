import { readFileSync } from "node:fs";
import type { Page, Route } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { buildFormPage } from "../../src/cli/form-page.ts";
import { deviceRecord, newLabel } from "../../src/owner/device-bundle.ts";
import { readForm } from "../../src/owner/form.ts";
import { generateReader, generateSigningKey, type ReaderKey } from "../../src/owner/identity.ts";
import { openSealedFile } from "../../src/owner/open-clip.ts";
import { fillForm } from "../../src/owner/requests.ts";
import type { RequestSummary } from "../../src/protocol/api.ts";
import { bundleFileNames } from "../../src/protocol/bundle.ts";
import { fromBase64, sha256Hex, toBase64, utf8Text } from "../../src/protocol/bytes.ts";
import { canonicalJson } from "../../src/protocol/canonical-json.ts";
import { requestSha256, type RequestDocument } from "../../src/protocol/request.ts";
import { verifyBundle } from "../../src/protocol/verify-bundle.ts";
import { recipientWords } from "../../src/protocol/words.ts";
import { readZip } from "../../src/protocol/zip.ts";
import { axe, CHROMIUM_COMMANDS, startPage, type TestPage } from "../support/page.ts";
import { putDevice } from "../support/page-device.ts";
import { missingCommands } from "../support/requirements.ts";
import { clipStartsAtMs } from "../support/test-clips.ts";
import { requestDocument, statusPath, typeRequest } from "../support/test-consent.ts";
import { signStatement, statementAfter } from "../support/test-household.ts";
import { requireOk } from "../support/test-hub.ts";

const HOLD_MS = 1_400;
/** The first recording has pieces that begin at 0, 4 and 8 s; this falls into the second. */
const SOUGHT = {
  cameras: ["front"],
  from: new Date(clipStartsAtMs(0) + 4_500).toISOString(),
  to: new Date(clipStartsAtMs(0) + 7_500).toISOString(),
  tracks: ["video" as const],
  clearFaces: true,
};

describe.skipIf(missingCommands(...CHROMIUM_COMMANDS, "ffmpeg"))("requests in the page", () => {
  let home: TestPage;
  let page: Page;
  let recipient: ReaderKey;
  beforeAll(async () => {
    home = await startPage({ hub: { clips: 2, kind: "pq" } });
    ({ page } = home);
    recipient = await generateReader("pq");
    await becomeOwnerWithPasskey(home);
  });
  afterAll(async () => home[Symbol.asyncDispose]());
  afterEach(async () => page.unrouteAll({ behavior: "ignoreErrors" }));

  const ask = (changes: Partial<RequestDocument> = {}): Promise<RequestSummary> =>
    typeRequest(home.hub, { recipient: recipient.recipient, sought: SOUGHT, ...changes });
  const stored = async (id: string): Promise<RequestSummary> =>
    requireOk(await home.hub.call("GET", `/api/requests/${id}`, { as: home.hub.owner })).json();
  const sheet = async ({ record }: RequestSummary): Promise<void> => {
    // Through an empty page, so that nothing seen here is left over from another request.
    await page.goto("about:blank");
    await page.goto(`${home.url}/#/request/${record.request}`);
    await page.getByRole("heading", { name: "Your decision" }).waitFor();
  };
  /** Chooses the first recording and has the page say exactly what would leave. */
  const show = async (request: RequestSummary): Promise<string> => {
    await sheet(request);
    await page.getByRole("checkbox").first().check();
    await page.getByRole("button", { name: "Show me exactly what would leave" }).click();
    await page.getByRole("heading", { name: "This leaves, and nothing else" }).waitFor();
    return (await page.locator("pre.statement").textContent()) ?? "";
  };
  const hold = async (name: string): Promise<void> => {
    const button = page.getByRole("button", { name });
    await button.focus();
    await page.keyboard.down(" ");
    await page.waitForTimeout(HOLD_MS);
    await page.keyboard.up(" ");
  };
  const decisionsSent = (): { readonly count: number } => {
    const sent = { count: 0 };
    page.on("request", (request) => {
      if (request.url().endsWith("/decision")) sent.count += 1;
    });
    return sent;
  };

  test("a letter is typed in: mistakes are named, and the hub cannot read who asks", async () => {
    await page.goto(`${home.url}/#/ask`);
    await page.getByRole("button", { name: "Seal and enter it" }).click();
    await page.getByText("Some fields need another look.").waitFor();
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
    const { record } = await stored(id);
    expect(record.asked.sought.from).toBe("2026-11-21T21:00:00+01:00");
    expect(record.asked.sought.cameras).toBe("unspecified");
    const row = home.hub.hub.services.requests.list(1, Number.MAX_SAFE_INTEGER)[0];
    expect(JSON.stringify(row)).not.toContain("Visitor");
    await page.getByText("None shown. You are free to say no.").waitFor();
    await page.getByText("It names no case number.").waitFor();
    await page.goto(`${home.url}/#/requests`);
    await page.getByText("Waiting for you. Nothing has been sent.").first().waitFor();
    expect(await page.locator("nav .badge").textContent()).toBe("1");
  });

  test("a part is approved with the passkey: what was shown is what was signed, and it opens for one", async () => {
    const request = await ask();
    const text = await show(request);
    expect(await page.locator(".review .key").textContent()).toBe(
      recipientWords(recipient.recipient).join(" "),
    );
    expect(await page.locator(".review").textContent()).toContain("21:00:04 to 21:00:08");
    expect(sha256Hex(new TextEncoder().encode(text))).toBe(
      await page.locator(".review pre").last().textContent(),
    );
    await hold("Hold to approve");
    await page.getByText("Ready to be fetched").waitFor();
    const path = statusPath(request);
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
    const request = await ask();
    await sheet(request);
    // A tap that went astray decides nothing.
    await page.getByRole("button", { name: "Hold to refuse" }).focus();
    await page.keyboard.press(" ");
    await page.getByText("Keep holding until the bar is full.").waitFor();
    expect((await stored(request.record.request)).state).toBe("received");
    await hold("Hold to refuse");
    await page.getByText("You refused. Nothing was sent, and nobody was told.").waitFor();
    expect((await stored(request.record.request)).state).toBe("refused");
    expect((await home.hub.call("GET", statusPath(request))).statusCode).toBe(404);
  });

  test("stopped in the middle, nothing is sent, and it can be decided again", async () => {
    const request = await ask();
    const sent = decisionsSent();
    await show(request);
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    await page.route("**/api/clips/*/files/*", async (route) => {
      await held;
      await route.continue();
    });
    await hold("Hold to approve");
    await page.getByText("Making the key for piece 1 of 1").waitFor();
    await page.getByRole("button", { name: "Stop", exact: true }).click();
    letGo();
    await page.getByText("Stopped. Nothing was signed, and nothing has been sent.").waitFor();
    expect(sent.count).toBe(0);
    expect((await stored(request.record.request)).state).toBe("received");
    await page.unrouteAll();
    await page.getByRole("button", { name: "Show me exactly what would leave" }).click();
    await page.getByRole("heading", { name: "This leaves, and nothing else" }).waitFor();
    await hold("Hold to approve");
    await page.getByText("Ready to be fetched").waitFor();
    expect(sent.count).toBe(1);
  });

  test.each<[string, string, (route: Route) => Promise<void>, string]>([
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
    [
      "the recipient",
      "**/api/requests/*",
      async (route) => {
        const other = await generateReader("pq");
        await changeAnswer(route, (summary: RequestSummary) => {
          summary.record.asked.recipient = other.recipient;
          summary.recordSha256 = requestSha256(summary.record);
        });
      },
      "The hub tells something else than when this was shown to you.",
    ],
  ])(
    "a hub that changes %s after it was shown gets no signature",
    async (_what, url, lie, told) => {
      const request = await ask();
      const sent = decisionsSent();
      await show(request);
      await page.route(url, lie);
      await hold("Hold to approve");
      await page.getByText(told).waitFor();
      expect(sent.count).toBe(0);
      expect((await stored(request.record.request)).state).toBe("received");
    },
  );

  test("where the answer is lost, the page finds out what the hub has", async () => {
    const request = await ask();
    await show(request);
    await page.route("**/decision", async (route) => {
      await route.fetch();
      await route.abort();
    });
    await hold("Hold to approve");
    await page.getByText("Ready to be fetched").waitFor();
    const lost = await ask();
    await page.unrouteAll();
    await show(lost);
    await page.route("**/decision", (route) => route.abort());
    await hold("Hold to approve");
    await page.getByText("The hub does not have your decision.").waitFor();
    expect((await stored(lost.record.request)).state).toBe("received");
  });

  test("a passkey that says no signs nothing, and the same statement may be tried again", async () => {
    const request = await ask();
    const sent = decisionsSent();
    const text = await show(request);
    await page.evaluate(SAY_NO_ONCE);
    await hold("Hold to approve");
    await page.getByText("The passkey did not confirm.").waitFor();
    expect(sent.count).toBe(0);
    expect(await page.locator("pre.statement").textContent()).toBe(text);
    await hold("Hold to approve");
    await page.getByText("Ready to be fetched").waitFor();
    expect(sent.count).toBe(1);
  });

  test("calling it an emergency changes a tag and a sentence, and nothing that decides", async () => {
    const deciding = async (request: RequestSummary): Promise<string[]> => {
      await sheet(request);
      await page.getByRole("checkbox").first().waitFor();
      const parts = ["choose", "whom", "decision"].map((id) =>
        page.locator(`section[aria-labelledby=${id}]`).innerHTML(),
      );
      return Promise.all(parts);
    };
    const calm = await deciding(await ask());
    const urgent = await deciding(await ask({ urgency: "emergency", kind: "police_emergency" }));
    await page.getByText("calls it an emergency").waitFor();
    const withoutIds = (parts: string[]): string[] =>
      parts.map((part) => part.replaceAll(/s?\d+-(?:first|last)|id="[^"]*"/g, ""));
    expect(withoutIds(urgent)).toEqual(withoutIds(calm));
    expect(calm.join("")).not.toContain("checked=");
  });

  test("a form is made as the command line makes it, and what comes back is taken in", async () => {
    await page.goto(`${home.url}/#/ask/form`);
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Make the form and save it" }).click(),
    ]);
    const html = readFileSync(await download.path(), "utf8");
    const form = readForm(html);
    expect(html).toBe(await buildFormPage(form));
    expect(form.expiresAtMs).toBeGreaterThan(Date.now() + 13.9 * 86_400_000);
    const document = requestDocument({ recipient: recipient.recipient, sought: SOUGHT });
    const sealed = Buffer.from(JSON.stringify(await fillForm(form, document)));
    const give = async (buffer: Buffer): Promise<void> =>
      page.setInputFiles("input[type=file]", { name: "my.request", mimeType: "", buffer });
    await page.goto(`${home.url}/#/ask/file`);
    await give(Buffer.alloc(64 * 1024 + 1));
    await page.getByText("This file is over 64 KiB.").waitFor();
    await give(Buffer.from("{}"));
    await page.getByText("This file is not one that a form of Doorward makes.").waitFor();
    await give(sealed);
    await page.getByRole("heading", { name: "Request from A. Requester, Somewhere PD" }).waitFor();
    await page.goto(`${home.url}/#/ask/file`);
    await give(sealed);
    await page.getByText("This form was used already, or has expired.").waitFor();
  });

  test.each(["light", "dark"] as const)("is accessible, %s", async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    await show(await ask({ urgency: "emergency", deadline: "2026-11-22T08:00:00Z" }));
    await page.getByText("What exactly do I sign?").click();
    expect(await axe(page)).toEqual([]);
    for (const place of ["requests", "ask", "ask/form", "ask/file"]) {
      await page.goto(`${home.url}/#/${place}`);
      await page.getByRole("heading", { level: 1 }).waitFor();
      expect(await axe(page)).toEqual([]);
    }
  });

  test("nothing of all that broke the page or asked anybody else", () => {
    expect(home.problems).toEqual([]);
  });
});

async function changeAnswer<Answer>(route: Route, change: (answer: Answer) => void): Promise<void> {
  const answer = (await (await route.fetch()).json()) as Answer;
  change(answer);
  await route.fulfill({ json: answer });
}

/** A second owner, whose device's decisions only count with this browser's passkey. */
async function becomeOwnerWithPasskey({ hub, page, url }: TestPage): Promise<void> {
  const made = await page.evaluate<{ id: number[]; key: number[] }>(MAKE_PASSKEY);
  const key = generateSigningKey();
  const label = newLabel("with a passkey");
  const person = "7".repeat(32);
  const passkey = {
    credentialId: toBase64(Uint8Array.from(made.id)),
    algorithm: "ES256",
    publicKey: toBase64(Uint8Array.from(made.key.slice(-65))),
    relyingPartyId: "localhost",
    origin: url,
    required: true,
  } as const;
  const { services } = hub.hub;
  const { keyring } = services.household;
  if (!keyring) throw new Error("nobody has claimed this hub");
  const device = deviceRecord(key.publicKey, label, passkey);
  const admission = statementAfter(keyring, { kind: "admit", person, role: "owner", device });
  services.household.accept(await signStatement(admission, [hub.owner.key]), label);
  services.keyringChanged();
  await page.goto(`${url}/door.svg`);
  const signingSeed = toBase64(key.secret);
  await putDevice(page, { ...hub.owner.bundle, person, label: label.label, signingSeed });
}

/** Both run in the browser, where these tests have no types. */
const SAY_NO_ONCE = `{
  const get = navigator.credentials.get.bind(navigator.credentials);
  navigator.credentials.get = async () => {
    navigator.credentials.get = get;
    throw new DOMException("no", "NotAllowedError");
  };
}`;
const MAKE_PASSKEY = `(async () => {
  const created = await navigator.credentials.create({
    publicKey: {
      rp: { id: "localhost", name: "test" },
      user: { id: new Uint8Array(16), name: "owner", displayName: "owner" },
      challenge: new Uint8Array(32),
      pubKeyCredParams: [{ type: "public-key", alg: -7 }],
      authenticatorSelection: { residentKey: "required", userVerification: "required" },
    },
  });
  return {
    id: [...new Uint8Array(created.rawId)],
    key: [...new Uint8Array(created.response.getPublicKey())],
  };
})()`;
