import type { PassedOnBlob } from "../protocol/api-keyring.ts";
import type { Envelope } from "../protocol/envelope.ts";
import { HubError, MalformedInput } from "../protocol/errors.ts";
import {
  afterRecovery,
  checkStatement,
  KeyringRefused,
  type CheckedStatement,
  type Keyring,
  type KeyringChange,
} from "../protocol/keyring.ts";
import { CLOCK_SKEW_MAX_MS, RECOVERY_NOTICE_MS } from "../protocol/limits.ts";
import type { DeviceLabel, Household } from "./household.ts";
import { requireOwnPasskey } from "./passkey-origin.ts";
import { requireForEach, requireOnlyHolders } from "./passed-on.ts";
import type { KeyringProposal } from "./proposals.ts";

export interface ChangeResult {
  readonly state: "accepted" | "proposed";
  readonly proposal: string;
  readonly signers: number;
  readonly needed: number;
}

/** What owners change by themselves; a device comes in by a pairing, a lost one back by the sheet. */
const OWNERS_CHANGES: ReadonlySet<KeyringChange["kind"]> = new Set([
  "remove",
  "policy",
  "sheet",
  "recovery_objection",
]);

/** Where changes of the keyring are handed in. What counts is the chain's own check; here is the rest. */
export class KeyringDesk {
  readonly #household: Household;
  readonly #nowMs: () => number;
  readonly #origins: () => readonly string[];

  /** @param origins - Where the hub's page is now; see {@link requireOwnPasskey}. */
  constructor(household: Household, nowMs: () => number, origins: () => readonly string[]) {
    this.#household = household;
    this.#nowMs = nowMs;
    this.#origins = origins;
  }

