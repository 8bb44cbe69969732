import { X509Certificate } from "node:crypto";
import { HubError } from "../protocol/errors.ts";
import { makeLeaf, type MadeCertificate } from "./make-certificate.ts";
import { readPair, writePair, type PemPair } from "./pem-pair.ts";
import { EARLIEST_MS, requirePlausibleClock } from "./plausible-clock.ts";

/** What a TLS listener shows. */
export interface Leaf {
  /** The server's certificate, then the authority's. */
  readonly certPem: string;
  /** PKCS 8. */
  readonly keyPem: string;
  /** In ms since 1970. */
  readonly notAfterMs: number;
}

export interface LeafOptions {
  readonly file: string;
  readonly authority: MadeCertificate;
  readonly name: string;
  /** End of the authority, in ms since 1970; no leaf outlives it. */
  readonly authorityEndsMs: number;
  /** UTC, may jump. */
  readonly nowMs: () => number;
}

const DAY_MS = 86_400_000;
/** No more than browsers take from public authorities (398 days), though they ask it of those only. */
const LEAF_DAYS = 397;
const RENEW_DAYS_BEFORE = 30;
/** Of those, before now: phones' clocks are not all right. */
const DAYS_BEFORE = 1;

/** Keeps the one leaf of an authority: reads it, makes it, and makes the next one in time. */
export class LeafKeeper {
  readonly #options: LeafOptions;
  readonly #authority: X509Certificate;
  #inForce: PemPair | null = null;
  /** One at a time: two that are made at once would each be written over the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: LeafOptions) {
    this.#options = options;
    this.#authority = new X509Certificate(options.authority.certificatePem);
  }

  /** @throws HubError CLOCK_WRONG, AUTHORITY_ENDED, where there is none and none can be made. */
  async leaf(): Promise<Leaf> {
    return this.#inTurn(async () => {
      const kept = await this.#kept();
      if (kept && !this.#isDue(kept)) return this.#shown(kept);
      try {
        return this.#shown(await this.#make());
      } catch (error) {
        // A clock that is wrong for an hour must not take away what phones can still use.
        if (kept === null) throw error;
        return this.#shown(kept);
      }
    });
  }

  /** @throws HubError CLOCK_WRONG, AUTHORITY_ENDED. */
  async renewIfDue(): Promise<boolean> {
    return this.#inTurn(async () => {
      const kept = await this.#kept();
      if (kept && !this.#isDue(kept)) return false;
      await this.#make();
      return true;
    });
  }

  /** What is on the disk, where this authority made it for this name; a damaged one counts as none. */
  async #kept(): Promise<PemPair | null> {
    if (this.#inForce) return this.#inForce;
    try {
      const pair = await readPair(this.#options.file);
      if (pair && this.#isOwn(pair.certificate)) this.#inForce = pair;
    } catch (error) {
      // Unlike the authority it can be made anew: nobody has to trust it by hand.
      if (!(error instanceof HubError && error.code === "PAIR_DAMAGED")) throw error;
    }
    return this.#inForce;
  }

  #isOwn(certificate: X509Certificate): boolean {
    return (
      certificate.verify(this.#authority.publicKey) &&
      certificate.issuer === this.#authority.subject &&
      certificate.subjectAltName === `DNS:${this.#options.name}`
    );
  }

  #isDue({ certificate }: PemPair): boolean {
    const nowMs = this.#options.nowMs();
    // One that begins only later was made while the clock was ahead.
    if (certificate.validFromDate.getTime() > nowMs) return true;
    const endsMs = certificate.validToDate.getTime();
    const wouldEndMs = this.#validity(nowMs).untilMs;
    return endsMs - nowMs < RENEW_DAYS_BEFORE * DAY_MS && wouldEndMs - endsMs >= DAY_MS;
  }

  #validity(nowMs: number): { fromMs: number; untilMs: number } {
    const fromMs = Math.max(EARLIEST_MS, nowMs - DAYS_BEFORE * DAY_MS);
    // Its last second counts, so that a whole number of days would be a second more than that.
    const untilMs = Math.min(fromMs + LEAF_DAYS * DAY_MS - 1_000, this.#options.authorityEndsMs);
    return { fromMs, untilMs };
  }

  async #make(): Promise<PemPair> {
    const { authority, name, file, authorityEndsMs } = this.#options;
    const nowMs = this.#options.nowMs();
    requirePlausibleClock(nowMs);
    if (authorityEndsMs - nowMs < DAY_MS)
      throw new HubError(
        "AUTHORITY_ENDED",
        `Cannot make a certificate for ${name}: its authority has come to its end; see docs/guide.md`,
      );
    const made = await makeLeaf(authority, name, this.#validity(nowMs));
    this.#inForce = await writePair(file, made);
    return this.#inForce;
  }

  #shown({ certificatePem, keyPem, certificate }: PemPair): Leaf {
    return {
      certPem: certificatePem + this.#options.authority.certificatePem,
      keyPem,
      notAfterMs: certificate.validToDate.getTime(),
    };
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
