import type { Page } from "playwright-core";
import { expect } from "vitest";
import { deviceRecord, newLabel } from "../../src/owner/device-bundle.ts";
import { generateReader, generateSigningKey, type ReaderKey } from "../../src/owner/identity.ts";
import type { RequestSummary } from "../../src/protocol/api.ts";
import { toBase64 } from "../../src/protocol/bytes.ts";
import { type RequestDocument } from "../../src/protocol/request.ts";
import { startPage, type TestPage } from "./page.ts";
import { putDevice } from "./page-device.ts";
import { clipStartsAtMs } from "./test-clips.ts";
import { typeRequest } from "./test-consent.ts";
import { signStatement, statementAfter } from "./test-household.ts";
import { requireOk } from "./test-hub.ts";

const HOLD_MS = 1_400;
/** The first recording has pieces that begin at 0, 4 and 8 s; this falls into the second. */
export const SOUGHT = {
  cameras: ["front"],
  from: new Date(clipStartsAtMs(0) + 4_500).toISOString(),
  to: new Date(clipStartsAtMs(0) + 7_500).toISOString(),
  tracks: ["video" as const],
  clearFaces: true,
};

export interface RequestsPage {
  readonly home: TestPage;
  readonly page: Page;
  /** Whom the requests name. */
  readonly recipient: ReaderKey;
  /** A request for the second piece of the first recording, typed in by another device. */
  ask(changes?: Partial<RequestDocument>): Promise<RequestSummary>;
  /** As the hub has it. */
  stored(id: string): Promise<RequestSummary>;
  /** Opens its decision sheet. */
  sheet(request: RequestSummary): Promise<void>;
  /**
   * Chooses the first recording and has the page say exactly what would leave.
   *
   * @returns The statement's bytes as a text.
   */
  show(request: RequestSummary): Promise<string>;
  /** Holds a button with the space bar. */
  hold(name: string): Promise<void>;
  /** Waits until the player has opened and decoded the very file that would leave. */
  pictureShown(): Promise<void>;
  /** Counts the decisions that leave the browser from now on. */
  decisionsSent(): { readonly count: number };
}

/** A hub with two recordings, and the page of an owner whose decisions need his passkey. */
export async function openRequests(): Promise<RequestsPage> {
  const home = await startPage({ hub: { clips: 2, kind: "pq" } });
  const { page } = home;
  const recipient = await generateReader("pq");
  await becomeOwnerWithPasskey(home);
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

  const pictureShown = async (): Promise<void> =>
    expect
      .poll(() => page.evaluate("document.querySelector('.review video')?.readyState ?? 0"), {
        timeout: 15_000,
      })
      .toBeGreaterThanOrEqual(2);
  return { home, page, recipient, ask, stored, sheet, show, hold, pictureShown, decisionsSent };
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
  const device = deviceRecord(key.publicKey, label, { passkey });
  const admission = statementAfter(keyring, { kind: "admit", person, role: "owner", device });
  services.household.accept(await signStatement(admission, [hub.owner.key]), label);
  services.keyringChanged();
  await page.goto(`${url}/door.svg`);
  const signingSeed = toBase64(key.secret);
  await putDevice(page, { ...hub.owner.bundle, person, label: label.label, signingSeed });
}

/** Runs in the browser, where these tests have no types. */
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
