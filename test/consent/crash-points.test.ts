import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type BetterSqlite3 from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDatabase, type HubDatabase } from "../../src/base/database.ts";
import { verifyLedger } from "../../src/ledger/verify-ledger.ts";
import { fromBase64 } from "../../src/protocol/bytes.ts";
import { PAYLOAD_TYPES } from "../../src/protocol/envelope.ts";
import { FIRST_EPOCH, prepareGround, type Ground } from "../model/ground.ts";
import { World } from "../model/world.ts";

// Invariant 8 at every step: the process is killed before and after each SQL statement of each
// thing that changes a request. What is left is the files as the system has them; a hub that is
// started on these has entry and effect, or neither.

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Chain of the model's household: what is asked for at each epoch. */
const ONE_SIGNER = FIRST_EPOCH;
const TWO_SIGNERS = FIRST_EPOCH + 1;
const VETO_WINDOW = FIRST_EPOCH + 3;

const root = mkdtempSync(path.join(os.tmpdir(), "doorward-crash-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let ground: Ground;
beforeAll(async () => {
  ground = await prepareGround();
});
let files = 0;

function open(file: string, epoch: number): World {
  return new World(ground, epoch, {
    database: openDatabase(file),
    reload: (before) => {
      before.close();
      return openDatabase(file);
    },
  });
}

/** What kill -9 leaves: the bytes that were written, committed or not, and no lock. */
function snapshot(file: string): string {
  files += 1;
  const copy = path.join(root, `${files}.db`);
  for (const ending of ["", "-wal"])
    if (existsSync(`${file}${ending}`)) copyFileSync(`${file}${ending}`, `${copy}${ending}`);
  return copy;
}

/** Calls `step` before and after every statement, pragma and transaction. */
function watch(database: HubDatabase, step: () => void): void {
  const around = <Result>(work: () => Result): Result => {
    step();
    const result = work();
    step();
    return result;
  };
  const prepare = database.prepare.bind(database) as (sql: string) => BetterSqlite3.Statement;
  const watched = (sql: string): BetterSqlite3.Statement => {
    const statement = prepare(sql);
    for (const name of ["run", "get", "all"] as const) {
      const call = statement[name].bind(statement) as (...values: unknown[]) => unknown;
      Object.defineProperty(statement, name, {
        value: (...values: unknown[]) => around(() => call(...values)),
      });
    }
    return statement;
  };
  const transaction = database.transaction.bind(database);
  const watchedTransaction = (work: () => unknown) => {
    const begin = transaction(work);
    return Object.assign(() => around(() => begin()), {
      immediate: () => around(() => begin.immediate()),
    });
  };
  const pragma = database.pragma.bind(database);
  Object.defineProperties(database, {
    prepare: { value: watched },
    transaction: { value: watchedTransaction },
    pragma: { value: (sql: string) => around(() => pragma(sql)) },
  });
}

/** Everything about requests that is in the database, and the kinds of all entries. */
function contentOf(database: HubDatabase): string {
  const rows = (sql: string): unknown[] => database.prepare(sql).all();
  return JSON.stringify([
    rows(`SELECT state, outcome, nonce IS NULL AS noNonce, nonce_spent_at_ms IS NULL AS unspent,
      decision IS NULL AS noDecision, decision_sha256 IS NULL AS noHash, decision_index,
      release_index, revocation IS NULL AS noRevocation, ended_terms IS NULL AS noTerms
      FROM requests ORDER BY request_index`),
    rows("SELECT json_array_length(envelope, '$.signatures') AS signatures FROM proposals"),
    rows("SELECT type, number, entry_index FROM request_statements ORDER BY type, number"),
    rows("SELECT count(*) AS held FROM request_hold_clips"),
    rows("SELECT count(*) AS forms, sum(spent_at_ms IS NULL) AS open FROM forms"),
    rows("SELECT kind FROM ledger_entries ORDER BY idx"),
  ]);
}

interface Case {
  readonly name: string;
  readonly epoch?: number;
  readonly before?: (world: World) => void;
  readonly step: (world: World) => void;
}

const ask = (world: World): void => {
  world.request("typed_by_owner", false);
  world.nonce(0);
};
const decide = (world: World, outcome: "approved" | "refused"): void => {
  const terms = world.terms(0, outcome, null);
  world.decisions.decide(world.idOf(0), world.decision(terms, ["first"], null));
};
const propose = (world: World): void => {
  const terms = world.terms(0, "approved", null);
  world.decisions.propose(world.idOf(0), world.decision(terms, ["first"], null));
};
const cosign = (world: World): void => {
  const proposal = world.decisions.proposalOf(world.idOf(0));
  if (!proposal) throw new Error("nothing was proposed");
  const payload = fromBase64(proposal.envelope.payload, "payload");
  const signature = world.signature(PAYLOAD_TYPES.decision, payload, "other");
  world.decisions.cosign(world.idOf(0), proposal.decisionSha256, signature);
};
const pass = (world: World, milliseconds: number): void => {
  world.clock.nowMs += milliseconds;
  world.clock.countedMs += milliseconds;
};
const approved = (world: World): void => {
  ask(world);
  decide(world, "approved");
};

const CASES: readonly Case[] = [
  { name: "a typed request", step: (world) => void world.request("typed_by_owner", false) },
  {
    name: "a form that is sent in",
    before: (world) => world.form("one"),
    step: (world) => world.sendForm("one", "intake_form"),
  },
  {
    name: "a nonce",
    before: (world) => void world.request("typed_by_owner", false),
    step: (world) => void world.nonce(0),
  },
  { name: "an approval", before: ask, step: (world) => decide(world, "approved") },
  {
    name: "an approval that waits for a veto",
    epoch: VETO_WINDOW,
    before: ask,
    step: (world) => decide(world, "approved"),
  },
  {
    name: "the end of a veto window",
    epoch: VETO_WINDOW,
    before: approved,
    step: (world) => {
      pass(world, 2 * HOUR_MS);
      world.settle();
    },
  },
  { name: "a refusal", before: ask, step: (world) => decide(world, "refused") },
  { name: "a first signature", epoch: TWO_SIGNERS, before: ask, step: propose },
  {
    name: "the last signature",
    epoch: TWO_SIGNERS,
    before: (world) => {
      ask(world);
      propose(world);
    },
    step: cosign,
  },
  {
    name: "a refusal of what was proposed",
    epoch: TWO_SIGNERS,
    before: (world) => {
      ask(world);
      propose(world);
      world.nonce(0);
    },
    step: (world) => decide(world, "refused"),
  },
  {
    name: "a proposal taken back",
    epoch: TWO_SIGNERS,
    before: (world) => {
      ask(world);
      propose(world);
    },
    step: (world) =>
      world.decisions.withdrawProposal(
        world.idOf(0),
        world.ground.signers.get("first")?.person as never,
      ),
  },
  {
    name: "a request that expires",
    before: ask,
    step: (world) => {
      pass(world, 15 * DAY_MS);
      world.settle();
    },
  },
  {
    name: "a request taken back",
    before: ask,
    step: (world) => void world.decisions.withdraw(world.idOf(0)),
  },
  {
    name: "a pick-up",
    before: approved,
    step: (world) => world.decisions.recordAccess(world.stored(0)),
  },
  {
    name: "a veto",
    epoch: VETO_WINDOW,
    before: approved,
    step: (world) => void world.decisions.revoke(world.idOf(0), world.revocation(0, "other")),
  },
  {
    name: "a revocation",
    before: approved,
    step: (world) => void world.decisions.revoke(world.idOf(0), world.revocation(0, "first")),
  },
  {
    name: "an approval that lapses",
    before: approved,
    step: (world) => {
      pass(world, 40 * DAY_MS);
      world.settle();
    },
  },
  {
    name: "a preservation hold",
    before: ask,
    step: (world) => world.handling.preserve(world.idOf(0), world.statement(0, "hold", "first")),
  },
  {
    name: "an assurance",
    before: ask,
    step: (world) => world.handling.assure(world.idOf(0), world.statement(0, "assurance", "first")),
  },
];

describe("killed at every statement, entry and effect are both there or neither", () => {
  test.each(CASES)("$name", ({ epoch = ONE_SIGNER, before, step }) => {
    files += 1;
    const file = path.join(root, `${files}.db`);
    const world = open(file, epoch);
    before?.(world);
    const earlier = snapshot(file);
    const copies: string[] = [];
    // A connection of its own for the watched half, so that nothing prepared before is unwatched.
    world.close();
    const database = openDatabase(file);
    let isWatching = false;
    watch(database, () => {
      if (isWatching) copies.push(snapshot(file));
    });
    const acting = new World(ground, epoch, { database, reload: () => database });
    Object.assign(acting.clock, world.clock);
    acting.ids.push(...world.ids);
    acting.nonces.push(...world.nonces);
    isWatching = true;
    step(acting);
    isWatching = false;
    const later = snapshot(file);
    acting.close();

    /** What a hub has once it was started on those files, by the clock of after. */
    const started = (copy: string, isSettled: boolean): string => {
      const again = open(copy, epoch);
      Object.assign(again.clock, acting.clock);
      if (isSettled) again.settle();
      expect(verifyLedger(again.database)).toMatchObject({ holds: true });
      const content = contentOf(again.database);
      again.close();
      return content;
    };
    const [none, all] = [started(earlier, true), started(later, true)];
    // Where time alone does it, both come to the same: then it is the steps on the way that tell.
    const seen = new Set(copies.map((copy) => started(copy, true)));
    for (const content of seen) expect([none, all]).toContain(content);
    expect(seen).toContain(all);
    expect(copies.length).toBeGreaterThan(1);
    // Before anything was settled: no entry without its effect, no effect without its entry.
    for (const copy of new Set(copies)) {
      const raw = started(copy, false);
      const [requests, , statements, , , entries] = JSON.parse(raw) as [
        { state: string; decision_index: number | null; release_index: number | null }[],
        unknown[],
        unknown[],
        unknown[],
        unknown[],
        { kind: string }[],
      ];
      const count = (kind: string): number => entries.filter((one) => one.kind === kind).length;
      const having = (name: "decision_index" | "release_index"): number =>
        requests.filter((one) => one[name] !== null).length;
      const ended = (...states: string[]): number =>
        requests.filter(({ state }) => states.includes(state)).length;
      expect([count("request"), count("decision"), count("release")]).toEqual([
        requests.length,
        having("decision_index"),
        having("release_index"),
      ]);
      expect(count("revocation")).toBe(ended("revoked", "lapsed"));
      expect(count("access")).toBe(ended("accessed"));
      expect(count("assurance") + count("hold")).toBe(statements.length);
      expect(ended("held")).toBe(count("hold"));
    }
  });
});
