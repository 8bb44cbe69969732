import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generateReader, type ReaderKey } from "../../src/owner/identity.ts";
import { requireAgeHeader } from "../../src/protocol/age-header.ts";
import type { RequestSummary } from "../../src/protocol/api.ts";
import type { Decision } from "../../src/protocol/decision.ts";
import type { Envelope } from "../../src/protocol/envelope.ts";
import { REQUEST_KINDS, type SealedRequest } from "../../src/protocol/request.ts";
import { REQUEST_EXPIRY_MS } from "../../src/protocol/limits.ts";
import { HOSTILE, signersOf, type Battlefield } from "../support/hostile-decisions.ts";
import { exampleUrl, routesOf, type Route } from "../support/routes.ts";
import { signDecision } from "../support/test-approval.ts";
import {
  decide,
  draftApproval,
  fill,
  makeForm,
  prepareRefusal,
  signTerms,
  statusPath,
  typeRequest,
} from "../support/test-consent.ts";
import { newReaders } from "../support/test-household.ts";
import { requireOk, startTestHub, type TestDevice } from "../support/test-hub.ts";

/**
 * Invariants 4 to 6 over random histories: requests, forms, decisions of every forged kind,
 * refusals, clocks that jump, and every route poked by everybody who may not use it. Whatever is
 * done, no byte of a recording is sent to anybody without a decision that the owners signed, and
 * then exactly what they signed for.
 *
 * A failure prints its seed; `DOORWARD_SEED=... vitest run test/hub/walk` walks the same way again.
 */
const SEED = Number(process.env["DOORWARD_SEED"] ?? Date.now() % 2 ** 31);
const RUNS = 220;

type Action =
  | {
      readonly do: "ask";
      readonly kind: number;
      readonly emergency: boolean;
      readonly byForm: boolean;
    }
  | { readonly do: "reuse a form" }
  | { readonly do: "refuse"; readonly which: number }
  | { readonly do: "approve"; readonly which: number; readonly clip: number; readonly to: number }
  | { readonly do: "forge"; readonly which: number; readonly how: number; readonly clip: number }
  | { readonly do: "wait"; readonly minutes: number }
  | { readonly do: "poke"; readonly route: number; readonly by: number; readonly body: number };

const which = fc.nat(7);
const action: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    do: fc.constant("ask" as const),
    kind: fc.nat(REQUEST_KINDS.length - 1),
    emergency: fc.boolean(),
    byForm: fc.boolean(),
  }),
  fc.record({ do: fc.constant("reuse a form" as const) }),
  fc.record({ do: fc.constant("refuse" as const), which }),
  fc.record({ do: fc.constant("approve" as const), which, clip: fc.nat(1), to: fc.nat(2) }),
  fc.record({ do: fc.constant("forge" as const), which, how: fc.nat(99), clip: fc.nat(1) }),
  fc.record({ do: fc.constant("forge" as const), which, how: fc.nat(99), clip: fc.nat(1) }),
  fc.record({ do: fc.constant("wait" as const), minutes: fc.constantFrom(1, 14, 16, 800, 21_000) }),
  fc.record({
    do: fc.constant("poke" as const),
    route: fc.nat(99),
    by: fc.nat(4),
    body: fc.nat(4),
  }),
);

interface House extends Omit<Battlefield, "accepted"> {
  readonly accepted: Envelope[];
  readonly routes: readonly Route[];
  /** A piece of each sealed file's ciphertext, by file. */
  readonly windows: ReadonlyMap<string, Buffer>;
}

async function openHouse(wantsTwo: boolean): Promise<House> {
  const hub = await startTestHub({ clips: 2 });
  const lost = await hub.admit("owner");
  const partner = wantsTwo ? await hub.admit("owner") : null;
  const viewer = await hub.admit("viewer");
  const readers = await newReaders(hub.hub.services.household.keyring);
  await hub.change({ kind: "remove", device: lost.key.device, readers });
  const exportSigners = wantsTwo ? 2 : 1;
  const policy = { exportSigners, keyringSigners: 1, vetoWindowMs: 0 };
  await hub.change({ kind: "policy", policy });
  const windows = new Map<string, Buffer>();
  for (const clip of hub.clips)
    for (const file of hub.hub.services.clips.files(clip)) {
      const bytes = readFileSync(hub.hub.services.clips.pathOf(clip, file));
      const { payloadOffset } = requireAgeHeader(bytes);
      const name = `${clip} ${file.segment} ${file.track}`;
      windows.set(name, bytes.subarray(payloadOffset + 16, payloadOffset + 48));
    }
  return {
    hub,
    owner: hub.owner,
    partner,
    viewer,
    removed: lost.key,
    stranger: await generateReader("x25519"),
    accepted: [],
    routes: routesOf(hub.hub.server).filter(({ url }) => !url.startsWith("/api/claim")),
    windows,
  };
}

