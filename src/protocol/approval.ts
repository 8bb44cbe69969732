import { parseAgeHeader, parseRecipient, STANZA_TYPE } from "./age-header.ts";
import { tooMuchForBundle } from "./bundle.ts";
import { equalBytes, fromBase64, sha256Hex } from "./bytes.ts";
import { checkShape } from "./check.ts";
import type { FileKey, ListedFile } from "./clip.ts";
import {
  DecisionSchema,
  fileName,
  filesOfTerms,
  impliedRedactions,
  termsHash,
  type Decision,
  type Terms,
} from "./decision.ts";
import {
  openEnvelope,
  PAYLOAD_TYPES,
  verifyEnvelopeSignature,
  type Envelope,
  type EnvelopeSignature,
} from "./envelope.ts";
import { HubError, MalformedInput } from "./errors.ts";
import {
  parseClipId,
  parseDeviceId,
  type CameraId,
  type ClipId,
  type DeviceId,
  type PersonId,
  type RequestId,
  type Sha256Hex,
} from "./ids.ts";
import { roleOfDevice, type Keyring } from "./keyring.ts";
import { AVAILABLE_MAX_MS, CLOCK_SKEW_MAX_MS } from "./limits.ts";
import { listedFile } from "./listed-files.ts";
import { recipientWords } from "./words.ts";
import { verifyAssertion } from "./webauthn.ts";

/** Everything a decision is held against; each member comes from the ledger side, none from the signer. */
export interface DecisionContext {
  readonly keyring: Keyring;
  readonly request: {
    readonly id: RequestId;
    readonly sha256: Sha256Hex;
    /** The request's own recipient; the owner may choose one only where this is null. */
    readonly recipient: string | null;
    readonly expiresAtMs: number;
  };
  /** The nonce that the hub issued for this request and has not seen spent; null where there is none. */
  readonly nonce: string | null;
  readonly nowMs: number;
  /** The closed sealed file as the ledger has it, or null. */
  findFile(clip: ClipId, file: FileKey): { camera: CameraId; file: ListedFile } | null;
  /** True when the ledger had this root at this size. */
  knowsCheckpoint(size: number, root: string): boolean;
}

export class DecisionRefused extends HubError {
  override readonly name = "DecisionRefused";
  declare readonly code:
    | "DECISION_MALFORMED"
    | "DECISION_WRONG_ORIGIN"
    | "DECISION_WRONG_REQUEST"
    | "DECISION_WRONG_KEYRING"
    | "DECISION_UNKNOWN_KEY"
    | "DECISION_BAD_SIGNATURE"
    | "DECISION_PASSKEY_MISSING"
    | "DECISION_PASSKEY_INVALID"
    | "DECISION_SAME_PERSON_TWICE"
    | "DECISION_NOT_ENOUGH_SIGNERS"
    | "DECISION_BAD_NONCE"
    | "DECISION_NOT_YET"
    | "DECISION_EXPIRED"
    | "DECISION_UNKNOWN_CHECKPOINT"
    | "DECISION_WRONG_RECIPIENT"
    | "DECISION_UNKNOWN_FILE"
    | "DECISION_WRONG_FILE"
    | "DECISION_WRONG_REDACTIONS"
    | "DECISION_TOO_LARGE"
    | "DECISION_BAD_HEADER"
    | "DECISION_WRONG_OUTCOME";
}

interface Verified {
  readonly envelope: Envelope;
  readonly payload: Uint8Array;
  readonly decision: Decision;
  readonly signers: readonly DeviceId[];
}

/**
 * Proof that the owners signed for exactly these files, this recipient and these headers. The
 * constructor is private and the class has a `#private` member, so that `verify` is the only way to
 * get one and a look-alike object does not compile. Whatever writes a bundle takes nothing else.
 */
export class VerifiedApproval {
  readonly #verified: Verified;

  private constructor(verified: Verified) {
    this.#verified = verified;
  }

  /**
   * @param value - The envelope as parsed JSON, from anywhere.
   * @throws DecisionRefused with the reason, also for a signed refusal.
   */
  static verify(value: unknown, context: DecisionContext): VerifiedApproval {
    const verified = verifyDecision(value, context);
    if (verified.decision.terms.outcome === "refused")
      refuse("DECISION_WRONG_OUTCOME", "the owner signed a refusal");
    return new VerifiedApproval(verified);
  }

