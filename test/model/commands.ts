import fc from "fast-check";
import type { Terms } from "../../src/protocol/decision.ts";
import { PAYLOAD_TYPES } from "../../src/protocol/envelope.ts";
import { fromBase64 } from "../../src/protocol/bytes.ts";
import { HubError } from "../../src/protocol/errors.ts";
import type { ModelRequest, Reference } from "./reference.ts";
import { DEVICES, rulesOf, type DeviceName } from "./ground.ts";
import { FLAWS, type Flaw, type World } from "./world.ts";

/** Odd on purpose: no step ends on the very millisecond on which something else does. */
const STEPS_MS = [1_009, 16, 61, 26 * 60, 15 * 24 * 60, 40 * 24 * 60].map(
  (one, index) => (index === 0 ? one : one * 60_000) + index * 2 + 1,
);

/** One thing that somebody does: said to the reference and done to the real code. */
export interface Step {
  readonly name: string;
  /** @returns Whether the reference allows it and whether the real code did. */
  do(model: Reference, real: World, request: ModelRequest, index: number): [boolean, boolean];
}

class ModelCommand implements fc.Command<Reference, World> {
  readonly #step: Step;
  readonly #choice: number;

  constructor(step: Step, choice: number) {
    this.#step = step;
    this.#choice = choice;
  }

  check(model: Readonly<Reference>): boolean {
    return model.requests.length > 0 || this.#step.name.startsWith("ask");
  }

  run(model: Reference, real: World): void {
    const index = model.requests.length === 0 ? 0 : this.#choice % model.requests.length;
    const request = model.requests[index] as ModelRequest;
    const [wanted, happened] = this.#step.do(model, real, request, index);
    if (wanted !== happened)
      throw new Error(
        `${this.#step.name}: ${happened ? "allowed" : "refused"}, against the reference`,
      );
    requireSame(model, real);
  }

  toString(): string {
    return `${this.#step.name} #${this.#choice}`;
  }
}

/** Everything that can be seen from outside, and the ledger's every entry. */
function requireSame(model: Reference, real: World): void {
  const differs = (what: string, wanted: unknown, found: unknown): void => {
    if (wanted !== found) throw new Error(`${what} is ${String(found)}, not ${String(wanted)}`);
  };
  model.requests.forEach((request, index) => {
    const { state, hasDecision, signatures } = real.look(index);
    differs(`request ${index}`, request.state, state);
    differs(`signatures of ${index}`, request.proposal?.signers.size ?? null, signatures);
    // A refusal's envelope stays: there is no header in it. Else headers go with the approval.
    if (state !== "refused")
      differs(`decision of ${index}`, isApproved(request) ? 1 : 0, hasDecision);
    requireSameFetching(model, real, request, index);
  });
  differs("the ledger", model.entries.join(" "), real.entryKinds());
}

function isApproved({ state }: ModelRequest): boolean {
  return ["approved", "packaged", "accessed"].includes(state);
}

/** What was last compared of a request: verifying the same approval again shows nothing new. */
const compared = new WeakMap<ModelRequest, string>();

function requireSameFetching(
  model: Reference,
  real: World,
  request: ModelRequest,
  index: number,
): void {
  const isFetchable = model.isFetchable(request);
  const now = `${request.state} ${isFetchable} ${real.epoch}`;
  if (compared.get(request) === now) return;
  compared.set(request, now);
  const approval = real.decisions.approvalOf(real.stored(index));
  if ((approval !== null) !== isFetchable)
    throw new Error(`request ${index} ${isFetchable ? "cannot" : "can"} be fetched`);
  if (approval && approval.terms.recipient !== real.ground.recipient)
    throw new Error(`request ${index} goes to somebody else`);
}

/** True when it was let through, false when it was refused by name. */
function tried(work: () => unknown): boolean {
  try {
    return work() !== false;
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    return false;
  }
}

const asked = (channel: Parameters<World["request"]>[0], isEmergency: boolean): Step => ({
  name: `ask ${channel}${isEmergency ? " at once" : ""}`,
  do: (model, real) => {
    const token = real.request(channel, isEmergency);
    model.request();
    // A form is good once, whatever its channel.
    return [false, channel !== "typed_by_owner" && tried(() => real.sendForm(token, channel))];
  },
});