const PLAINTEXT = /frame-\d+;|sound-\d+;|init-(?:video|audio):/;
const BODIES: readonly unknown[] = [{}, null, [], "garbage", { decision: { payload: "e30=" } }];

/** One history in one house. */
class Walk {
  #house: House;
  readonly #recipient: ReaderKey;
  readonly #asked: RequestSummary[] = [];
  readonly #forms: SealedRequest[] = [];
  /** Status path to the files that were signed for. */
  readonly #released = new Map<string, Set<string>>();

  private constructor(house: House, recipient: ReaderKey) {
    this.#house = house;
    this.#recipient = recipient;
  }

  /** Requests whose status address gives files. */
  get released(): number {
    return this.#released.size;
  }

  /** What an earlier history left open has expired by the time this one begins. */
  static async begin(house: House, recipient: ReaderKey): Promise<Walk> {
    const walk = new Walk(house, recipient);
    await walk.#wait(REQUEST_EXPIRY_MS / 60_000);
    await walk.#ask({ do: "ask", kind: 0, emergency: false, byForm: false });
    return walk;
  }

  async take(step: Action): Promise<void> {
    switch (step.do) {
      case "ask":
        await this.#ask(step);
        break;
      case "reuse a form":
        await this.#reuseForm();
        break;
      case "refuse":
        await this.#refuse(this.#pick(step.which));
        break;
      case "approve":
        await this.#approve(this.#pick(step.which), step.clip, step.to);
        break;
      case "forge":
        await this.#forge(this.#pick(step.which), step);
        break;
      case "wait":
        await this.#wait(step.minutes);
        break;
      case "poke":
        await this.#poke(step);
        break;
    }
    await this.#nothingElseLeaves();
  }

