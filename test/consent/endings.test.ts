import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openBundle } from "../../src/consent/bundle.ts";
import { envelopeSigner, generateReader, generateSigningKey } from "../../src/owner/identity.ts";
import { signRevocation } from "../../src/owner/revocation.ts";
import type { RequestSummary } from "../../src/protocol/api.ts";
import { parseClipId, parseRequestId } from "../../src/protocol/ids.ts";
import { reportFigures } from "../../src/protocol/report.ts";
import { approve, statusPath, typeRequest } from "../support/test-consent.ts";
import {
  firstClip,
  logInAgain,
  requireOk,
  startTestHub,
  type TestHub,
} from "../support/test-hub.ts";
import {
  codeOf,
  cosignAs,
  decisionOf,
  entriesOf,
  fetched,
  propose,
  proposed,
  revokeAs,
  startTwoOwners,
  stateOf,
  summaryOf,
  type TwoOwners,
} from "../support/two-owners.ts";

const { recipient } = await generateReader("x25519");
const DAY_MS = 86_400_000;
const WINDOW_MS = DAY_MS;

const kindsOf = (hub: TestHub, request: RequestSummary): string[] =>
  entriesOf(hub, request).map(({ kind }) => kind);
const settle = (hub: TestHub): void => {
  hub.hub.services.decisions.settle();
};

/** Everything that the database has ever written and not overwritten. */
function onDisk({ dataDirectory }: TestHub): string {
  return ["doorward.db", "doorward.db-wal"]
    .map((name) => readFileSync(path.join(dataDirectory, name)).toString("latin1"))
    .join("");
}

describe("a veto window", () => {
  let hub: TwoOwners;
  beforeAll(async () => {
    hub = await startTwoOwners({ exportSigners: 1, vetoWindowMs: WINDOW_MS });
  });
  afterAll(() => hub[Symbol.asyncDispose]());

  async function approved(): Promise<RequestSummary> {
    await logInAgain(hub, hub.partner);
    const request = await typeRequest(hub, { recipient });
    await approve(hub, request, { clip: firstClip(hub) });
    return request;
  }

  test("holds back what was approved until it is over, and then it leaves by itself", async () => {
    const request = await approved();
    const { state, leavesAtMs } = await summaryOf(hub, request);
    expect([state, leavesAtMs]).toEqual(["approved", hub.clock.nowMs + WINDOW_MS]);
    expect(kindsOf(hub, request)).toEqual(["request", "decision"]);
    hub.clock.ranMs += WINDOW_MS - 1;
    settle(hub);
    expect(await fetched(hub, request)).toBe(404);
    hub.clock.ranMs += 1;
    settle(hub);
    expect(kindsOf(hub, request)).toEqual(["request", "decision", "release"]);
    expect(await fetched(hub, request)).toBe(200);
  });

  test("does not get shorter when the clock is set ahead", async () => {
    const request = await approved();
    hub.clock.nowMs += 20 * DAY_MS;
    settle(hub);
    // The sessions are over by then.
    const owner = await hub.logIn(hub.owner.bundle);
    hub = { ...hub, owner, partner: await hub.logIn(hub.partner.bundle) };
    expect(await stateOf(hub, request)).toBe("approved");
    expect(await fetched(hub, request)).toBe(404);
  });

  test("lets any owner stop it, the other one included: the entry is there, and nothing ever left", async () => {
    const request = await approved();
    requireOk(await revokeAs(hub, request, hub.partner));
    expect(await stateOf(hub, request)).toBe("revoked");
    hub.clock.ranMs += 2 * WINDOW_MS;
    settle(hub);
    expect(kindsOf(hub, request)).toEqual(["request", "decision", "revocation"]);
    expect(await fetched(hub, request)).toBe(404);
    expect(codeOf(await revokeAs(hub, request).catch(() => refusedByDevice))).toBe("NOT_OPEN");
  });
});

/** What {@link codeOf} reads where the device itself would not sign. */
const refusedByDevice = { json: () => ({ code: "NOT_OPEN" }) } as never;

test("a veto window goes on where it was after a restart, and is not over by it", async () => {
  const first = await startTwoOwners({ exportSigners: 1, vetoWindowMs: WINDOW_MS });
  const { dataDirectory, owner } = first;
  const request = await typeRequest(first, { recipient });
  await approve(first, request, { clip: firstClip(first) });
  first.clock.ranMs += WINDOW_MS / 2;
  // The count is written down by the run that looks after space, as every ten seconds.
  await first.hub.services.retention.run();
  await first.hub[Symbol.asyncDispose]();
  await using again = await startTestHub({
    dataDirectory,
    owner: owner.bundle,
    nowMs: first.clock.nowMs + DAY_MS,
  });
  expect(await stateOf(again, request)).toBe("approved");
  again.clock.ranMs += WINDOW_MS / 2 - 1;
  await logInAgain(again);
  settle(again);
  expect(await stateOf(again, request)).toBe("approved");
  again.clock.ranMs += 1;
  settle(again);
  expect(await stateOf(again, request)).toBe("packaged");
});