  /**
   * Takes a change that owners have signed, or keeps it until enough of them have.
   *
   * @param proveSheet - Called with the reader of a new sheet; throws where it was not tried.
   * @throws KeyringRefused, HubError PASSED_ON_INCOMPLETE, TOO_MANY_PROPOSALS.
   */
  change(
    statement: Envelope,
    passedOn: readonly PassedOnBlob[],
    proveSheet: (recovery: string) => void,
  ): ChangeResult {
    const checked = checkStatement(this.#keyring(), statement);
    const { change } = checked.statement;
    if (!OWNERS_CHANGES.has(change.kind)) throw notHere(change.kind);
    if (change.kind === "remove") requireForEach(checked.keyring, passedOn);
    else if (passedOn.length > 0)
      throw new MalformedInput("passedOn", "Cannot pass on readers: this change brings none");
    this.#requireNew(checked);
    if (change.kind === "sheet") proveSheet(change.recovery);
    return this.#acceptOrKeep(checked, { envelope: statement, passedOn, newcomer: null }, null);
  }

  /**
   * As {@link change}, for the admission of a device that waits in a pairing.
   *
   * @throws HubError PASSKEY_FOREIGN besides.
   */
  admit(
    statement: Envelope,
    label: DeviceLabel,
    newcomer: { readonly pairing: string; readonly sealed: string },
  ): ChangeResult {
    const checked = checkStatement(this.#keyring(), statement);
    const { change } = checked.statement;
    if (change.kind !== "admit") throw notHere(change.kind);
    requireOwnPasskey(change.device.passkey, this.#origins());
    this.#requireNew(checked);
    return this.#acceptOrKeep(checked, { envelope: statement, passedOn: [], newcomer }, label);
  }

  /** Each with who has signed it so far. */
  proposals(): (KeyringProposal & { readonly signers: string[]; readonly needed: number })[] {
    const keyring = this.#keyring();
    return this.#household.proposals.list().map((proposal) => {
      const { signers, needed } = checkStatement(keyring, proposal.envelope);
      return { ...proposal, signers: [...signers], needed };
    });
  }

  /**
   * Adds another owner's signature to a proposal, and accepts it where that is enough.
   *
   * @param label - Of the device that it admits.
   */
  cosign(id: string, statement: Envelope, label: DeviceLabel | null): ChangeResult {
    const known = this.#household.proposals.get(id);
    if (statement.payload !== known.envelope.payload)
      throw new MalformedInput("statement", "Cannot sign proposal: this is another statement");
    const has = new Set(known.envelope.signatures.map(({ keyid }) => keyid));
    const added = statement.signatures.filter(({ keyid }) => !has.has(keyid));
    const envelope = {
      ...known.envelope,
      signatures: [...known.envelope.signatures, ...added],
    };
    const keyring = this.#keyring();
    const checked = checkStatement(keyring, envelope);
    if (checked.signers.length <= checkStatement(keyring, known.envelope).signers.length)
      throw new HubError("NOT_OPEN", "Cannot sign proposal: this person has signed it already");
    return this.#acceptOrKeep(checked, { ...known, envelope }, label);
  }

  /**
   * Takes a notice of the recovery sheet, or its completion when the hub has run for 72 hours since.
   *
   * @throws KeyringRefused, HubError CLOCKS_DIFFER, RECOVERY_TOO_EARLY, PASSED_ON_INCOMPLETE,
   *   PASSKEY_FOREIGN.
   */
  recover(statement: Envelope, label: DeviceLabel | null, passedOn: readonly PassedOnBlob[]): void {
    const checked = checkStatement(this.#keyring(), statement);
    const { change, atMs } = checked.statement;
    const isNotice = change.kind === "recovery_notice";
    if (!isNotice && change.kind !== "recovery_complete") throw notHere(change.kind);
    if (isNotice) requireOwnPasskey(change.admit?.device.passkey, this.#origins());
    this.#requireSameClock(atMs);
    const { pending } = checked.keyring;
    if (isNotice && pending) requireForEach(afterRecovery(checked.keyring, pending), passedOn);
    else {
      this.#requireTime();
      requireOnlyHolders(checked.keyring, passedOn);
    }
    this.#household.accept(statement, label, { passedOn });
  }

  /** How long the notice that is pending has stood, by the time that this hub ran. */
  ranMs(): number {
    return this.#household.noticeClock.ranMs(this.#keyring());
  }

  /** Writes that time down, so that a restart does not lose it. */
  countTime(): void {
    this.#household.noticeClock.count(this.#keyring());
  }

  /**
   * What is passed on is under no signature. Proposed anew by somebody else, a change would lose the
   * readers that came with it, and the first signature.
   */
  #requireNew({ head }: CheckedStatement): void {
    if (this.#household.proposals.has(head))
      throw new HubError("NOT_OPEN", "Cannot propose: this change waits already; sign that one");
  }

  #requireTime(): void {
    const leftMs = RECOVERY_NOTICE_MS - this.ranMs();
    if (leftMs <= 0) return;
    const hours = Math.ceil(leftMs / 3_600_000);
    throw new HubError(
      "RECOVERY_TOO_EARLY",
      `Cannot complete recovery: the hub must run for ${hours} more hours, so that an owner can object`,
    );
  }

  #requireSameClock(atMs: number): void {
    const apartMs = Math.abs(atMs - this.#nowMs());
    if (apartMs <= CLOCK_SKEW_MAX_MS) return;
    throw new HubError(
      "CLOCKS_DIFFER",
      `Cannot accept recovery: the clocks of hub and device are ${Math.ceil(apartMs / 60_000)} minutes apart; set them first`,
    );
  }

  #acceptOrKeep(
    { signers, needed, head }: CheckedStatement,
    kept: Pick<KeyringProposal, "envelope" | "passedOn" | "newcomer">,
    label: DeviceLabel | null,
  ): ChangeResult {
    const isEnough = signers.length >= needed;
    const { envelope, passedOn } = kept;
    if (isEnough) this.#household.accept(envelope, label, { passedOn });
    else this.#household.proposals.put({ ...kept, proposal: head, proposedAtMs: this.#nowMs() });
    const state = isEnough ? "accepted" : "proposed";
    return { state, proposal: head, signers: signers.length, needed };
  }

  #keyring(): Keyring {
    const { keyring } = this.#household;
    if (!keyring)
      throw new HubError("NOT_CLAIMED", "Cannot change keyring: nobody has claimed this hub yet");
    return keyring;
  }
}

function notHere(kind: string): KeyringRefused {
  return new KeyringRefused(
    "KEYRING_INVALID_CHANGE",
    `Cannot accept keyring change: ${kind} is not handed in here`,
  );
}