  get terms(): Terms {
    return this.#verified.decision.terms;
  }
  get release(): Decision["release"] {
    return this.#verified.decision.release;
  }
  get envelope(): Envelope {
    return this.#verified.envelope;
  }
  get decisionSha256(): Sha256Hex {
    return sha256Hex(this.#verified.payload);
  }
  get signers(): readonly DeviceId[] {
    return this.#verified.signers;
  }
  /** New headers with the file each belongs to, in the order of the terms. */
  get files(): { clip: ClipId; camera: string; file: ListedFile; header: Uint8Array }[] {
    return filesOfTerms(this.terms).map(({ clip, file }, index) => ({
      clip: parseClipId(clip.clip),
      camera: clip.camera,
      file: listedFile(file),
      header: fromBase64(this.release[index]?.header ?? "", "header"),
    }));
  }
}

/**
 * Proof that at least one owner, and maybe not enough of them, signed for exactly these files: what
 * the other owners are asked to sign as well. Nothing is ever made from it.
 */
export class VerifiedProposal {
  readonly #verified: Verified;

  private constructor(verified: Verified) {
    this.#verified = verified;
  }

  /** @throws DecisionRefused with the reason, also for a signed refusal: that needs no other owner. */
  static verify(value: unknown, context: DecisionContext): VerifiedProposal {
    const verified = verifyDecision(value, context, 1);
    if (verified.decision.terms.outcome === "refused")
      refuse("DECISION_WRONG_OUTCOME", "the owner signed a refusal");
    return new VerifiedProposal(verified);
  }

  get decision(): Decision {
    return this.#verified.decision;
  }
  get envelope(): Envelope {
    return this.#verified.envelope;
  }
  get decisionSha256(): Sha256Hex {
    return sha256Hex(this.#verified.payload);
  }
  get signers(): readonly DeviceId[] {
    return this.#verified.signers;
  }
}

/** Proof that an owner signed a refusal. Made like {@link VerifiedApproval}. */
export class VerifiedRefusal {
  readonly #verified: Verified;

  private constructor(verified: Verified) {
    this.#verified = verified;
  }

  /** @throws DecisionRefused with the reason, also for a signed approval. */
  static verify(value: unknown, context: DecisionContext): VerifiedRefusal {
    const verified = verifyDecision(value, context);
    if (verified.decision.terms.outcome !== "refused")
      refuse("DECISION_WRONG_OUTCOME", "the owner signed an approval");
    return new VerifiedRefusal(verified);
  }

