import Sqlite from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSealedFile } from "../../src/owner/open-clip.ts";
import { readerFromSeed } from "../../src/owner/identity.ts";
import { signRevocation } from "../../src/owner/revocation.ts";
import { envelopeSigner } from "../../src/owner/identity.ts";
import { newLink } from "../../src/owner/share.ts";
import { bundleFileNames } from "../../src/protocol/bundle.ts";
import { RequestSummary } from "../../src/protocol/api.ts";
import { ShareList } from "../../src/protocol/api-shares.ts";
import { checkShape } from "../../src/protocol/check.ts";
import { readShareAnswer, shareKeys, verifyShareOfBundle } from "../../src/protocol/share.ts";
import { verifyBundle } from "../../src/protocol/verify-bundle.ts";
import { readZip } from "../../src/protocol/zip.ts";
import { createOutsideServer } from "../../src/http/outside.ts";
import { approve, refuse, typeRequest } from "../support/test-consent.ts";
import { requireOk, startTestHub, type TestHub } from "../support/test-hub.ts";
import { propose, startTwoOwners } from "../support/two-owners.ts";
import { fetchShare as fetchShareOf, shareOf, sharedClip } from "../support/test-share.ts";

let hub: TestHub;
beforeAll(async () => {
  hub = await startTestHub({ clips: 1, kind: "pq" });
});
afterAll(() => hub[Symbol.asyncDispose]());

const fetchShare = (token: string) => fetchShareOf(hub, token);

const kinds = (request: string): string[] =>
  Array.from({ length: hub.hub.services.ledger.size() }, (_, index) => {
    const bytes = hub.hub.services.ledger.entry(index)?.bytes ?? new Uint8Array();
    return JSON.parse(new TextDecoder().decode(bytes)) as { kind: string; request?: string };
  })
    .filter((entry) => entry.request === request)
    .map(({ kind }) => kind);