describe("taking back what was approved", () => {
  let hub: TwoOwners;
  beforeAll(async () => {
    hub = await startTwoOwners({ exportSigners: 1 });
  });
  afterAll(() => hub[Symbol.asyncDispose]());

  test("ends the fetching, with a signed entry, and the address looks as if it never was", async () => {
    const request = await typeRequest(hub, { recipient });
    await approve(hub, request, { clip: firstClip(hub) });
    expect(await fetched(hub, request)).toBe(200);
    const answer = requireOk(await revokeAs(hub, request));
    expect(answer.json()).toMatchObject({ state: "revoked" });
    const unknown = await hub.call("GET", `/status/${"f".repeat(64)}`);
    const gone = await hub.call("GET", statusPath(request));
    expect([gone.statusCode, gone.body]).toEqual([unknown.statusCode, unknown.body]);
    const [, decision, , , revocation] = entriesOf(hub, request);
    expect(revocation).toMatchObject({
      v: 2,
      kind: "revocation",
      decisionSha256: decision?.kind === "decision" ? decision.decisionSha256 : "",
      revocationSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const figures = reportFigures(hub.hub.services.ledger.entries().map(({ entry }) => entry));
    expect(figures).toMatchObject({ outOfPlace: 0, disclosuresWithoutApproval: 0 });
  });

  test("destroys the hub's copy of the release headers, in the database and its log", async () => {
    const request = await typeRequest(hub, { recipient });
    const { decision } = await approve(hub, request, { clip: firstClip(hub) });
    const { payload } = decision;
    // The headers come first in the payload, which is stored in base64; the terms may stay.
    const releaseLength = (JSON.stringify(decisionOf(decision).release).length * 4) / 3;
    const pieces = Array.from({ length: Math.floor(releaseLength / 400) }, (_, at) =>
      payload.slice(at * 400 + 40, at * 400 + 100),
    );
    expect(pieces.length).toBeGreaterThan(2);
    expect(pieces.filter((piece) => onDisk(hub).includes(piece)).length).toBe(pieces.length);
    requireOk(await revokeAs(hub, request));
    const left = onDisk(hub);
    expect(pieces.filter((piece) => left.includes(piece))).toEqual([]);
  });

  test("stops who is just fetching it, and keeps nothing of it in memory", async () => {
    const request = await typeRequest(hub, { recipient });
    await approve(hub, request, { clip: firstClip(hub) });
    const { requests, decisions, bundles } = hub.hub.services;
    const stored = requests.get(parseRequestId(request.record.request));
    const approval = stored && decisions.approvalOf(stored);
    if (!stored || !approval) throw new Error("nothing was released");
    const open = (etag?: string) => openBundle(approval, stored, bundles, etag);
    const bundle = await open();
    const { etag } = bundle;
    expect((await open(etag)).etag).toBe(etag);
    const slow = bundle.read(0);
    expect((await slow.next()).done).toBe(false);
    requireOk(await revokeAs(hub, request));
    await expect(slow.next()).rejects.toMatchObject({ code: "NOT_OPEN" });
    // Made anew it names a later checkpoint: what was kept for whoever is cut off is gone.
    expect((await open(etag)).etag).not.toBe(etag);
  });

  test("does so for a proposal that was taken back, too", async () => {
    await using two = await startTwoOwners();
    const { request, decision } = await proposed(two, recipient);
    const piece = decision.payload.slice(800, 860);
    expect(onDisk(two)).toContain(piece);
    const url = `/api/requests/${request.record.request}/proposal`;
    expect((await two.call("DELETE", url, { as: two.owner })).statusCode).toBe(204);
    expect(onDisk(two)).not.toContain(piece);
  });

  test("does so for a proposal whose request was taken back, too", async () => {
    await using two = await startTwoOwners();
    const { request, decision } = await proposed(two, recipient);
    const piece = decision.payload.slice(800, 860);
    expect(onDisk(two)).toContain(piece);
    const url = `/api/requests/${request.record.request}/withdrawal`;
    requireOk(await two.call("POST", url, { as: two.owner, body: {} }));
    expect(onDisk(two)).not.toContain(piece);
  });

  test("does so for a proposal whose request expires, too", async () => {
    await using two = await startTwoOwners();
    const { request, decision } = await proposed(two, recipient);
    const piece = decision.payload.slice(800, 860);
    expect(onDisk(two)).toContain(piece);
    two.clock.nowMs = request.record.expiresAtMs;
    const { requests, household } = two.hub.services;
    expect(requests.expireDue(household.keyring?.head ?? ("" as never))).toBe(1);
    expect(onDisk(two)).not.toContain(piece);
  });

  test("takes one owner in force, this approval, this keyring and this hour", async () => {
    const request = await typeRequest(hub, { recipient });
    await approve(hub, request, { clip: firstClip(hub) });
    const other = await typeRequest(hub, { recipient });
    await approve(hub, other, { clip: firstClip(hub) });
    const adult = await hub.admit("adult");
    const { keyring } = hub.hub.services.household;
    if (!keyring) throw new Error("nobody has claimed this hub");
    const [now, otherNow] = [await summaryOf(hub, request), await summaryOf(hub, other)];
    const by = envelopeSigner(hub.owner.key);
    const { nowMs } = hub.clock;
    const cases: [string, Promise<unknown>][] = [
      ["REVOCATION_UNKNOWN_KEY", signRevocation(keyring, now, nowMs, envelopeSigner(adult.key))],
      [
        "REVOCATION_UNKNOWN_KEY",
        signRevocation(keyring, now, nowMs, envelopeSigner(generateSigningKey())),
      ],
      ["REVOCATION_WRONG_DECISION", signRevocation(keyring, otherNow, nowMs, by)],
      [
        "REVOCATION_WRONG_DECISION",
        signRevocation(keyring, { ...now, decisionSha256: "0".repeat(64) }, nowMs, by),
      ],
      [
        "REVOCATION_WRONG_ORIGIN",
        signRevocation({ ...keyring, origin: "doorward/x" }, now, nowMs, by),
      ],
      ["REVOCATION_WRONG_KEYRING", signRevocation({ ...keyring, epoch: 0 }, now, nowMs, by)],
      ["REVOCATION_NOT_NOW", signRevocation(keyring, now, nowMs - 16 * 60_000, by)],
      ["REVOCATION_NOT_NOW", signRevocation(keyring, now, nowMs + 3 * 60_000, by)],
      [
        "REVOCATION_BAD_SIGNATURE",
        signRevocation(keyring, now, nowMs, { ...by, sign: async () => new Uint8Array(64) }),
      ],
    ];
    const url = `/api/requests/${request.record.request}/revocation`;
    for (const [code, envelope] of cases) {
      const body = { revocation: await envelope };
      expect(codeOf(await hub.call("POST", url, { as: hub.owner, body }))).toBe(code);
    }
    const { decision } = await proposedOnItsOwn(hub);
    const body = { revocation: decision };
    expect(codeOf(await hub.call("POST", url, { as: hub.owner, body }))).toBe(
      "REVOCATION_MALFORMED",
    );
    expect(await fetched(hub, request)).toBe(200);
  });
});

async function proposedOnItsOwn(hub: TestHub) {
  const request = await typeRequest(hub, { recipient });
  return propose(hub, request);
}

describe("until when it can be fetched", () => {
  test("is part of what was signed: afterwards it lapses, with its entry and without its keys", async () => {
    await using hub = await startTestHub({ clips: 1 });
    const request = await typeRequest(hub, { recipient });
    const { terms } = await approve(hub, request, { clip: firstClip(hub) });
    const { availableUntilMs = 0 } = terms;
    expect(availableUntilMs).toBe(terms.notAfterMs + 30 * DAY_MS);
    const clip = parseClipId(firstClip(hub));
    expect(() => hub.hub.services.retention.remove(clip)).toThrow(/may still fetch/);
    hub.clock.nowMs = availableUntilMs - 1;
    settle(hub);
    expect(await fetched(hub, request)).toBe(200);
    hub.clock.nowMs = availableUntilMs;
    // Nothing is handed out from this moment on, whenever the hub gets to ending it.
    expect(await fetched(hub, request)).toBe(404);
    settle(hub);
    const again = { ...hub, owner: await hub.logIn(hub.owner.bundle) };
    expect(await stateOf(again, request)).toBe("lapsed");
    expect(entriesOf(hub, request).at(-1)).toMatchObject({
      kind: "revocation",
      revocationSha256: null,
    });
    // The recording goes its way again.
    expect(() => hub.hub.services.retention.remove(clip)).not.toThrow();
    settle(hub);
    expect(kindsOf(hub, request).filter((kind) => kind === "revocation")).toHaveLength(1);
  });

  test("ends as well where the clock was set back, by the time the hub has run", async () => {
    await using hub = await startTestHub({ clips: 1 });
    const request = await typeRequest(hub, { recipient });
    await approve(hub, request, { clip: firstClip(hub) });
    hub.clock.nowMs -= 3_600_000;
    hub.clock.ranMs += 31 * DAY_MS;
    await logInAgain(hub);
    expect(await fetched(hub, request)).toBe(404);
    settle(hub);
    expect(await stateOf(hub, request)).toBe("lapsed");
  });
});

test("with a quorum and a veto window both, the window begins with the last signature", async () => {
  await using hub = await startTwoOwners({ vetoWindowMs: WINDOW_MS });
  const { request, terms } = await proposed(hub, recipient);
  expect(terms.availableUntilMs).toBe(request.record.expiresAtMs + WINDOW_MS + 30 * DAY_MS);
  hub.clock.ranMs += 3 * WINDOW_MS;
  await logInAgain(hub, hub.partner);
  settle(hub);
  expect(await stateOf(hub, request)).toBe("received");
  requireOk(await cosignAs(hub, request, hub.partner));
  settle(hub);
  expect(await stateOf(hub, request)).toBe("approved");
  hub.clock.ranMs += WINDOW_MS;
  await logInAgain(hub, hub.partner);
  settle(hub);
  expect(await fetched(hub, request)).toBe(200);
});
