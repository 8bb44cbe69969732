import { createHash, randomBytes } from "node:crypto";
import type { PairingReveal } from "../protocol/api.ts";
import { canonicalJson } from "../protocol/canonical-json.ts";
import { HubError } from "../protocol/errors.ts";

const PAIRING_LIFETIME_MS = 10 * 60_000;
const PAIRINGS_MAX = 10;

export interface Pairing {
  readonly id: string;
  readonly tokenSha256: string;
  readonly commitment: string;
  readonly expiresAtMs: number;
  /** By a clock that only runs forward: ten minutes are ten minutes. */
  readonly expiresUpMs: number;
  ownerNonce: string | null;
  reveal: PairingReveal | null;
  /** Age file for the new device's transfer key; gone once fetched. */
  sealed: string | null;
}

/**
 * Where two devices leave messages for each other while one is being admitted. In memory, ten at
 * most, ten minutes at most. The hub relays; what it could change shows in the three words.
 */
export class Pairings {
  readonly #pairings = new Map<string, Pairing>();
  readonly #nowMs: () => number;
  readonly #upMs: () => number;
  readonly #onChange: () => void;

  /**
   * @param upMs - Only ever runs forward.
   * @param onChange - Something is new for the owner who admits.
   */
  constructor(nowMs: () => number, upMs: () => number, onChange: () => void = () => undefined) {
    this.#nowMs = nowMs;
    this.#upMs = upMs;
    this.#onChange = onChange;
  }

  start(commitment: string): { pairing: string; token: string; expiresAtMs: number } {
    this.#forgetExpired();
    if (this.#pairings.size >= PAIRINGS_MAX)
      throw new HubError("TOO_MANY_PAIRINGS", "Cannot pair: too many devices are waiting");
    const id = randomBytes(16).toString("hex");
    const token = randomBytes(32).toString("hex");
    const expiresAtMs = this.#nowMs() + PAIRING_LIFETIME_MS;
    this.#pairings.set(id, {
      id,
      tokenSha256: sha256Text(token),
      commitment,
      expiresAtMs,
      expiresUpMs: this.#upMs() + PAIRING_LIFETIME_MS,
      ownerNonce: null,
      reveal: null,
      sealed: null,
    });
    this.#onChange();
    return { pairing: id, token, expiresAtMs };
  }

  list(): Pairing[] {
    this.#forgetExpired();
    return [...this.#pairings.values()];
  }

  /** @throws HubError NOT_FOUND. */
  get(id: string): Pairing {
    this.#forgetExpired();
    const pairing = this.#pairings.get(id);
    if (!pairing) throw notFound();
    return pairing;
  }

  /** As {@link get}, for the new device, which has no session yet. */
  getWithToken(id: string, token: string): Pairing {
    const pairing = this.get(id);
    if (pairing.tokenSha256 !== sha256Text(token)) throw notFound();
    return pairing;
  }

  /** Once only: a second nonce would give a forger a second try at the words. */
  setOwnerNonce(id: string, nonce: string): void {
    const pairing = this.get(id);
    if (pairing.ownerNonce !== null)
      throw new HubError("NOT_OPEN", "Cannot pair: this exchange has begun already; start again");
    pairing.ownerNonce = nonce;
  }

  setReveal(pairing: Pairing, reveal: PairingReveal): void {
    const commitment = createHash("sha256").update(canonicalJson(reveal)).digest("hex");
    if (pairing.ownerNonce === null || pairing.reveal !== null || commitment !== pairing.commitment)
      throw new HubError("NOT_OPEN", "Cannot pair: this is not what the device committed to");
    pairing.reveal = reveal;
    this.#onChange();
  }

  /** Hands the sealed readers out once and forgets them. */
  takeSealed(pairing: Pairing): string | null {
    const { sealed } = pairing;
    if (sealed !== null) {
      this.#pairings.delete(pairing.id);
      this.#onChange();
    }
    return sealed;
  }

  #forgetExpired(): void {
    const upMs = this.#upMs();
    for (const [id, { expiresUpMs }] of this.#pairings)
      if (expiresUpMs <= upMs) this.#pairings.delete(id);
  }
}

function notFound(): HubError {
  return new HubError("NOT_FOUND", "Cannot pair: no device is waiting under this name");
}

function sha256Text(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