describe("a link", () => {
  test("opens what was approved for it, and nothing else is needed", async () => {
    const made = await sharedClip(hub);
    const answer = requireOk(await fetchShare(made.token));
    const { envelope, bundle } = readShareAnswer(new Uint8Array(answer.rawPayload));
    const report = await verifyBundle(bundle);
    expect(report.checks.filter(({ holds }) => !holds)).toEqual([]);
    const { approval } = report;
    if (!approval) throw new Error("no approval");
    const members = readZip(bundle, 500);
    const statements = JSON.parse(
      new TextDecoder().decode(members.get("keyring.json")),
    ) as unknown[];
    const { share } = verifyShareOfBundle(envelope, {
      statements,
      request: approval.terms.request,
      decisionSha256: approval.decisionSha256,
    });
    expect(share.viewsMax).toBe(2);
    const { identity } = await readerFromSeed("pq", shareKeys(made.link.secret).identitySeed);
    const [name = ""] = bundleFileNames(approval.terms);
    const opened = await openSealedFile(
      members.get(name) ?? new Uint8Array(),
      [identity],
      approval.files[0]?.file.payloadSha256 ?? null,
    );
    expect(opened.length).toBeGreaterThan(0);
  });

  test("opens behind a proxy that ends the encryption, whose page has another scheme than the hub", async () => {
    const made = await sharedClip(hub);
    await using outside = await createOutsideServer(hub.hub.services, {
      ...{ version: "test", hostNames: ["hub.example"], logLevel: "silent" },
    });
    const { statusCode } = await outside.inject({
      method: "POST",
      url: "/share/fetch",
      headers: {
        host: "hub.example",
        origin: "https://hub.example",
        "sec-fetch-site": "same-origin",
        "content-type": "application/json",
      },
      payload: { token: made.token },
    });
    expect(statusCode).toBe(200);
  });

  test("leads to the outside listener, and not to where owners' pages keep their keys", async () => {
    const { token } = await sharedClip(hub);
    const page = await hub.call("GET", "/share/");
    const main = await hub.call("POST", "/share/fetch", { body: { token } });
    const never = await hub.call("POST", "/never", { body: { token } });
    expect([page.statusCode, main.statusCode, main.body]).toEqual([404, 404, never.body]);
    expect((await fetchShare(token)).statusCode).toBe(200);
  });

  test("is entered into the ledger before it works, and each fetch before its first byte", async () => {
    const made = await sharedClip(hub);
    const id = made.request.record.request;
    expect(kinds(id)).toEqual(["request", "decision", "release", "share"]);
    requireOk(await fetchShare(made.token));
    expect(kinds(id)).toEqual(["request", "decision", "release", "share", "access"]);
  });

  test("is opened as often as was signed for, however many come at once", async () => {
    const made = await sharedClip(hub, { viewsMax: 3 });
    const answers = await Promise.all(Array.from({ length: 4 }, () => fetchShare(made.token)));
    const more = await Promise.all(Array.from({ length: 4 }, () => fetchShare(made.token)));
    const good = [...answers, ...more].filter(({ statusCode }) => statusCode === 200);
    expect(good).toHaveLength(3);
    const others = [...answers, ...more].filter(({ statusCode }) => statusCode !== 200);
    expect(others.map(({ statusCode }) => statusCode)).toEqual(Array(5).fill(404));
    const id = made.request.record.request;
    expect(kinds(id).filter((kind) => kind === "access")).toHaveLength(3);
    const list = await hub.call("GET", `/api/requests/${id}/shares`, { as: hub.owner });
    const { shares } = checkShape(ShareList, requireOk(list).json(), "list");
    expect(shares).toMatchObject([{ views: 3, viewsMax: 3, isOpen: false }]);
  });

  test("used up, over, taken back, unknown and never one: the same bytes", async () => {
    const usedUp = await sharedClip(hub, { viewsMax: 1 });
    requireOk(await fetchShare(usedUp.token));
    const over = await sharedClip(hub, { lifetimeMs: 1_000 });
    const revoked = await sharedClip(hub);
    await revoke(revoked.request.record.request);
    hub.clock.nowMs += 2_000;
    const tokens = [usedUp.token, over.token, revoked.token, "0".repeat(64), "x", ""];
    const answers = await Promise.all(tokens.map(fetchShare));
    const shown = answers.map(({ statusCode, headers, payload }) => {
      const { date: _date, ...others } = headers;
      return { statusCode, others, payload };
    });
    expect(new Set(shown.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(shown[0]?.statusCode).toBe(404);
  });

  test("of a proposal that was taken back is over", async () => {
    await using two = await startTwoOwners();
    const link = await newLink();
    const request = await typeRequest(two, { kind: "household" });
    const id = request.record.request;
    const { decision, answer } = await propose(two, request, { recipient: link.recipient });
    requireOk(answer);
    const share = await shareOf(two, { link, request: id, decision });
    requireOk(await two.call("POST", "/api/shares", { as: two.owner, body: { share } }));
    const isOpen = async (): Promise<boolean[]> => {
      const list = await two.call("GET", `/api/requests/${id}/shares`, { as: two.owner });
      return checkShape(ShareList, requireOk(list).json(), "list").shares.map((one) => one.isOpen);
    };
    expect(await isOpen()).toEqual([true]);
    await two.call("DELETE", `/api/requests/${id}/proposal`, { as: two.owner });
    expect(await isOpen()).toEqual([false]);
  });

  test("ends with its approval: the hub's copy is gone", async () => {
    const made = await sharedClip(hub);
    const id = made.request.record.request;
    await revoke(id);
    expect((await fetchShare(made.token)).statusCode).toBe(404);
    const database = new Sqlite(`${hub.dataDirectory}/doorward.db`, { readonly: true });
    const row = database
      .prepare<[string], { decision: string | null }>("SELECT decision FROM requests WHERE id = ?")
      .get(id);
    database.close();
    expect(row).toEqual({ decision: null });
  });
});

async function revoke(id: string): Promise<void> {
  const { keyring } = hub.hub.services.household;
  if (!keyring) throw new Error("nobody has claimed this hub");
  const summary = checkShape(
    RequestSummary,
    requireOk(await hub.call("GET", `/api/requests/${id}`, { as: hub.owner })).json(),
    "summary",
  );
  const signer = envelopeSigner(hub.owner.key);
  const revocation = await signRevocation(keyring, summary, hub.clock.nowMs, signer);
  const body = { revocation };
  requireOk(await hub.call("POST", `/api/requests/${id}/revocation`, { as: hub.owner, body }));
}

describe("a link is refused", () => {
  const post = async (share: unknown): Promise<unknown> =>
    (await hub.call("POST", "/api/shares", { as: hub.owner, body: { share } })).json();

  test("for an approval that is not there, or another one", async () => {
    const link = await newLink();
    const request = await typeRequest(hub, { kind: "household" });
    const id = request.record.request;
    const other = await sharedClip(hub);
    const early = await shareOf(hub, { link, request: id, decision: other.decision });
    expect(await post(early)).toMatchObject({ code: "NOT_OPEN" });
    await approve(hub, request, { clip: hub.clips[0] ?? "", recipient: link.recipient });
    expect(await post(early)).toMatchObject({ code: "SHARE_WRONG_DECISION" });
  });

  test("for a refusal: nothing is in force that it could open", async () => {
    const request = await typeRequest(hub, { kind: "household" });
    const { decision } = await refuse(hub, request);
    const id = request.record.request;
    const link = await newLink();
    const share = await shareOf(hub, { link, request: id, decision });
    expect(await post(share)).toMatchObject({ code: "NOT_OPEN" });
    expect(kinds(id)).toEqual(["request", "decision"]);
  });

  test("without an owner's own signature, or with a changed statement", async () => {
    const made = await sharedClip(hub);
    const parts = {
      link: await newLink(),
      request: made.request.record.request,
      decision: made.decision,
    };
    const adult = await hub.admit("adult");
    const foreign = await shareOf(hub, parts, {}, adult);
    expect(await post(foreign)).toMatchObject({ code: "SHARE_UNKNOWN_KEY" });
    const own = await shareOf(hub, parts);
    const content = JSON.parse(atob(own.payload)) as Record<string, unknown>;
    const changed = { ...content, viewsMax: 99 };
    const payload = btoa(
      JSON.stringify(
        Object.fromEntries(Object.entries(changed).toSorted(([a], [b]) => (a < b ? -1 : 1))),
      ),
    );
    expect(await post({ ...own, payload })).toMatchObject({ code: "SHARE_BAD_SIGNATURE" });
    expect(await post(made.decision)).toMatchObject({ code: "MALFORMED_INPUT" });
    expect(
      (await hub.call("POST", "/api/shares", { as: adult, body: { share: own } })).statusCode,
    ).toBe(403);
  });

  test("twice, with a time that is over, and beyond ten of one approval", async () => {
    const made = await sharedClip(hub);
    const request = made.request.record.request;
    expect(await post(made.share)).toMatchObject({ code: "NOT_OPEN" });
    const parts = { link: await newLink(), request, decision: made.decision };
    const late = await shareOf(hub, parts);
    hub.clock.nowMs += 16 * 60_000;
    expect(await post(late)).toMatchObject({ code: "SHARE_NOT_NOW" });
    for (let more = 1; more < 10; more += 1) {
      const share = await shareOf(hub, { ...parts, link: await newLink() });
      requireOk(await hub.call("POST", "/api/shares", { as: hub.owner, body: { share } }));
    }
    const eleventh = await shareOf(hub, { ...parts, link: await newLink() });
    expect(await post(eleventh)).toMatchObject({ code: "TOO_MANY_SHARES" });
  });
});
