/**
 * What the consent core should do, said once more and as plainly as possible: no database, no
 * signatures, no entries but their kinds. Each method returns whether it is allowed, and then does it.
 */

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const SKEW_MS = 2 * MINUTE_MS;

export interface Rules {
  readonly head: string;
  readonly signers: number;
  readonly vetoMs: number;
  /** Devices that may sign, and whose they are. */
  readonly owners: ReadonlyMap<string, string>;
}

export interface ModelProposal {
  readonly by: string;
  readonly head: string;
  readonly madeAtMs: number;
  readonly notAfterMs: number;
  readonly availableUntilMs: number;
  /** Persons by the devices that they signed with. */
  readonly signers: Map<string, string>;
}

export interface ModelRequest {
  state: string;
  readonly expiresAtMs: number;
  readonly expiresCountedMs: number;
  nonce: { readonly untilMs: number; readonly untilCountedMs: number } | null;
  proposal: ModelProposal | null;
  leavesAtMs: number;
  /** Devices behind the approval. */
  approvedBy: readonly string[];
  lapsesAtMs: number;
  availableUntilMs: number;
  assurances: number;
  wasHeld: boolean;
}

export class Reference {
  readonly requests: ModelRequest[] = [];
  readonly entries: string[] = [];
  nowMs: number;
  countedMs = 0;
  rules: Rules;

  constructor(nowMs: number, rules: Rules) {
    this.nowMs = nowMs;
    this.rules = rules;
  }

  request(): void {
    const expiresAtMs = this.nowMs + 14 * DAY_MS;
    const expiresCountedMs = this.countedMs + 14 * DAY_MS;
    const nothing = { nonce: null, proposal: null, leavesAtMs: 0, lapsesAtMs: 0, approvedBy: [] };
    const rest = { availableUntilMs: 0, assurances: 0, wasHeld: false };
    this.requests.push({ state: "received", expiresAtMs, expiresCountedMs, ...nothing, ...rest });
    this.entries.push("request");
  }

  isOpen(request: ModelRequest): boolean {
    const { state } = request;
    return (state === "received" || state === "held") && !this.#isTimeOver(request);
  }

