import { copyFileSync, mkdirSync, statSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { openDatabase, type HubDatabase } from "../../src/base/database.ts";
import { verifyLedger } from "../../src/ledger/verify-ledger.ts";
import { generateReader } from "../../src/owner/identity.ts";
import type { RequestSummary } from "../../src/protocol/api.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { approve, decide, prepareRefusal, typeRequest } from "../support/test-consent.ts";
import { firstClip, requireOk } from "../support/test-hub.ts";
import {
  cosignature,
  propose,
  proposed,
  revokeAs,
  sendCosignature,
  startTwoOwners,
  summaryOf,
  type TwoOwners,
} from "../support/two-owners.ts";

const { recipient } = await generateReader("x25519");
const WINDOW_MS = 3_600_000;

/** Entries about a request that must be there in each state, no more and no fewer. */
const ENTRIES: Readonly<Record<string, readonly string[]>> = {
  received: ["request"],
  refused: ["request", "decision"],
  withdrawn: ["request", "decision"],
  approved: ["request", "decision"],
  packaged: ["request", "decision", "release"],
};

interface Found {
  readonly state: string;
  readonly decision: string | null;
  readonly nonce: string | null;
  readonly nonce_spent_at_ms: number | null;
  readonly proposal_nonce: string | null;
  readonly signatures: number;
}

/**
 * Copies the database's files at every statement, before and after it: that is what is on the disk
 * for whoever is killed there (kill -9 loses nothing that was written to a file).
 */
async function atEveryStatement(
  hub: TwoOwners,
  to: string,
  work: () => unknown,
): Promise<string[]> {
  await using probe = openDatabase(path.join(hub.dataDirectory, "doorward.db"));
  const shared = Object.getPrototypeOf(probe.prepare("SELECT 1")) as Record<
    "run" | "get",
    (...parameters: unknown[]) => unknown
  >;
  const originals = { run: shared.run, get: shared.get };
  const copies: string[] = [];
  let before = "";
  const copy = (): void => {
    const stamp = ["doorward.db", "doorward.db-wal"]
      .map((name) => statSync(path.join(hub.dataDirectory, name), { bigint: true }))
      .map(({ size, mtimeNs }) => `${size} ${mtimeNs}`)
      .join();
    // Nothing was written since: killed here, one finds the same.
    if (stamp === before) return;
    before = stamp;
    const folder = path.join(to, `${copies.length}`);
    mkdirSync(folder);
    for (const name of ["doorward.db", "doorward.db-wal"])
      copyFileSync(path.join(hub.dataDirectory, name), path.join(folder, name));
    copies.push(folder);
  };
  for (const name of ["run", "get"] as const)
    shared[name] = function cutOff(this: unknown, ...parameters: unknown[]) {
      if (name === "run") copy();
      const result = originals[name].apply(this, parameters);
      copy();
      return result;
    };
  try {
    await work();
  } finally {
    Object.assign(shared, originals);
  }
  return copies;
}

/** What somebody finds who starts the hub again from such a copy. */
async function look(folder: string, request: RequestSummary): Promise<string> {
  await using database = openDatabase(path.join(folder, "doorward.db"));
  expect(verifyLedger(database)).toMatchObject({ holds: true });
  const { request: id } = request.record;
  const found = rowOf(database, id);
  const kinds = database
    .prepare<[], { entry: Buffer }>("SELECT entry FROM ledger_entries ORDER BY idx")
    .all()
    .map(({ entry }) => JSON.parse(entry.toString()) as { kind: string; request?: string })
    .filter((entry) => entry.request === id)
    .map(({ kind }) => kind);
  const ended = found.state === "revoked" || found.state === "lapsed";
  if (ended) {
    expect(kinds.at(-1)).toBe("revocation");
    expect(found.decision).toBeNull();
  } else expect(kinds, found.state).toEqual(ENTRIES[found.state]);
  if (["approved", "packaged"].includes(found.state)) expect(found.decision).not.toBeNull();
  const isOpen = found.state === "received";
  expect(found.nonce_spent_at_ms === null).toBe(isOpen || found.state === "withdrawn");
  if (!isOpen) expect(found.proposal_nonce).toBeNull();
  // In one place or the other, never in both: one nonce, one decision.
  if (found.proposal_nonce !== null) expect(found.nonce).not.toBe(found.proposal_nonce);
  return isOpen ? `received, ${found.signatures} signed` : found.state;
}

function rowOf(database: HubDatabase, id: string): Found {
  const found = database
    .prepare<[string], Found>(
      `SELECT state, decision, requests.nonce, nonce_spent_at_ms, proposals.nonce AS proposal_nonce,
         coalesce(json_array_length(envelope, '$.signatures'), 0) AS signatures
       FROM requests LEFT JOIN proposals ON request = id WHERE id = ?`,
    )
    .get(id);
  if (!found) throw new Error("the request itself is gone");
  return found;
}

type Step = (hub: TwoOwners) => Promise<{
  readonly request: RequestSummary;
  readonly work: () => unknown;
}>;

const approved = async (hub: TwoOwners): Promise<RequestSummary> => {
  const request = await typeRequest(hub, { recipient });
  await approve(hub, request, { clip: firstClip(hub) });
  return request;
};

const STEPS: readonly [string, Parameters<typeof startTwoOwners>[0], readonly string[], Step][] = [
  [
    "proposing",
    {},
    ["received, 0 signed", "received, 1 signed"],
    async (hub) => {
      const request = await typeRequest(hub, { recipient });
      return { request, work: async () => requireOk((await propose(hub, request)).answer) };
    },
  ],
  [
    "the second of three signatures",
    { exportSigners: 3 },
    ["received, 1 signed", "received, 2 signed"],
    async (hub) => {
      const { request, decision } = await proposed(hub, recipient);
      return { request, work: await cosigning(hub, request, decision) };
    },
  ],
  [
    "the last signature",
    {},
    ["received, 1 signed", "approved", "packaged"],
    async (hub) => {
      const { request, decision } = await proposed(hub, recipient);
      return { request, work: await cosigning(hub, request, decision) };
    },
  ],
  [
    "the last signature, with a veto window",
    { vetoWindowMs: WINDOW_MS },
    ["received, 1 signed", "approved"],
    async (hub) => {
      const { request, decision } = await proposed(hub, recipient);
      return { request, work: await cosigning(hub, request, decision) };
    },
  ],
  [
    "refusing what was proposed",
    {},
    ["received, 1 signed", "refused"],
    async (hub) => {
      const { request } = await proposed(hub, recipient);
      const { decision } = await prepareRefusal(hub, request.record.request, hub.partner);
      return {
        request,
        work: async () => requireOk(await decide(hub, request.record.request, decision)),
      };
    },
  ],
  [
    "the end of a veto window",
    { exportSigners: 1, vetoWindowMs: WINDOW_MS },
    ["approved", "packaged"],
    async (hub) => {
      const request = await approved(hub);
      hub.clock.ranMs += WINDOW_MS;
      return { request, work: () => hub.hub.services.decisions.settle() };
    },
  ],
  [
    "a veto",
    { exportSigners: 1, vetoWindowMs: WINDOW_MS },
    ["approved", "revoked"],
    async (hub) => {
      const request = await approved(hub);
      return { request, work: async () => requireOk(await revokeAs(hub, request, hub.partner)) };
    },
  ],
  [
    "taking back",
    { exportSigners: 1 },
    ["packaged", "revoked"],
    async (hub) => {
      const request = await approved(hub);
      return { request, work: async () => requireOk(await revokeAs(hub, request)) };
    },
  ],
  [
    "lapsing",
    { exportSigners: 1 },
    ["packaged", "lapsed"],
    async (hub) => {
      const request = await approved(hub);
      hub.clock.nowMs += 32 * 86_400_000;
      return { request, work: () => hub.hub.services.decisions.settle() };
    },
  ],
  [
    "withdrawing",
    {},
    ["received, 1 signed", "withdrawn"],
    async (hub) => {
      const { request } = await proposed(hub, recipient);
      const { decisions, requests } = hub.hub.services;
      const id = requests.list(1, Number.MAX_SAFE_INTEGER)[0]?.id;
      return { request, work: () => id && decisions.withdraw(id) };
    },
  ],
];

async function cosigning(
  hub: TwoOwners,
  request: RequestSummary,
  decision: Parameters<typeof cosignature>[1],
): Promise<() => Promise<unknown>> {
  const decisionSha256 = (await summaryOf(hub, request)).proposal?.decisionSha256 ?? "";
  const signature = await cosignature(hub, decision, hub.partner);
  return async () =>
    requireOk(await sendCosignature(hub, request, { decisionSha256, signature }, hub.partner));
}

test.each(STEPS)(
  "killed at any statement of %s, there is the entry with its effect, or neither",
  async (_name, policy, states, step) => {
    await using folder = temporaryFolder();
    await using hub = await startTwoOwners({ ...policy, exportSigners: 1 });
    if ((policy?.exportSigners ?? 2) > 2) await hub.admit("owner");
    await hub.change({
      kind: "policy",
      policy: { exportSigners: 2, keyringSigners: 1, vetoWindowMs: 0, ...policy },
    });
    const { request, work } = await step(hub);
    const copies = await atEveryStatement(hub, folder.path, work);
    expect(copies.length).toBeGreaterThan(1);
    const found: string[] = [];
    for (const copy of copies) {
      const state = await look(copy, request);
      if (found.at(-1) !== state) found.push(state);
    }
    expect(found).toEqual(states);
  },
);