  get terms(): Terms {
    return this.#verified.decision.terms;
  }
  get envelope(): Envelope {
    return this.#verified.envelope;
  }
  get decisionSha256(): Sha256Hex {
    return sha256Hex(this.#verified.payload);
  }
}

function refuse(code: DecisionRefused["code"], reason: string): never {
  throw new DecisionRefused(code, `Cannot accept decision: ${reason}`);
}

/** @param enough - How many persons must have signed an approval; by default as the policy says. */
function verifyDecision(
  value: unknown,
  context: DecisionContext,
  enough = context.keyring.policy.exportSigners,
): Verified {
  try {
    return verifyReadable(value, context, enough);
  } catch (cause) {
    if (!(cause instanceof MalformedInput)) throw cause;
    throw new DecisionRefused("DECISION_MALFORMED", cause.message, { cause });
  }
}

function verifyReadable(value: unknown, context: DecisionContext, enough: number): Verified {
  const { envelope, payload, content } = openEnvelope(value, PAYLOAD_TYPES.decision, "decision");
  const decision = checkShape(DecisionSchema, content, "decision");
  const { terms } = decision;
  requireSameHousehold(terms, context);
  requireInTime(terms, context);
  // A refusal needs one owner: nobody can be outvoted into letting something go.
  const needed = terms.outcome === "refused" ? 1 : enough;
  const signers = requireSigners({ envelope, payload, decision }, context, needed);
  if (terms.outcome === "refused") requireEmptyRefusal(decision);
  else requireSoundRelease(decision, context);
  return { envelope, payload, decision, signers };
}

function requireSameHousehold(terms: Terms, context: DecisionContext): void {
  const { keyring, request } = context;
  if (terms.origin !== keyring.origin)
    refuse("DECISION_WRONG_ORIGIN", `it was made for ${terms.origin}`);
  if (terms.request !== request.id || terms.requestSha256 !== request.sha256)
    refuse("DECISION_WRONG_REQUEST", "it was made for another request, or the request was edited");
  if (terms.keyringHead !== keyring.head || terms.keyringEpoch !== keyring.epoch)
    refuse("DECISION_WRONG_KEYRING", "the keyring has changed since; look again and sign again");
  if (!context.knowsCheckpoint(terms.checkpoint.size, terms.checkpoint.root))
    refuse(
      "DECISION_UNKNOWN_CHECKPOINT",
      "the signer has seen another ledger than this hub's: run `doorward owner witness`",
    );
}

function requireInTime(terms: Terms, context: DecisionContext): void {
  if (context.nonce === null || terms.nonce !== context.nonce)
    refuse("DECISION_BAD_NONCE", "its nonce was spent or never issued for this request");
  if (context.nowMs < terms.notBeforeMs - CLOCK_SKEW_MAX_MS)
    refuse("DECISION_NOT_YET", "it is dated in the future");
  if (context.nowMs > terms.notAfterMs || terms.notAfterMs > context.request.expiresAtMs)
    refuse("DECISION_EXPIRED", "its time is over or longer than the request's");
}

function requireSigners(
  { envelope, payload, decision }: Omit<Verified, "signers">,
  context: DecisionContext,
  needed: number,
): DeviceId[] {
  const persons = new Set<PersonId>();
  const signers = envelope.signatures.map((signature) => {
    const device = requireSigner(envelope, payload, signature, decision, context);
    if (persons.has(device.person))
      refuse("DECISION_SAME_PERSON_TWICE", "two signatures come from one person");
    persons.add(device.person);
    return device.id;
  });
  if (persons.size < needed)
    refuse("DECISION_NOT_ENOUGH_SIGNERS", `${persons.size} of ${needed} owners signed`);
  return signers;
}

function requireSigner(
  envelope: Envelope,
  payload: Uint8Array,
  signature: EnvelopeSignature,
  decision: Decision,
  { keyring }: DecisionContext,
): { id: DeviceId; person: PersonId } {
  const device = keyring.devices.get(parseDeviceId(signature.keyid));
  if (!device || device.removed || roleOfDevice(keyring, device.id) !== "owner")
    refuse("DECISION_UNKNOWN_KEY", "it is signed by a key that is no owner's in force");
  const signingKey = fromBase64(device.record.signingKey, "signingKey");
  if (!verifyEnvelopeSignature(envelope, payload, signature, signingKey))
    refuse("DECISION_BAD_SIGNATURE", "a signature does not verify");
  const { passkey } = device.record;
  if (passkey?.required === true && !signature.assertion)
    refuse("DECISION_PASSKEY_MISSING", "this device must confirm with its passkey");
  const { assertion } = signature;
  if (assertion && !(passkey && verifyAssertion(assertion, passkey, termsHash(decision.terms))))
    refuse("DECISION_PASSKEY_INVALID", "the passkey did not confirm these terms");
  return device;
}

function requireEmptyRefusal({ terms, release }: Decision): void {
  const isEmpty =
    terms.clips.length === 0 &&
    release.length === 0 &&
    terms.recipient === null &&
    terms.viewerSha256 === undefined &&
    terms.availableUntilMs === undefined;
  if (!isEmpty) refuse("DECISION_MALFORMED", "a refusal names files, a recipient or a time");
}

function requireSoundRelease(decision: Decision, context: DecisionContext): void {
  const { terms, release } = decision;
  const recipient = requireRecipient(terms, context);
  requireAvailable(terms, context);
  const files = filesOfTerms(terms);
  if (files.length === 0) refuse("DECISION_MALFORMED", "it names no file");
  const tooMuch = tooMuchForBundle(terms);
  if (tooMuch !== null) refuse("DECISION_TOO_LARGE", tooMuch);
  if (release.length !== files.length)
    refuse("DECISION_BAD_HEADER", `${release.length} headers for ${files.length} files`);
  const seen = new Set<string>();
  files.forEach(({ clip, file }, index) => {
    const name = fileName(clip.clip, file);
    if (seen.has(name)) refuse("DECISION_MALFORMED", `it names ${name} twice`);
    seen.add(name);
    const known = context.findFile(parseClipId(clip.clip), file);
    if (!known) refuse("DECISION_UNKNOWN_FILE", `there is no closed file ${name}`);
    requireSameFile(name, { camera: clip.camera, file }, known);
    const header = release[index];
    if (!header || fileName(header.clip, header) !== name)
      refuse("DECISION_BAD_HEADER", `the header at ${index} is not for ${name}`);
    requireOneStanza(fromBase64(header.header, "header"), recipient.kind, name);
  });
  requireHonestRanges(terms);
  const implied = impliedRedactions(terms.clips);
  if (terms.redactions.faces !== implied.faces || terms.redactions.audio !== implied.audio)
    refuse("DECISION_WRONG_REDACTIONS", "the redactions it states are not those of its files");
}

function requireAvailable(terms: Terms, { nowMs }: DecisionContext): void {
  const { availableUntilMs, notBeforeMs } = terms;
  if (availableUntilMs === undefined) return;
  if (availableUntilMs <= nowMs)
    refuse("DECISION_EXPIRED", "the time is over until which it could be fetched");
  if (availableUntilMs > notBeforeMs + AVAILABLE_MAX_MS)
    refuse("DECISION_MALFORMED", "it could be fetched for more than a year");
}

function requireRecipient(
  terms: Terms,
  { request }: DecisionContext,
): ReturnType<typeof parseRecipient> {
  if (terms.recipient === null) refuse("DECISION_WRONG_RECIPIENT", "it names no recipient");
  if (request.recipient !== null && request.recipient !== terms.recipient)
    refuse("DECISION_WRONG_RECIPIENT", "its recipient is not the request's");
  if (recipientWords(terms.recipient).join(" ") !== terms.recipientWords.join(" "))
    refuse("DECISION_WRONG_RECIPIENT", "its eight words are not those of its recipient");
  try {
    return parseRecipient(terms.recipient);
  } catch (cause) {
    throw new DecisionRefused(
      "DECISION_WRONG_RECIPIENT",
      "Cannot accept decision: its recipient is not an age recipient",
      { cause },
    );
  }
}

function requireSameFile(
  name: string,
  named: { camera: string; file: Terms["clips"][number]["files"][number] },
  known: { camera: string; file: ListedFile },
): void {
  if (named.camera !== known.camera) refuse("DECISION_WRONG_FILE", `${name} is of another camera`);
  const { sizeBytes, payloadSha256, fromMs, toMs } = known.file;
  if (named.file.payloadSha256 !== payloadSha256 || named.file.sizeBytes !== sizeBytes)
    refuse("DECISION_WRONG_FILE", `${name} has another hash or size`);
  if (named.file.fromMs !== fromMs || named.file.toMs !== toMs)
    refuse("DECISION_WRONG_FILE", `${name} has other times`);
  if (named.file.derivedFrom !== known.file.derivedFrom)
    refuse("DECISION_WRONG_FILE", `${name} was made from another recording than it says`);
  if (named.file.pixelated !== known.file.pixelated)
    refuse("DECISION_WRONG_FILE", `${name} is covered otherwise than it says`);
}

/** The range an owner reads must be the range that leaves. */
function requireHonestRanges(terms: Terms): void {
  for (const clip of terms.clips) {
    const fromMs = Math.min(...clip.files.map((file) => file.fromMs));
    const toMs = Math.max(...clip.files.map((file) => file.toMs));
    if (clip.fromMs !== fromMs || clip.toMs !== toMs)
      refuse("DECISION_WRONG_FILE", `the range of clip ${clip.clip} is not that of its files`);
  }
}

function requireOneStanza(header: Uint8Array, kind: "x25519" | "pq", name: string): void {
  const parsed = parseAgeHeader(header);
  if (!parsed || !equalBytes(parsed.headerBytes, header))
    refuse("DECISION_BAD_HEADER", `the header of ${name} is incomplete or has more after it`);
  const [stanza, extra] = parsed.stanzas;
  if (!stanza || extra)
    refuse("DECISION_BAD_HEADER", `the header of ${name} is not for exactly one recipient`);
  if (stanza.args[0] !== STANZA_TYPE[kind])
    refuse("DECISION_BAD_HEADER", `the header of ${name} is of another kind than its recipient`);
}