  #pick(index: number): RequestSummary {
    const request = this.#asked[index % this.#asked.length];
    if (!request) throw new Error("nobody has asked");
    return request;
  }

  #isOpen({ record }: RequestSummary): boolean {
    const rows = this.#house.hub.hub.services.requests.list(500);
    const row = rows.find(({ id }) => id === record.request);
    return row?.state === "received" && row.expiresAtMs > this.#house.hub.clock.nowMs;
  }

  async #ask({ kind, emergency, byForm }: Action & { do: "ask" }): Promise<void> {
    const { hub } = this.#house;
    const labels = {
      kind: REQUEST_KINDS[kind] ?? "other",
      urgency: emergency ? ("emergency" as const) : ("normal" as const),
      recipient: this.#recipient.recipient,
    };
    if (!byForm) {
      this.#asked.push(await typeRequest(hub, labels));
      return;
    }
    const body = await fill(await makeForm(hub), labels);
    this.#forms.push(body);
    const answer = await hub.call("POST", "/api/requests/import", { as: hub.owner, body });
    this.#asked.push(requireOk(answer).json());
  }

  async #reuseForm(): Promise<void> {
    const body = this.#forms.at(-1);
    if (!body) return;
    const { hub } = this.#house;
    const answer = await hub.call("POST", "/api/requests/import", { as: hub.owner, body });
    assert.equal(answer.statusCode, 410);
  }

  async #refuse(request: RequestSummary): Promise<void> {
    if (!this.#isOpen(request)) return;
    const { request: id } = request.record;
    const { decision } = await prepareRefusal(this.#house.hub, id);
    assert.equal((await decide(this.#house.hub, id, decision)).statusCode, 200);
  }

  async #good(request: RequestSummary, clip: number, to: number): Promise<Decision | null> {
    if (!this.#isOpen(request)) return null;
    const { hub } = this.#house;
    const terms = await draftApproval(hub, request.record.request, {
      clip: hub.clips[clip] ?? "",
      segments: [0, to],
      audio: true,
    });
    const signed = await signTerms(hub, terms);
    return JSON.parse(Buffer.from(signed.payload, "base64").toString()) as Decision;
  }

  async #approve(request: RequestSummary, clip: number, to: number): Promise<void> {
    const good = await this.#good(request, clip, to);
    if (!good) return;
    const decision = await signDecision(good, signersOf(this.#house));
    const { hub, accepted } = this.#house;
    assert.equal((await decide(hub, request.record.request, decision)).statusCode, 200);
    accepted.push(decision);
    const files = good.terms.clips.flatMap((each) =>
      each.files.map((file) => `${each.clip} ${file.segment} ${file.track}`),
    );
    this.#released.set(statusPath(request), new Set(files));
  }

  async #forge(request: RequestSummary, { how, clip }: Action & { do: "forge" }): Promise<void> {
    const ways = Object.entries(HOSTILE);
    const [name, make] = ways[how % ways.length] ?? [];
    const { request: id } = request.record;
    const good = await this.#good(request, clip, 1);
    // A request that is decided takes no decision at all, not even one that is well made.
    const last = this.#house.accepted.at(-1);
    const decision = good && make ? await make(this.#house, id, good) : last;
    if (!decision) return;
    const answer = await decide(this.#house.hub, id, decision);
    assert.match(String(answer.statusCode), /^4\d\d$/, `a decision ${name}`);
  }

  async #wait(minutes: number): Promise<void> {
    const { hub } = this.#house;
    hub.clock.nowMs += minutes * 60_000;
    const { household, requests } = hub.hub.services;
    if (household.keyring) requests.expireDue(household.keyring.head);
    const logIn = (device: TestDevice) => hub.logIn(device.bundle);
    const owner = await logIn(this.#house.owner);
    this.#house = {
      ...this.#house,
      hub: { ...hub, owner },
      owner,
      viewer: await logIn(this.#house.viewer),
    };
  }

  /** Some route, as somebody who has no business there. */
  async #poke({ route, by, body }: Action & { do: "poke" }): Promise<void> {
    const { hub, routes, viewer } = this.#house;
    const target = routes[route % routes.length];
    if (!target || target.url === "/status/:token") return;
    const somebody: (TestDevice | null)[] = [null, viewer, { ...viewer, token: "0".repeat(64) }];
    const values = {
      id: this.#pick(by).record.request,
      clip: hub.clips[by % 2] ?? "",
      name: body % 2 === 0 ? "000.video.original.age" : "001.audio.original.age",
    };
    const answer = await hub.call(target.method, exampleUrl(target.url, values), {
      as: somebody[by % somebody.length] ?? null,
      ...(target.method === "GET" || target.method === "HEAD" ? {} : { body: BODIES[body] }),
    });
    assert.ok(answer.statusCode < 500, `${target.method} ${target.url}: ${answer.statusCode}`);
    assert.deepEqual(this.#filesIn(answer.rawPayload), [], target.url);
    // Logged out by its own request: a new session for what follows.
    if (target.url === "/api/session" && target.method === "DELETE") await this.#wait(0);
  }

  #filesIn(bytes: Buffer): string[] {
    assert.doesNotMatch(bytes.toString("latin1"), PLAINTEXT);
    return [...this.#house.windows].flatMap(([name, window]) =>
      bytes.includes(window) ? [name] : [],
    );
  }

  async #nothingElseLeaves(): Promise<void> {
    const unknown = await this.#house.hub.call("GET", `/status/${"0".repeat(64)}`);
    for (const request of this.#asked) {
      const path = statusPath(request);
      const answer = await this.#house.hub.call("GET", path);
      const signed = this.#released.get(path);
      assert.deepEqual(new Set(this.#filesIn(answer.rawPayload)), signed ?? new Set());
      assert.equal(answer.statusCode, signed ? 200 : 404);
      if (!signed) assert.equal(answer.body, unknown.body);
    }
  }
}

describe("whatever is asked, forged, replayed or waited for", () => {
  let houses: readonly House[];
  let recipient: ReaderKey;
  beforeAll(async () => {
    houses = [await openHouse(false), await openHouse(true)];
    recipient = await generateReader("x25519");
  });
  afterAll(async () => {
    for (const { hub } of houses) await hub[Symbol.asyncDispose]();
  });

  test(
    `nothing leaves that was not signed for (${RUNS} histories, seed ${SEED})`,
    { timeout: 300_000 },
    async () => {
      let released = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.nat(1),
          fc.array(action, { minLength: 2, maxLength: 8 }),
          async (number, steps) => {
            const house = houses[number];
            if (!house) throw new Error("no house");
            const walk = await Walk.begin(house, recipient);
            for (const step of steps) await walk.take(step);
            released += walk.released;
          },
        ),
        {
          seed: SEED,
          numRuns: RUNS,
          interruptAfterTimeLimit: 240_000,
          markInterruptAsFailure: true,
        },
      );
      // A walk in which nobody ever consents would show nothing.
      expect(released).toBeGreaterThan(RUNS / 10);
    },
  );

  test.each(Object.keys(HOSTILE))("each kind of forgery is refused by itself: %s", async (name) => {
    for (const house of houses) {
      const how = Object.keys(HOSTILE).indexOf(name);
      const walk = await Walk.begin(house, recipient);
      await walk.take({ do: "approve", which: 0, clip: 0, to: 1 });
      await walk.take({ do: "ask", kind: 0, emergency: true, byForm: true });
      await walk.take({ do: "forge", which: 1, how, clip: 0 });
      await walk.take({ do: "forge", which: 0, how, clip: 0 });
      await walk.take({ do: "approve", which: 1, clip: 1, to: 0 });
      expect(walk.released).toBe(2);
    }
  });
});
