import { X509Certificate, createPrivateKey } from "node:crypto";
import { stat } from "node:fs/promises";
import { createSecureContext, type SecureContext } from "node:tls";
import { readSmallFile } from "../base/files.ts";
import { HubError } from "../protocol/errors.ts";
import { openAuthority, removeAuthority, type Authority } from "./authority.ts";

const FILE_BYTES_MAX = 256 * 1024;
const WARN_BEFORE_MS = 14 * 86_400_000;
/** With these all browsers of the last ten years; each has forward secrecy and authenticates. */
const CIPHERS = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
].join(":");

/** One for the server and for the contexts it takes by name: else no session is ever resumed. */
export const SESSION_CONTEXT = "doorward";

export interface OwnCertificate {
  /** PEM: the certificate, then those that vouch for it. */
  readonly chain: string;
  /** PEM, without a passphrase. */
  readonly key: string;
}

/** What is shown under a name. */
export interface ShownCertificate {
  readonly kind: "own" | "household";
  readonly context: SecureContext;
  /** In ms since 1970. */
  readonly notAfterMs: number;
  /** Null where the owner's own is shown. */
  readonly authority: Authority | null;
}

interface OwnRead {
  readonly certificate: X509Certificate;
  readonly context: SecureContext;
}

/**
 * The certificates of the names by which the hub goes: the owner's own where it is made for the name,
 * else the household's. A renewed one is shown from the next connection on.
 */
export class LanCertificates {
  readonly #directory: string;
  readonly #nowMs: () => number;
  readonly #isClockBelieved: () => boolean;
  readonly #shown = new Map<string, ShownCertificate>();
  readonly #authorities = new Map<string, Authority>();
  #own: OwnCertificate | null = null;
  #ownRead: OwnRead | null = null;
  /** Of the own files as they were last looked at. */
  #ownSeen = "";
  #ownTrouble: string | null = null;
  #trouble: string | null = null;

  constructor(options: {
    readonly directory: string;
    /** UTC, may jump. */
    readonly nowMs: () => number;
    /** False while what the clock says is doubted. */
    readonly isClockBelieved: () => boolean;
  }) {
    this.#directory = options.directory;
    this.#nowMs = options.nowMs;
    this.#isClockBelieved = options.isClockBelieved;
  }

  shown(name: string): ShownCertificate | null {
    return this.#shown.get(name) ?? null;
  }

  authority(name: string): Authority | null {
    return this.#authorities.get(name) ?? null;
  }

  /** In words, what is wrong with a certificate; null where nothing is. */
  get trouble(): string | null {
    return this.#ownTrouble ?? this.#trouble ?? this.#endingSoon();
  }

