import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generateReader } from "../../src/owner/identity.ts";
import type { RequestSummary } from "../../src/protocol/api.ts";
import { REQUEST_EXPIRY_MS } from "../../src/protocol/limits.ts";
import {
  approve,
  decide,
  fill,
  makeForm,
  prepareApproval,
  refuse,
  requestDocument,
  statusPath,
  typeRequest,
} from "../support/test-consent.ts";
import { firstClip, requireOk, startTestHub, type TestHub } from "../support/test-hub.ts";

// Invariant 6: refusal is the default and is final.

const { recipient } = await generateReader("x25519");

function stateOf(hub: TestHub, request: RequestSummary): string {
  const rows = hub.hub.services.requests.list(500);
  return rows.find(({ id }) => id === request.record.request)?.state ?? "unknown";
}

/** What the hub does every ten seconds. */
function expireDue({ hub }: TestHub): void {
  const { household, requests } = hub.services;
  if (household.keyring) requests.expireDue(household.keyring.head);
}

describe("to the requester every no is the same", () => {
  let hub: TestHub;
  const paths = new Map<string, string>();
  beforeAll(async () => {
    hub = await startTestHub({ clips: 1, outside: true });
    const expired = await typeRequest(hub, { recipient });
    paths.set("expired", statusPath(expired));
    hub.clock.nowMs += REQUEST_EXPIRY_MS;
    expireDue(hub);
    if (stateOf(hub, expired) !== "expired") throw new Error("nothing has expired");
    hub = { ...hub, owner: await hub.logIn(hub.owner.bundle) };
    const refused = await typeRequest(hub, { recipient });
    await refuse(hub, refused);
    paths.set("refused", statusPath(refused));
    paths.set("waiting", statusPath(await typeRequest(hub, { recipient })));
    paths.set("form not sent yet", new URL((await makeForm(hub)).statusUrl).pathname);
    const overdue = await typeRequest(hub, { recipient });
    paths.set("overdue, and nobody has noticed yet", statusPath(overdue));
    const nothing = requestDocument().sought;
    const sought = { ...nothing, from: "2001-01-01T00:00:00Z", to: "2001-01-02T00:00:00Z" };
    paths.set("no such footage", statusPath(await typeRequest(hub, { recipient, sought })));
    paths.set("never asked", `/status/${"0".repeat(64)}`);
    paths.set("no token at all", "/status/x");
    paths.set("another page", "/nothing/here");
  });
  afterAll(() => hub[Symbol.asyncDispose]());

  test.each(["GET", "HEAD"] as const)(
    "the same status, the same headers but the date, the same bytes (%s)",
    async (method) => {
      const answers = new Map<string, string>();
      for (const [what, path] of paths) {
        const { statusCode, headers, body } = await hub.call(method, path);
        const { date: _date, ...others } = headers;
        answers.set(what, JSON.stringify([statusCode, others, body]));
      }
      expect(new Set(answers.values()).size, JSON.stringify([...answers], null, 1)).toBe(1);
      expect([...answers.values()][0]).toContain("404");
    },
  );

  test("over a real connection and on the outside listener, byte for byte", async () => {
    for (const url of [hub.hub.url, hub.hub.outsideUrl ?? ""]) {
      const answers = new Set<string>();
      for (const path of paths.values()) {
        const answer = await fetch(`${url}${path}`);
        const headers = [...answer.headers].filter(([name]) => name !== "date");
        answers.add(JSON.stringify([answer.status, headers, await answer.text()]));
      }
      expect(answers.size).toBe(1);
    }
  });

  test("says nothing of the request, of who asked, or of the words of a refusal", async () => {
    const { body } = await hub.call("GET", paths.get("refused") ?? "");
    expect(JSON.parse(body)).toEqual({ code: "NOT_FOUND", message: "There is nothing here" });
  });

  test("the same also when a released recording has vanished or was altered on the disk", async () => {
    const unknown = await hub.call("GET", paths.get("never asked") ?? "");
    const request = await typeRequest(hub, { recipient });
    const clip = await hub.record();
    await approve(hub, request, { clip, segments: [0, 0] });
    requireOk(await hub.call("GET", statusPath(request)));
    const { clips } = hub.hub.services;
    const [file] = clips
      .files(clip)
      .filter(({ segment, track }) => segment === 0 && track === "video");
    if (!file) throw new Error("no file");
    const path = clips.pathOf(clip, file);
    const bytes = readFileSync(path);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const altered = await hub.call("GET", statusPath(request));
    rmSync(path);
    const gone = await hub.call("GET", statusPath(request));
    for (const answer of [altered, gone]) {
      expect([answer.statusCode, answer.body]).toEqual([404, unknown.body]);
      expect(Object.keys(answer.headers)).toEqual(Object.keys(unknown.headers));
    }
  });
});

