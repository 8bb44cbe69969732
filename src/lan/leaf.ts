import { X509Certificate } from "node:crypto";
import { HubError } from "../protocol/errors.ts";
import { makeLeaf, type MadeCertificate } from "./make-certificate.ts";
import { readPemFile, writePemFile, type PemFile } from "./pem-file.ts";
import { EARLIEST_MS, isPlausible, requirePlausibleClock } from "../base/plausible-clock.ts";

/** What a TLS listener shows. */
export interface Leaf {
  /** The server's certificate, then its issuer's; whoever trusts the authority needs no more. */
  readonly certPem: string;
  /** PKCS 8. */
  readonly keyPem: string;
  /** In ms since 1970. */
  readonly notAfterMs: number;
}

export interface LeafOptions {
  readonly file: string;
  readonly issuer: MadeCertificate;
  readonly name: string;
  /** End of the authority, in ms since 1970; no leaf outlives it. */
  readonly authorityEndsMs: number;
  /** UTC, may jump. */
  readonly nowMs: () => number;
  /** False while what the clock says is doubted; by default it never is. */
  readonly isClockBelieved?: () => boolean;
}

const DAY_MS = 86_400_000;
/** No more than browsers take from public authorities (398 days), though they ask it of those only. */
const LEAF_DAYS = 397;
const RENEW_DAYS_BEFORE = 30;
/** Of those, before now: phones' clocks are not all right. */
const DAYS_BEFORE = 1;

interface Kept extends MadeCertificate {
  readonly certificate: X509Certificate;
}

/** Keeps the one leaf of an authority: reads it, makes it, and makes the next one in time. */
export class LeafKeeper {
  readonly #options: LeafOptions;
  readonly #issuer: X509Certificate;
  #inForce: Kept | null = null;
  /** One at a time: two that are made at once would each be written over the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: LeafOptions) {
    this.#options = options;
    this.#issuer = new X509Certificate(options.issuer.certificatePem);
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
  async #kept(): Promise<Kept | null> {
    if (this.#inForce) return this.#inForce;
    try {
      const read = await readPemFile(this.#options.file);
      const kept = read && keptIn(read);
      if (kept && this.#isOwn(kept.certificate)) this.#inForce = kept;
    } catch (error) {
      // Unlike the authority it can be made anew: nobody has to trust it by hand.
      if (!(error instanceof HubError && error.code === "PEM_DAMAGED")) throw error;
    }
    return this.#inForce;
  }

  #isOwn(certificate: X509Certificate): boolean {
    return (
      certificate.verify(this.#issuer.publicKey) &&
      certificate.issuer === this.#issuer.subject &&
      certificate.subjectAltName === `DNS:${this.#options.name}`
    );
  }

  #isDue({ certificate }: Kept): boolean {
    const nowMs = this.#options.nowMs();
    // By a clock that cannot be right nothing is due: phones have one of their own.
    if (!isPlausible(nowMs)) return false;
    // One that begins only later was made while the clock was ahead.
    if (certificate.validFromDate.getTime() > nowMs) return true;
    // The next one would begin years ahead, and phones would take neither.
    if (this.#options.isClockBelieved?.() === false) return false;
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

  async #make(): Promise<Kept> {
    const { issuer, name, file, authorityEndsMs } = this.#options;
    const nowMs = this.#options.nowMs();
    requirePlausibleClock(nowMs, "make a certificate");
    if (authorityEndsMs - nowMs < DAY_MS)
      throw new HubError(
        "AUTHORITY_ENDED",
        `Cannot make a certificate for ${name}: its authority has come to its end; see docs/guide.md`,
      );
    const made = await makeLeaf(issuer, name, this.#validity(nowMs));
    this.#inForce = keptIn(await writePemFile(file, made.keyPem, [made.certificatePem]));
    return this.#inForce;
  }

  #shown({ certificatePem, keyPem, certificate }: Kept): Leaf {
    return {
      certPem: certificatePem + this.#options.issuer.certificatePem,
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

/** @throws HubError PEM_DAMAGED. */
function keptIn({ keyPem, certificates }: PemFile): Kept {
  const [leaf, ...others] = certificates;
  if (!leaf || others.length > 0) throw new HubError("PEM_DAMAGED", "it does not hold one leaf");
  return { keyPem, certificatePem: leaf.pem, certificate: leaf.read };
}
