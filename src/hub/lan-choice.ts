import { requireName } from "./lan-words.ts";
import type { LanCertificates } from "../lan/lan-certificates.ts";
import type { LanNames } from "../lan/lan-names.ts";
import { HubError } from "../protocol/errors.ts";

/** Each makes an authority; before the claim anybody in the house may choose. */
const CHOICES_MAX = 20;

export interface NameChoiceOptions {
  readonly names: LanNames;
  readonly certificates: LanCertificates;
  readonly isClaimed: () => boolean;
  /** It stands in the settings, which have the last word. */
  readonly isWritten: () => boolean;
  /** By which the hub goes. */
  readonly inForce: () => readonly string[];
  /** Serves the names that are in force now, and no other. */
  readonly configure: () => Promise<void>;
  /** The address of another machine that goes by a name; null where none does. */
  readonly takenBy: (name: string) => Promise<string | null>;
}

/**
 * The choice of a name before the claim. The authority of a name that is chosen no longer is removed
 * with it: no key of a household belongs to it yet. After the claim none is ever removed.
 */
export class NameChoice {
  readonly #options: NameChoiceOptions;
  #choices = 0;
  readonly #former = new Set<string>();
  #tail: Promise<unknown> = Promise.resolve();

  constructor(options: NameChoiceOptions) {
    this.#options = options;
  }

  /** Names whose certificates were removed since the hub was started; a phone may trust one still. */
  get former(): readonly string[] {
    return [...this.#former];
  }

  /**
   * One after the other.
   *
   * @throws HubError LAN_NAME_TAKEN, LAN_NAME_SET, CLAIM_GONE, TOO_MANY_CALLS, MALFORMED_INPUT.
   */
  async choose(name: string): Promise<void> {
    const chosen = this.#tail.then(() => this.#choose(name));
    this.#tail = chosen.catch(() => undefined);
    return chosen;
  }

  async #choose(name: string): Promise<void> {
    const { names, inForce, configure, takenBy, isClaimed } = this.#options;
    requireName(name);
    this.#requireFree();
    const before = names.get("chosen");
    if (name === before) return;
    if (this.#choices >= CHOICES_MAX)
      throw new HubError("TOO_MANY_CALLS", "Cannot choose a name: too many were; restart the hub");
    this.#choices += 1;
    const [former] = inForce();
    names.set("chosen", name);
    await configure();
    const by = await takenBy(name);
    // Whoever has claimed it meanwhile, has claimed it under this name.
    if (isClaimed()) return;
    if (by === null) {
      if (former !== undefined && (await this.#forget(former))) this.#former.add(former);
      return;
    }
    names.set("chosen", before);
    await configure();
    await this.#forget(name);
    throw new HubError(
      "LAN_NAME_TAKEN",
      `Cannot take ${name}: another machine goes by it, at ${by}; choose another name`,
    );
  }

  /** Only where what is in force is served: whoever has no new one keeps the old one. */
  async #forget(name: string): Promise<boolean> {
    const { certificates, inForce, isClaimed } = this.#options;
    const isServed = inForce().every((each) => certificates.shown(each) !== null);
    if (isClaimed() || !isServed || inForce().includes(name)) return false;
    return certificates.forget(name);
  }

  #requireFree(): void {
    const { isClaimed, isWritten } = this.#options;
    if (isClaimed())
      throw new HubError("CLAIM_GONE", "Cannot choose a name: this hub has a household already");
    if (isWritten())
      throw new HubError("LAN_NAME_SET", "Cannot choose a name: it stands in the settings file");
  }
}