describe("a no is final", () => {
  test("a refused request takes no approval, whenever it was signed", async () => {
    await using hub = await startTestHub({ clips: 1 });
    const request = await typeRequest(hub, { recipient });
    const id = request.record.request;
    const early = await prepareApproval(hub, id, { clip: firstClip(hub) });
    await refuse(hub, request);
    const answer = await decide(hub, id, early.decision);
    expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([409, "NOT_OPEN"]);
    const nonce = await hub.call("POST", `/api/requests/${id}/nonce`, { as: hub.owner, body: {} });
    expect(nonce.statusCode).toBe(409);
    expect(stateOf(hub, request)).toBe("refused");
    expect((await hub.call("GET", statusPath(request))).statusCode).toBe(404);
    expect(hub.ledgerKinds()).not.toContain("release");
  });

  test("nothing expires into a yes, and what has expired cannot be approved any more", async () => {
    await using hub = await startTestHub({ clips: 1 });
    const request = await typeRequest(hub, { recipient });
    const id = request.record.request;
    hub.clock.nowMs += REQUEST_EXPIRY_MS - 60_000;
    const owner = await hub.logIn(hub.owner.bundle);
    const late = await prepareApproval({ ...hub, owner }, id, { clip: firstClip(hub) });
    hub.clock.nowMs += 60_000;
    // Before the hub has written it down, it is over already.
    const overdue = await decide(hub, id, late.decision, owner);
    expect(overdue.json<{ code: string }>().code).toBe("NOT_OPEN");
    expireDue(hub);
    expect(stateOf(hub, request)).toBe("expired");
    expect((await decide(hub, id, late.decision, owner)).statusCode).toBe(409);
    expect((await hub.call("GET", statusPath(request))).statusCode).toBe(404);
    const outcomes = hub.hub.services.ledger
      .entries({ kind: "decision" })
      .map(({ entry }) => (entry.kind === "decision" ? entry.outcome : ""));
    expect(outcomes).toEqual(["expired"]);
  });

  test("ignored for a year, in every combination of labels, it stays unreleased", async () => {
    await using hub = await startTestHub({ clips: 1 });
    const requests = [];
    for (const kind of ["police_emergency", "search_warrant", "court_order", "victim"] as const)
      for (const urgency of ["normal", "emergency"] as const)
        requests.push(
          await typeRequest(hub, { kind, urgency, recipient, deadline: "2026-11-22T00:00:00Z" }),
        );
    for (let month = 0; month < 12; month += 1) {
      hub.clock.nowMs += 30 * 86_400_000;
      expireDue(hub);
      hub.hub.services.decisions.settle();
      for (const request of requests) {
        expect(stateOf(hub, request)).toBe("expired");
        expect((await hub.call("GET", statusPath(request))).statusCode).toBe(404);
      }
    }
    expect(hub.ledgerKinds()).not.toContain("release");
  });

  test("an edited request is a new one: the form is spent, and the old answer does not fit", async () => {
    await using hub = await startTestHub({ clips: 1 });
    const form = await makeForm(hub);
    const first = await fill(form, { recipient });
    requireOk(await hub.call("POST", "/api/requests/import", { as: hub.owner, body: first }));
    const second = await fill(form, { recipient, kind: "search_warrant" });
    const again = await hub.call("POST", "/api/requests/import", { as: hub.owner, body: second });
    expect(again.statusCode).toBe(410);
    expect(hub.ledgerKinds().filter((kind) => kind === "request")).toHaveLength(1);
  });
});
