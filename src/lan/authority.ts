import { access, rm } from "node:fs/promises";
import path from "node:path";
import { makePrivateDirectory } from "../base/files.ts";
import { HubError } from "../protocol/errors.ts";
import { isHouseName } from "../protocol/house-name.ts";
import { authorityFingerprint, authorityWords } from "./fingerprint-words.ts";
import { LeafKeeper, type Leaf } from "./leaf.ts";
import { makeAuthority, type MadeCertificate } from "./make-certificate.ts";
import { nameConstraintsFor } from "./name-constraints.ts";
import { readPemFile, writePemFile, type PemFile } from "./pem-file.ts";
import { EARLIEST_MS, requirePlausibleClock } from "../base/plausible-clock.ts";

/**
 * The household's own certificate authority for one DNS name. Phones trust it once; the leaf that
 * the hub shows is renewed under it with nothing to be done on them.
 */
export interface Authority {
  readonly name: string;
  readonly certificatePem: string;
  readonly certificateDer: Uint8Array;
  /** Eight words of the certificate, to compare by eye. */
  readonly words: readonly string[];
  /** SHA-256 of the certificate as `A1 B2 ...`, as a phone's own settings show it. */
  readonly fingerprint: string;
  /** Of the authority, in ms since 1970. Then phones have to trust a new one. */
  readonly notAfterMs: number;
  /**
   * The certificate to show, made where there is none that can be used.
   *
   * @throws HubError CLOCK_WRONG where one has to be made while this machine's clock cannot be right.
   */
  leaf(): Promise<Leaf>;
  /**
   * Looks at the leaf by the clock of now and makes a new one where it ends within 30 days, has
   * ended, or begins only later (it was made while the clock was ahead). By a clock that is doubted
   * none counts as ended.
   *
   * @returns whether there is a new one, which is then what `leaf()` gives.
   * @throws HubError as `leaf`, and what the disk says. The one in force stays.
   */
  renewIfDue(): Promise<boolean>;
}

export interface AuthorityOptions {
  /** A folder for the secrets of certificates; made (0700) where it is missing. */
  readonly directory: string;
  /** As `isHouseName` takes. */
  readonly name: string;
  /** UTC, may jump. */
  readonly nowMs: () => number;
  /** False while what the clock says is doubted: nothing ends by it then. By default it never is. */
  readonly isClockBelieved?: () => boolean;
}

const DAY_MS = 86_400_000;
/**
 * Ten years: at its end every phone of a house has to be taken in hand again. It can be that long
 * since it vouches for one name only, and its key is on the machine that answers to that name.
 */
const AUTHORITY_DAYS = 3_652;

/**
 * Opens the authority for `name`, or makes one where there has never been one.
 *
 * @throws HubError MALFORMED_INPUT for a name that no hub can have; CLOCK_WRONG where one has to be
 *   made by a clock that cannot be right; SECRETS_READABLE where others on this machine may read it;
 *   AUTHORITY_DAMAGED, AUTHORITY_GONE: never replaced by itself, since phones would have to trust
 *   the new one.
 */
export async function openAuthority(options: AuthorityOptions): Promise<Authority> {
  const { directory, name, nowMs, isClockBelieved } = options;
  if (!isHouseName(name))
    throw new HubError("MALFORMED_INPUT", `Cannot make certificates for ${JSON.stringify(name)}`);
  await makePrivateDirectory(directory);
  const { file, leafFile } = filesOf(directory, name);
  const { issuer, root } =
    (await readAuthority(file, name)) ?? (await begin(file, leafFile, options));
  const certificateDer = new Uint8Array(root.read.raw);
  const notAfterMs = root.read.validToDate.getTime();
  const keeper = new LeafKeeper({
    file: leafFile,
    issuer,
    name,
    authorityEndsMs: notAfterMs,
    nowMs,
    ...(isClockBelieved ? { isClockBelieved } : {}),
  });
  return {
    name,
    certificatePem: root.pem,
    certificateDer,
    words: authorityWords(certificateDer),
    fingerprint: authorityFingerprint(certificateDer),
    notAfterMs,
    leaf: async () => keeper.leaf(),
    renewIfDue: async () => keeper.renewIfDue(),
  };
}

/**
 * Removes an authority that nothing relies on.
 *
 * @returns whether there was one.
 */
export async function removeAuthority(directory: string, name: string): Promise<boolean> {
  const { file, leafFile } = filesOf(directory, name);
  const wasThere = await isThere(file);
  // A leaf that was left alone would say that phones trust the authority which is gone.
  await rm(leafFile, { force: true });
  await rm(file, { force: true });
  return wasThere;
}

function filesOf(directory: string, name: string): { file: string; leafFile: string } {
  return {
    file: path.join(directory, `authority-${name}.pem`),
    leafFile: path.join(directory, `leaf-${name}.pem`),
  };
}

interface Opened {
  readonly issuer: MadeCertificate;
  readonly root: PemFile["certificates"][number];
}

async function begin(
  file: string,
  leafFile: string,
  { name, nowMs }: AuthorityOptions,
): Promise<Opened> {
  if (await isThere(leafFile))
    throw new HubError(
      "AUTHORITY_GONE",
      [
        `Cannot make certificates for ${name}: ${file} is gone, though phones trust it.`,
        `Bring it back from a backup; or remove ${leafFile} as well,`,
        "and let every phone trust a new one",
      ].join(" "),
    );
  const fromNowMs = nowMs();
  requirePlausibleClock(fromNowMs, "make a certificate");
  const validity = { fromMs: EARLIEST_MS, untilMs: fromNowMs + AUTHORITY_DAYS * DAY_MS };
  const { rootPem, issuer } = await makeAuthority(name, validity);
  const written = await writePemFile(file, issuer.keyPem, [issuer.certificatePem, rootPem]);
  return requireFor(name, written);
}

async function readAuthority(file: string, name: string): Promise<Opened | null> {
  try {
    const read = await readPemFile(file);
    return read && requireFor(name, read);
  } catch (error) {
    if (!(error instanceof HubError && error.code === "PEM_DAMAGED")) throw error;
    throw new HubError(
      "AUTHORITY_DAMAGED",
      [
        `Cannot use ${file}: ${error.message}. Bring it back from a backup; or move it and the`,
        "leaf beside it away, and let every phone trust a new one",
      ].join(" "),
      { cause: error },
    );
  }
}

/** @throws HubError PEM_DAMAGED. */
function requireFor(name: string, { keyPem, certificates }: PemFile): Opened {
  const [issuer, root] = certificates;
  if (!issuer || !root) throw new HubError("PEM_DAMAGED", "one of its two certificates is missing");
  const rootKey = root.read.publicKey;
  const isChain = root.read.verify(rootKey) && issuer.read.verify(rootKey);
  if (!isChain || !root.read.ca || !issuer.read.ca)
    throw new HubError("PEM_DAMAGED", "its certificates are not those of an authority");
  // One for more than this name would be a key to other sites, with phones that trust it.
  const constraints = Buffer.from(nameConstraintsFor(name));
  if (!root.read.raw.includes(constraints) || !issuer.read.raw.includes(constraints))
    throw new HubError("PEM_DAMAGED", `it is not made for ${name} alone`);
  return { issuer: { certificatePem: issuer.pem, keyPem }, root };
}

async function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