  /**
   * Shows these names from now on and no others; called again, it takes in what was renewed. What
   * cannot be renewed stays as it was, and `trouble` says so.
   *
   * @throws HubError where a name has no certificate at all.
   */
  async show(names: readonly string[], own: OwnCertificate | null): Promise<void> {
    await this.#readOwn(own);
    for (const name of this.#shown.keys()) if (!names.includes(name)) this.#shown.delete(name);
    this.#trouble = null;
    for (const name of names) {
      try {
        this.#shown.set(name, await this.#certificateOf(name));
      } catch (error) {
        if (!this.#shown.has(name)) throw error;
        const found = error instanceof Error ? error.message : "unknown";
        this.#trouble = `The certificate of ${name} could not be renewed: ${found}`;
      }
    }
  }

  /**
   * Removes the authority of a name that is not shown, with its leaf, for good.
   *
   * @returns whether there was one.
   */
  async forget(name: string): Promise<boolean> {
    if (this.#shown.has(name)) return false;
    this.#authorities.delete(name);
    return removeAuthority(this.#directory, name);
  }

  async #certificateOf(name: string): Promise<ShownCertificate> {
    const own = this.#ownRead;
    if (own?.certificate.checkHost(name) !== undefined && own !== null)
      return {
        kind: "own",
        context: own.context,
        notAfterMs: own.certificate.validToDate.getTime(),
        authority: null,
      };
    const known = this.#authorities.get(name);
    const clock = { nowMs: this.#nowMs, isClockBelieved: this.#isClockBelieved };
    const authority =
      known ?? (await openAuthority({ directory: this.#directory, name, ...clock }));
    this.#authorities.set(name, authority);
    const before = this.#shown.get(name);
    // At the start a leaf that cannot be renewed yet, on a full disk, is better than none.
    const isRenewed = before === undefined || (await authority.renewIfDue());
    if (before?.authority === authority && !isRenewed) return before;
    const { certPem, keyPem, notAfterMs } = await authority.leaf();
    return { kind: "household", context: contextOf(certPem, keyPem), notAfterMs, authority };
  }

  /** A file that is wrong leaves what was read before it in force. */
  async #readOwn(own: OwnCertificate | null): Promise<void> {
    const isSame = own?.chain === this.#own?.chain && own?.key === this.#own?.key;
    this.#own = own;
    if (!isSame || own === null) {
      this.#ownRead = null;
      this.#ownTrouble = null;
      this.#ownSeen = "";
    }
    if (own === null) return;
    const seen = await stampOf(own);
    if (seen === this.#ownSeen) return;
    try {
      this.#ownRead = await readOwn(own, this.#nowMs());
      this.#ownTrouble = null;
    } catch (error) {
      const found = error instanceof Error ? error.message : "unknown";
      const kept = this.#ownRead ? "; the one before it is shown" : "";
      this.#ownTrouble = `The certificate of listen.certificate cannot be used: ${found}${kept}`;
    }
    this.#ownSeen = seen;
  }

  #endingSoon(): string | null {
    for (const [name, { notAfterMs, kind }] of this.#shown) {
      if (notAfterMs - this.#nowMs() > WARN_BEFORE_MS) continue;
      const day = new Date(notAfterMs).toISOString().slice(0, 10);
      const whose = kind === "own" ? "Your own certificate" : "The certificate";
      return `${whose} of ${name} ends on ${day}`;
    }
    return null;
  }
}

function contextOf(cert: string, key: string): SecureContext {
  const sessionIdContext = SESSION_CONTEXT;
  return createSecureContext({
    cert,
    key,
    minVersion: "TLSv1.2",
    ciphers: CIPHERS,
    sessionIdContext,
  });
}

async function readOwn({ chain, key }: OwnCertificate, nowMs: number): Promise<OwnRead> {
  const [cert, secret] = await Promise.all([readText(chain), readText(key)]);
  let certificate: X509Certificate;
  let context: SecureContext;
  try {
    certificate = new X509Certificate(cert);
    if (!certificate.checkPrivateKey(createPrivateKey(secret)))
      throw new HubError("MALFORMED_INPUT", `${key} is not the key of ${chain}`);
    context = contextOf(cert, secret);
  } catch (cause) {
    if (cause instanceof HubError) throw cause;
    throw new HubError("MALFORMED_INPUT", `${chain} and ${key} are no certificate and its key`, {
      cause,
    });
  }
  if (certificate.validToDate.getTime() <= nowMs)
    throw new HubError("MALFORMED_INPUT", `${chain} ended on ${certificate.validTo}`);
  return { certificate, context };
}

async function readText(file: string): Promise<string> {
  const bytes = await readSmallFile(file, FILE_BYTES_MAX);
  if (bytes === null) throw new HubError("MALFORMED_INPUT", `there is no file ${file}`);
  return new TextDecoder().decode(bytes);
}

async function stampOf({ chain, key }: OwnCertificate): Promise<string> {
  const stamps = [chain, key].map((file) =>
    stat(file, { bigint: true }).then(
      ({ ino, size, mtimeNs }) => `${ino} ${size} ${mtimeNs}`,
      () => "none",
    ),
  );
  return (await Promise.all(stamps)).join(" ");
}