const decided = (
  outcome: "approved" | "refused",
  devices: readonly DeviceName[],
  flaw: Flaw,
): Step => ({
  name: `${outcome} by ${devices.join("+")}${flaw ? ` with ${flaw}` : ""}`,
  do: (model, real, request, index) => {
    const terms = real.terms(index, outcome, flaw);
    const envelope = real.decision(terms, devices, flaw);
    const wanted = (): boolean => {
      if (flaw !== null) return false;
      return outcome === "refused"
        ? model.refuse(request, devices[0] ?? "")
        : model.approve(request, devices, terms.availableUntilMs ?? 0);
    };
    return [wanted(), tried(() => real.decisions.decide(real.idOf(index), envelope))];
  },
});

/** What was signed last, for whoever sends it again. */
const sent = new WeakMap<World, { readonly terms: Terms; readonly devices: DeviceName[] }[]>();

const proposed = (device: DeviceName, flaw: Flaw): Step => ({
  name: `proposed by ${device}${flaw ? ` with ${flaw}` : ""}`,
  do: (model, real, request, index) => {
    const terms = real.terms(index, "approved", flaw);
    const envelope = real.decision(terms, [device], flaw);
    sent.set(real, [...(sent.get(real) ?? []), { terms, devices: [device] }]);
    const times = {
      ...{ head: model.rules.head, madeAtMs: terms.notBeforeMs, notAfterMs: terms.notAfterMs },
      availableUntilMs: terms.availableUntilMs ?? 0,
    };
    const wanted = flaw === null && model.propose(request, device, times);
    return [wanted, tried(() => real.decisions.propose(real.idOf(index), envelope))];
  },
});

/** A proposal that was signed before, for the same request or for another: its nonce is spent. */
const replayed: Step = {
  name: "an earlier proposal again",
  do: (_model, real, _request, index) => {
    const earlier = sent.get(real)?.at(-1);
    if (!earlier) return [false, false];
    const envelope = real.decision(earlier.terms, earlier.devices, null);
    const isStanding = real.decisions.proposalOf(real.idOf(index)) !== null;
    const isTaken = real.stored(index).nonce === earlier.terms.nonce;
    // Unless it never was taken in: then this is the first time.
    if (isTaken && !isStanding) return [false, false];
    return [false, tried(() => real.decisions.propose(real.idOf(index), envelope))];
  },
};

const cosigned = (device: DeviceName, wrong: "bytes" | "decision" | null): Step => ({
  name: `cosigned by ${device}${wrong ? ` for another ${wrong}` : ""}`,
  do: (model, real, request, index) => {
    const id = real.idOf(index);
    const proposal = real.decisions.proposalOf(id);
    if (!proposal) return [model.cosign(request, device), false];
    const payload = fromBase64(proposal.envelope.payload, "payload");
    const bytes = wrong === "bytes" ? payload.slice(1) : payload;
    const signature = real.signature(PAYLOAD_TYPES.decision, bytes, device);
    const named = wrong === "decision" ? proposal.keyringHead : proposal.decisionSha256;
    const wanted = wrong === null && model.cosign(request, device);
    return [wanted, tried(() => real.decisions.cosign(id, named, signature))];
  },
});

/** @param isSettled - False: the hub has not come to it yet, and what is over must be over. */
const passed = (milliseconds: number, isBack: boolean, isSettled: boolean): Step => ({
  name: `${isBack ? "the clock goes back" : "time passes"} by ${milliseconds} ms${isSettled ? "" : ", unnoticed"}`,
  do: (model, real) => {
    for (const clock of [model, real.clock]) {
      clock.nowMs += isBack ? -milliseconds : milliseconds;
      // The hub's own count goes on whatever the wall says.
      clock.countedMs += isBack ? 0 : milliseconds;
    }
    if (isSettled) {
      model.settle();
      real.settle();
    }
    return [false, false];
  },
});

const OTHERS: readonly Step[] = [
  {
    name: "a nonce is fetched",
    do: (model, real, request, index) => [model.nonce(request), real.nonce(index)],
  },
  {
    name: "fetched",
    do: (model, real, request, index) => [
      model.fetch(request),
      tried(() => real.decisions.recordAccess(real.stored(index))),
    ],
  },
  {
    name: "withdrawn by whoever asked",
    do: (model, real, request, index) => [
      model.withdraw(request),
      real.decisions.withdraw(real.idOf(index)),
    ],
  },
  replayed,
  {
    name: "the hub restarts",
    do: (model, real) => {
      real.restart();
      model.settle();
      return [false, false];
    },
  },
  {
    name: "the keyring goes on",
    do: (model, real) => {
      if (real.epoch + 1 < real.ground.keyrings.length) real.epoch += 1;
      model.rules = rulesOf(real.ground, real.epoch);
      return [false, false];
    },
  },
];

