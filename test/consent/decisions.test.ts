import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import { generateReader } from "../../src/owner/identity.ts";
import type { RequestSummary } from "../../src/protocol/api.ts";
import { DECISION_LIFETIME_MS } from "../../src/protocol/limits.ts";
import type { Terms } from "../../src/protocol/decision.ts";
import {
  approve,
  decide,
  draftApproval,
  fill,
  makeForm,
  prepareApproval,
  signTerms,
  statusPath,
  typeRequest,
} from "../support/test-consent.ts";
import { newReaders } from "../support/test-household.ts";
import { firstClip, requireOk, startTestHub, type TestHub } from "../support/test-hub.ts";

const { recipient } = await generateReader("x25519");

const codeOf = (answer: { json: () => unknown }): string =>
  (answer.json() as { code?: string }).code ?? "accepted";

describe("a nonce", () => {
  let hub: TestHub;
  beforeAll(async () => {
    hub = await startTestHub({ clips: 1 });
  });
  afterAll(() => hub[Symbol.asyncDispose]());

  const draft = (request: RequestSummary): Promise<Terms> =>
    draftApproval(hub, request.record.request, { clip: firstClip(hub), segments: [0, 0] });
  const send = async (request: RequestSummary, terms: Terms): Promise<string> =>
    codeOf(await decide(hub, request.record.request, await signTerms(hub, terms)));

  test("is good for one decision: the newest, within fifteen minutes, whatever the terms say", async () => {
    const request = await typeRequest(hub, { recipient });
    const older = await draft(request);
    const newer = await draft(request);
    expect(newer.nonce).not.toBe(older.nonce);
    expect(await send(request, older)).toBe("DECISION_BAD_NONCE");
    // A signer may write any time into his terms; the hub keeps its own.
    const patient = { ...newer, notAfterMs: request.record.expiresAtMs };
    hub.clock.nowMs += DECISION_LIFETIME_MS + 1;
    expect(await send(request, patient)).toBe("NOT_OPEN");
    const fresh = await draft(request);
    hub.clock.nowMs += DECISION_LIFETIME_MS;
    expect(await send(request, fresh)).toBe("accepted");
  });

  test("is spent with its decision: the row says when, and the decision does not count twice", async () => {
    const request = await typeRequest(hub, { recipient });
    const terms = await draft(request);
    const decision = await signTerms(hub, terms);
    const { request: id } = request.record;
    expect(codeOf(await decide(hub, id, decision))).toBe("accepted");
    expect(codeOf(await decide(hub, id, decision))).toBe("NOT_OPEN");
    await using database = openDatabase(path.join(hub.dataDirectory, "doorward.db"));
    const spent = database
      .prepare("SELECT nonce = ? AND nonce_spent_at_ms = decided_at_ms FROM requests WHERE id = ?")
      .pluck();
    expect(spent.get(terms.nonce, id)).toBe(1);
    // Even where somebody opens the request again in the database, its nonce stays spent.
    database.prepare("UPDATE requests SET state = 'received' WHERE id = ?").run(id);
    expect(codeOf(await decide(hub, id, decision))).toBe("DECISION_BAD_NONCE");
  });

  test("of one request is not good for another", async () => {
    const [one, other] = [
      await typeRequest(hub, { recipient }),
      await typeRequest(hub, { recipient }),
    ];
    const terms = await draft(one);
    await draft(other);
    const moved = {
      ...terms,
      request: other.record.request,
      requestSha256: other.recordSha256,
    };
    expect(await send(other, moved)).toBe("DECISION_BAD_NONCE");
  });
});

describe("an approval that was accepted", () => {
  test("stands when its signer is removed later, and a decision signed before that does not", async () => {
    await using hub = await startTestHub({ clips: 1 });
    const partner = await hub.admit("owner");
    const clip = firstClip(hub);
    const [done, late] = [
      await typeRequest(hub, { recipient }),
      await typeRequest(hub, { recipient }),
    ];
    await approve(hub, done, { clip, by: partner });
    const prepared = await prepareApproval(hub, late.record.request, { clip, by: partner });
    const readers = await newReaders(hub.hub.services.household.keyring);
    await hub.change({ kind: "remove", device: partner.key.device, readers });
    expect((await hub.call("GET", statusPath(done))).statusCode).toBe(200);
    const refused = await decide(hub, late.record.request, prepared.decision);
    expect(codeOf(refused)).toBe("DECISION_WRONG_KEYRING");
    expect((await hub.call("GET", statusPath(late))).statusCode).toBe(404);
  });

  test("is there after a restart, byte for byte but for newer witnesses", async () => {
    await using hub = await startTestHub({ clips: 1 });
    const request = await typeRequest(hub, { recipient });
    await approve(hub, request, { clip: firstClip(hub), segments: [0, 0] });
    const fetched = async (): Promise<Buffer> =>
      requireOk(await hub.call("GET", statusPath(request))).rawPayload;
    const [first, second] = [await fetched(), await fetched()];
    // Only the checkpoint moves on, with the access that was entered in between.
    expect(second.length).toBeGreaterThan(0);
    expect(first.subarray(0, 40)).toEqual(second.subarray(0, 40));
  });
});

describe("what comes in has an end", () => {
  test("two hundred requests may wait, then no form is taken and none is spent", async () => {
    await using hub = await startTestHub();
    const body = await fill(await makeForm(hub), { recipient });
    for (let count = 0; count < 200; count += 1) await typeRequest(hub);
    const take = () => hub.call("POST", "/api/requests/import", { as: hub.owner, body });
    const full = await take();
    expect([full.statusCode, codeOf(full)]).toEqual([429, "TOO_MANY_REQUESTS_OPEN"]);
    hub.clock.nowMs += 14 * 86_400_000;
    const { household, requests } = hub.hub.services;
    if (household.keyring) requests.expireDue(household.keyring.head);
    // The form was made for an hour, so it has expired as well; a new one is taken again.
    const again = { ...hub, owner: await hub.logIn(hub.owner.bundle) };
    const fresh = await fill(await makeForm(again), { recipient });
    requireOk(await again.call("POST", "/api/requests/import", { as: again.owner, body: fresh }));
  });

  test("five hundred forms may be out, for at most thirty days each", async () => {
    await using hub = await startTestHub();
    await expect(makeForm(hub, 30 * 86_400_000 + 1)).rejects.toThrow(/EXPIRY_OUT_OF_RANGE/);
    await expect(makeForm(hub, 0)).rejects.toThrow(/EXPIRY_OUT_OF_RANGE/);
    for (let count = 0; count < 500; count += 1) await makeForm(hub, 30 * 86_400_000);
    await expect(makeForm(hub)).rejects.toThrow(/TOO_MANY_FORMS/);
  });
});