  /** By either clock. */
  #isTimeOver({ expiresAtMs, expiresCountedMs }: ModelRequest): boolean {
    return expiresAtMs <= this.nowMs || expiresCountedMs <= this.countedMs;
  }

  nonce(request: ModelRequest): boolean {
    if (!this.isOpen(request)) return false;
    const onTheSpot = this.rules.signers === 1 && this.rules.vetoMs === 0;
    const lifetimeMs = onTheSpot ? 15 * MINUTE_MS : 30 * DAY_MS;
    request.nonce = {
      untilMs: Math.min(this.nowMs + lifetimeMs, request.expiresAtMs),
      untilCountedMs: Math.min(this.countedMs + lifetimeMs, request.expiresCountedMs),
    };
    return true;
  }

  /** Whether a decision that is signed now by these devices can be taken now. */
  #holds(request: ModelRequest, devices: readonly string[], enough: number): boolean {
    const persons = new Set(devices.flatMap((device) => this.rules.owners.get(device) ?? []));
    return (
      this.isOpen(request) &&
      request.nonce !== null &&
      request.nonce.untilMs >= this.nowMs &&
      request.nonce.untilCountedMs >= this.countedMs &&
      devices.every((device) => this.rules.owners.has(device)) &&
      persons.size === devices.length &&
      persons.size >= enough
    );
  }

  approve(request: ModelRequest, devices: readonly string[], availableUntilMs: number): boolean {
    if (!this.#holds(request, devices, this.rules.signers)) return false;
    this.#release(request, devices, availableUntilMs);
    return true;
  }

  #release(request: ModelRequest, devices: readonly string[], availableUntilMs: number): void {
    request.approvedBy = devices;
    const waits = this.rules.vetoMs > 0;
    this.#end(request, waits ? "approved" : "packaged", "decision");
    if (!waits) this.entries.push("release");
    request.leavesAtMs = this.countedMs + this.rules.vetoMs;
    request.lapsesAtMs = this.countedMs + availableUntilMs - this.nowMs;
    request.availableUntilMs = availableUntilMs;
  }

  #end(request: ModelRequest, state: string, entry: string): void {
    Object.assign(request, { state, proposal: null });
    this.entries.push(entry);
  }

  refuse(request: ModelRequest, device: string): boolean {
    if (!this.#holds(request, [device], 1)) return false;
    this.#end(request, "refused", "decision");
    return true;
  }

  propose(request: ModelRequest, device: string, times: Omit<ModelProposal, "signers" | "by">) {
    if (!this.#holds(request, [device], 1)) return false;
    if (this.rules.signers === 1) return this.approve(request, [device], times.availableUntilMs);
    if (request.proposal?.head === this.rules.head) return false;
    const person = this.rules.owners.get(device) ?? "";
    request.proposal = { ...times, by: person, signers: new Map([[person, device]]) };
    request.nonce = null;
    return true;
  }

  cosign(request: ModelRequest, device: string): boolean {
    const { proposal } = request;
    const person = this.rules.owners.get(device);
    if (!proposal || person === undefined || proposal.signers.has(person)) return false;
    if (!this.isOpen(request) || proposal.head !== this.rules.head) return false;
    if (this.nowMs < proposal.madeAtMs - SKEW_MS || this.nowMs > proposal.notAfterMs) return false;
    proposal.signers.set(person, device);
    if (proposal.signers.size >= this.rules.signers)
      this.#release(request, [...proposal.signers.values()], proposal.availableUntilMs);
    return true;
  }

  takeBack(request: ModelRequest, person: string): boolean {
    if (request.proposal?.by !== person) return false;
    request.proposal = null;
    return true;
  }

  revoke(request: ModelRequest, device: string): boolean {
    if (!["approved", "packaged", "accessed"].includes(request.state)) return false;
    if (!this.rules.owners.has(device)) return false;
    this.#end(request, "revoked", "revocation");
    return true;
  }

  withdraw(request: ModelRequest): boolean {
    if (!this.isOpen(request)) return false;
    this.#end(request, "withdrawn", "decision");
    return true;
  }

  hold(request: ModelRequest, device: string): boolean {
    if (!this.isOpen(request) || request.wasHeld || !this.rules.owners.has(device)) return false;
    request.state = "held";
    request.wasHeld = true;
    this.entries.push("hold");
    return true;
  }

  assure(request: ModelRequest, device: string): boolean {
    if (!this.isOpen(request) || !this.rules.owners.has(device)) return false;
    request.assurances += 1;
    this.entries.push("assurance");
    return true;
  }

  isFetchable(request: ModelRequest): boolean {
    return ["packaged", "accessed"].includes(request.state) && !this.#isOver(request);
  }

  #isOver({ availableUntilMs, lapsesAtMs }: ModelRequest): boolean {
    return availableUntilMs <= this.nowMs || lapsesAtMs <= this.countedMs;
  }

  fetch(request: ModelRequest): boolean {
    if (!this.isFetchable(request)) return false;
    request.state = "accessed";
    this.entries.push("access");
    return true;
  }

  /** What the hub's clock does every few seconds, and at its start. */
  settle(): void {
    for (const request of this.requests) {
      const isApproved = ["approved", "packaged", "accessed"].includes(request.state);
      if (isApproved && this.#isOver(request)) this.#end(request, "lapsed", "revocation");
    }
    for (const request of this.requests) {
      const isDue = request.state === "approved" && request.leavesAtMs <= this.countedMs;
      const isInForce = request.approvedBy.every((device) => this.rules.owners.has(device));
      if (isDue && isInForce) this.#end(request, "packaged", "release");
    }
    for (const request of this.requests)
      if (["received", "held"].includes(request.state) && this.#isTimeOver(request))
        this.#end(request, "expired", "decision");
  }
}
