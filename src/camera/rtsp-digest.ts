import { createHash, randomBytes } from "node:crypto";
import { CameraError } from "./camera-error.ts";

/** How a camera wants to be shown the password: one `WWW-Authenticate` challenge (RFC 7616). */
export type Challenge =
  | {
      readonly scheme: "digest";
      readonly algorithm: DigestAlgorithm;
      readonly realm: string;
      readonly nonce: string;
      readonly opaque: string | undefined;
      /** Whether `qop=auth` is offered; without it the older form of RFC 2069 is used. */
      readonly qopAuth: boolean;
      readonly stale: boolean;
    }
  | { readonly scheme: "basic"; readonly realm: string };

export type DigestAlgorithm = "MD5" | "MD5-sess" | "SHA-256" | "SHA-256-sess";

export interface Credentials {
  readonly username: string;
  readonly password: string;
  /** Basic authentication puts the password on the wire; it is used only where this is set. */
  readonly allowBasic: boolean;
}

/** A challenge that was chosen, and how often its nonce was used. */
export interface ChallengeInUse {
  readonly challenge: Challenge;
  nonceCount: number;
}

const CHALLENGES_MAX = 16;
const STRENGTH: Readonly<Record<DigestAlgorithm, number>> = {
  MD5: 1,
  "MD5-sess": 2,
  "SHA-256": 3,
  "SHA-256-sess": 4,
};
const PARAMETER = /([a-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))/giy;

/**
 * Reads all challenges of all `WWW-Authenticate` headers. Those of an unknown scheme or algorithm,
 * and digest challenges without realm or nonce, are left out.
 */
export function parseChallenges(headerValues: readonly string[]): Challenge[] {
  return headerValues
    .slice(0, CHALLENGES_MAX)
    .flatMap(splitChallenges)
    .slice(0, CHALLENGES_MAX)
    .flatMap(({ scheme, parameters }) => readChallenge(scheme, parameters) ?? []);
}

/** The strongest that may be used, or null. Basic counts only where `allowBasic` is set. */
export function chooseChallenge(
  challenges: readonly Challenge[],
  allowBasic: boolean,
): Challenge | null {
  const strength = (challenge: Challenge): number =>
    challenge.scheme === "digest" ? STRENGTH[challenge.algorithm] : allowBasic ? 0 : -1;
  const [best] = challenges.toSorted((left, right) => strength(right) - strength(left));
  return best === undefined || strength(best) < 0 ? null : best;
}

/** The `Authorization` header for one request. Counts the use of the nonce. */
export function authorization(
  inUse: ChallengeInUse,
  credentials: Credentials,
  request: { readonly method: string; readonly uri: string },
  clientNonce: string = randomBytes(16).toString("hex"),
): string {
  const { challenge } = inUse;
  const { username, password } = credentials;
  if (challenge.scheme === "basic")
    return `Basic ${Buffer.from(`${username}:${password}`, "utf8").toString("base64")}`;
  inUse.nonceCount += 1;
  const { algorithm, realm, nonce } = challenge;
  const count = inUse.nonceCount.toString(16).padStart(8, "0");
  const hash = (text: string): string =>
    createHash(algorithm.startsWith("SHA") ? "sha256" : "md5")
      .update(text, "utf8")
      .digest("hex");

  // RFC 7616 section 3.4.
  const plainKey = hash(`${username}:${realm}:${password}`);
  const key = algorithm.endsWith("-sess") ? hash(`${plainKey}:${nonce}:${clientNonce}`) : plainKey;
  const what = hash(`${request.method}:${request.uri}`);
  const response = challenge.qopAuth
    ? hash(`${key}:${nonce}:${count}:${clientNonce}:auth:${what}`)
    : hash(`${key}:${nonce}:${what}`);

  const parts = [
    `username=${quoted(username)}`,
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `uri=${quoted(request.uri)}`,
    `response="${response}"`,
  ];
  // Some cameras refuse an algorithm they did not name, so MD5 without qop keeps the oldest form.
  if (algorithm !== "MD5" || challenge.qopAuth) parts.push(`algorithm=${algorithm}`);
  if (challenge.qopAuth) parts.push("qop=auth", `nc=${count}`, `cnonce="${clientNonce}"`);
  else if (algorithm.endsWith("-sess")) parts.push(`cnonce="${clientNonce}"`);
  if (challenge.opaque !== undefined) parts.push(`opaque=${quoted(challenge.opaque)}`);
  return `Digest ${parts.join(", ")}`;
}

