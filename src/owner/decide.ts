import type { ClipDetail, RequestSummary } from "../protocol/api.ts";
import { tooMuchForBundle } from "../protocol/bundle.ts";
import {
  decisionLifetimeMs,
  impliedRedactions,
  termsHash,
  type Terms,
  type TermsClip,
} from "../protocol/decision.ts";
import {
  PAYLOAD_TYPES,
  signEnvelope,
  type Envelope,
  type EnvelopeSigner,
} from "../protocol/envelope.ts";
import { HubError } from "../protocol/errors.ts";
import type { Keyring } from "../protocol/keyring.ts";
import { AVAILABLE_DEFAULT_MS, AVAILABLE_MAX_MS } from "../protocol/limits.ts";
import { recipientWords } from "../protocol/words.ts";
import type { IdentitiesOf } from "./device-bundle.ts";
import { makeRelease, type FileSource } from "./release.ts";

/** What an owner chose to let go: the cut, to whom, and what for. */
export interface Choice {
  readonly clip: ClipDetail;
  readonly rendition: "original" | "blurred";
  readonly audio: boolean;
  /** Only segments that overlap this range; whole segments leave, never a part of one. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
  /**
   * First and last segment by their numbers, where somebody chose pieces and no times: sound and
   * picture of neighbours touch, and a time would take a neighbour's sound along.
   */
  readonly segments?: readonly [first: number, last: number];
}

/** What every decision is made against; all of it seen and checked by this device. */
export interface DecisionGround {
  readonly keyring: Keyring;
  readonly request: RequestSummary;
  readonly nonce: { readonly nonce: string; readonly expiresAtMs: number };
  readonly checkpoint: { readonly size: number; readonly root: string };
  readonly nowMs: number;
  /** It goes through a mailbox, and holds for as long as the request waits. */
  readonly isAway?: boolean;
  /** The viewer that goes along: the one that this device knows, where the hub has the same. */
  readonly viewerSha256?: string;
}

/**
 * The files of a clip that fall under a choice, in the order they are released.
 *
 * @throws HubError NOTHING_CHOSEN when there are none.
 */
export function chooseFiles(choice: Choice): TermsClip {
  const {
    clip,
    rendition,
    audio,
    segments: [first, last] = [0, Number.POSITIVE_INFINITY],
  } = choice;
  const fromMs = choice.fromMs ?? Number.NEGATIVE_INFINITY;
  const toMs = choice.toMs ?? Number.POSITIVE_INFINITY;
  const shown = new Set(
    clip.files
      .filter((file) => file.track === "video" && file.rendition === rendition)
      .map(({ segment }) => segment),
  );
  const files = clip.files.filter(
    (file) =>
      file.toMs > fromMs &&
      file.fromMs < toMs &&
      (file.segment ?? 0) >= first &&
      (file.segment ?? 0) <= last &&
      // Sound exists once; it has no faces to blur. Of a piece that is left out none leaves.
      ((file.track === "video" && file.rendition === rendition) ||
        (file.track === "audio" && audio && shown.has(file.segment))),
  );
  if (!files.some(({ track }) => track === "video"))
    throw new HubError(
      "NOTHING_CHOSEN",
      `Cannot approve: clip ${clip.id} has no ${rendition} video in that range`,
    );
  return {
    clip: clip.id,
    camera: clip.camera,
    fromMs: Math.min(...files.map((file) => file.fromMs)),
    toMs: Math.max(...files.map((file) => file.toMs)),
    files,
  };
}

/**
 * What leaves where nobody has said with which faces: the blurred copy. Clear faces only of a camera
 * that is to have none, which the terms then say; a copy that is not there yet, or was not made, is no
 * choice of the owner's.
 *
 * @throws HubError BLUR_WAITING, NO_BLURRED_COPY.
 */
export function defaultRendition({
  id,
  renditions,
  blur,
}: Pick<ClipDetail, "id" | "renditions" | "blur">): "original" | "blurred" {
  if (renditions.includes("blurred")) return "blurred";
  if (!blur) return "original";
  if (blur.state === "waiting")
    throw new HubError(
      "BLUR_WAITING",
      `Cannot approve: the blurred copy of clip ${id} is still being made; try again in some minutes, or choose clear faces`,
    );
  throw new HubError(
    "NO_BLURRED_COPY",
    `Cannot approve: clip ${id} has no blurred copy; make one on the page of an owner's device, or choose clear faces`,
  );
}

/**
 * The statement an owner reads before signing: complete, and exactly what will leave.
 *
 * @throws HubError DECISION_TOO_LARGE: the hub would refuse it once it is signed.
 */
export function approvalTerms(
  ground: DecisionGround,
  options: {
    clips: readonly TermsClip[];
    recipient: string;
    purpose: string;
    isPart: boolean;
    /** For how long the recipient may fetch it; by default 30 days, at most a year. */
    availableForMs?: number;
  },
): Terms {
  const { clips, recipient, purpose, isPart, availableForMs = AVAILABLE_DEFAULT_MS } = options;
  const tooMuch = tooMuchForBundle({ clips: [...clips] });
  if (tooMuch !== null)
    throw new HubError("DECISION_TOO_LARGE", `Cannot approve: ${tooMuch}; choose a shorter part`);
  const common = commonTerms(ground);
  // From when it can be fetched at the latest: others may take as long as they may to sign.
  const startsByMs = common.notAfterMs + ground.keyring.policy.vetoWindowMs;
  return {
    ...common,
    availableUntilMs: Math.min(startsByMs + availableForMs, common.notBeforeMs + AVAILABLE_MAX_MS),
    outcome: isPart ? "approved_in_part" : "approved",
    clips: [...clips],
    redactions: impliedRedactions(clips),
    recipient,
    recipientWords: recipientWords(recipient),
    purpose,
    ...(ground.viewerSha256 === undefined ? {} : { viewerSha256: ground.viewerSha256 }),
  };
}

export function refusalTerms(ground: DecisionGround): Terms {
  return {
    ...commonTerms(ground),
    outcome: "refused",
    clips: [],
    redactions: impliedRedactions([]),
    recipient: null,
    recipientWords: [],
    purpose: "",
  };
}

function commonTerms({ keyring, request, nonce, checkpoint, nowMs, isAway }: DecisionGround) {
  return {
    v: 1 as const,
    origin: keyring.origin,
    request: request.record.request,
    requestSha256: request.recordSha256,
    notBeforeMs: nowMs,
    notAfterMs: Math.min(
      isAway === true ? Number.POSITIVE_INFINITY : nowMs + decisionLifetimeMs(keyring.policy),
      nonce.expiresAtMs,
      request.record.expiresAtMs,
    ),
    nonce: nonce.nonce,
    checkpoint: { size: checkpoint.size, root: checkpoint.root },
    keyringEpoch: keyring.epoch,
    keyringHead: keyring.head,
  };
}

/** Makes the new headers and signs them together with the terms. */
export async function signApproval(
  terms: Terms,
  identities: IdentitiesOf,
  fileOf: FileSource,
  signer: EnvelopeSigner,
): Promise<Envelope> {
  const release = await makeRelease(terms, identities, fileOf);
  return signEnvelope(PAYLOAD_TYPES.decision, { terms, release }, signer, termsHash(terms));
}

export async function signRefusal(terms: Terms, signer: EnvelopeSigner): Promise<Envelope> {
  return signEnvelope(PAYLOAD_TYPES.decision, { terms, release: [] }, signer, termsHash(terms));
}