const byDevice = (device: DeviceName): Step[] => [
  {
    name: `revoked by ${device}`,
    do: (model, real, request, index) => {
      const envelope = real.revocation(index, device);
      const done = tried(() => real.decisions.revoke(real.idOf(index), envelope));
      return [model.revoke(request, device), done];
    },
  },
  {
    name: `held by ${device}`,
    do: (model, real, request, index) => {
      const envelope = real.statement(index, "hold", device);
      const done = tried(() => real.handling.preserve(real.idOf(index), envelope));
      return [model.hold(request, device), done];
    },
  },
  {
    name: `assured by ${device}`,
    do: (model, real, request, index) => {
      const envelope = real.statement(index, "assurance", device);
      const done = tried(() => real.handling.assure(real.idOf(index), envelope));
      return [model.assure(request, device), done];
    },
  },
  {
    name: `proposal taken back by ${device}`,
    do: (model, real, request, index) => {
      const person = real.personOf(device);
      const id = real.idOf(index);
      const done = tried(() => real.decisions.withdrawProposal(id, person as never));
      return [model.takeBack(request, person), done];
    },
  },
];

/** A refusal names no file and has no header that could be wrong. */
function inRefusal(flaw: Flaw): Flaw {
  return flaw === "wrong file" || flaw === "two headers" ? null : flaw;
}

/** Any sequence of what people, requesters, clocks and power cuts can do. */
export function anyCommands(
  maxCommands: number,
): fc.Arbitrary<Iterable<fc.Command<Reference, World>>> {
  // Those who may do something more often than those who may not.
  const device = fc.constantFrom(...DEVICES, "first", "other", "first", "other");
  const flaw: fc.Arbitrary<Flaw> = fc.constantFrom(...FLAWS);
  const flawSeldom = fc.oneof(
    { arbitrary: fc.constant<Flaw>(null), weight: 3 },
    { arbitrary: flaw, weight: 1 },
  );
  const channel = fc.constantFrom("typed_by_owner", "intake_form", "sealed_file");
  const outcome = fc.constantFrom("approved", "approved", "refused");
  const several = fc.oneof(
    { arbitrary: device.map((one) => [one]), weight: 2 },
    { arbitrary: fc.tuple(device, device), weight: 1 },
  );
  const [nonce, fetched] = OTHERS;
  if (!nonce || !fetched) throw new Error("no steps");
  const steps: { weight: number; arbitrary: fc.Arbitrary<Step> }[] = [
    {
      weight: 2,
      arbitrary: fc.tuple(channel, fc.boolean()).map(([by, isEmergency]) => asked(by, isEmergency)),
    },
    { weight: 3, arbitrary: fc.constantFrom(...OTHERS) },
    // Nothing is decided without a nonce, and nothing is fetched that was not decided.
    { weight: 4, arbitrary: fc.constant(nonce) },
    { weight: 3, arbitrary: fc.constant(fetched) },
    {
      weight: 5,
      arbitrary: fc
        .tuple(outcome, several, flawSeldom)
        .map(([one, by, wrong]) =>
          one === "refused"
            ? decided(one, by.slice(0, 1), inRefusal(wrong))
            : decided(one, by, wrong),
        ),
    },
    {
      weight: 3,
      arbitrary: fc.tuple(device, flawSeldom).map(([by, wrong]) => proposed(by, wrong)),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(device, fc.constantFrom(null, null, null, "bytes", "decision"))
        .map(([by, wrong]) => cosigned(by, wrong)),
    },
    { weight: 3, arbitrary: device.chain((by) => fc.constantFrom(...byDevice(by))) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom(...STEPS_MS), fc.nat(5), fc.boolean())
        .map(([step, back, isSettled]) => passed(step, back === 0, isSettled)),
    },
  ];
  const command = fc
    .tuple(fc.oneof(...steps), fc.integer({ min: 0, max: 1 }))
    .map(([step, choice]) => new ModelCommand(step, choice));
  return fc.commands([command], { maxCommands, size: "max" });
}