/** @throws CameraError `BASIC_REFUSED` or `PROTOCOL_ERROR` when no challenge can be answered. */
export function requireChallenge(challenges: readonly Challenge[], allowBasic: boolean): Challenge {
  const chosen = chooseChallenge(challenges, allowBasic);
  if (chosen !== null) return chosen;
  if (challenges.some((challenge) => challenge.scheme === "basic"))
    throw new CameraError(
      "BASIC_REFUSED",
      "Cannot log in to camera: it takes only basic authentication, which is not allowed for it",
    );
  throw new CameraError(
    "PROTOCOL_ERROR",
    "Cannot log in to camera: it names no way of authentication that is known",
  );
}

function splitChallenges(value: string): { scheme: string; parameters: Map<string, string> }[] {
  const found: { scheme: string; parameters: Map<string, string> }[] = [];
  let offset = 0;
  while (offset < value.length && found.length < CHALLENGES_MAX) {
    // A token that no "=" follows begins a challenge; one that it follows is a parameter.
    const scheme = /[\s,]*([a-z0-9_-]+)(?=\s+[a-z0-9_-]+\s*=|\s*,|\s*$)/iy;
    scheme.lastIndex = offset;
    const match = scheme.exec(value);
    const name = match?.[1];
    if (match === null || name === undefined) break;
    const parameters = new Map<string, string>();
    offset = readParameters(value, scheme.lastIndex, parameters);
    found.push({ scheme: name.toLowerCase(), parameters });
  }
  return found;
}

function readParameters(value: string, start: number, into: Map<string, string>): number {
  let offset = start;
  while (offset < value.length) {
    const separator = /[\s,]*/y;
    separator.lastIndex = offset;
    separator.exec(value);
    PARAMETER.lastIndex = separator.lastIndex;
    const match = PARAMETER.exec(value);
    if (match === null) break;
    offset = PARAMETER.lastIndex;
    const text = match[2] === undefined ? (match[3] ?? "") : match[2].replace(/\\(.)/g, "$1");
    into.set((match[1] ?? "").toLowerCase(), text);
  }
  return offset;
}

function readChallenge(scheme: string, parameters: Map<string, string>): Challenge | null {
  const realm = parameters.get("realm");
  if (scheme === "basic") return { scheme: "basic", realm: realm ?? "" };
  if (scheme !== "digest" || realm === undefined) return null;
  const nonce = parameters.get("nonce");
  const algorithm = readAlgorithm(parameters.get("algorithm") ?? "MD5");
  if (nonce === undefined || algorithm === null) return null;
  const qop = parameters.get("qop");
  // An empty list is none: some firmware writes `qop=""`.
  const offers = qop?.trim()
    ? qop.split(",").map((offer) => offer.trim().toLowerCase())
    : undefined;
  if (offers !== undefined && !offers.includes("auth")) return null;
  return {
    scheme: "digest",
    algorithm,
    realm,
    nonce,
    opaque: parameters.get("opaque"),
    qopAuth: offers !== undefined,
    stale: parameters.get("stale")?.toLowerCase() === "true",
  };
}

function readAlgorithm(text: string): DigestAlgorithm | null {
  const upper = text.toUpperCase();
  if (upper === "MD5" || upper === "SHA-256") return upper;
  if (upper === "MD5-SESS") return "MD5-sess";
  if (upper === "SHA-256-SESS") return "SHA-256-sess";
  return null;
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}
