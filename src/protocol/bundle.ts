import Type, { type Static } from "typebox";
import { toHex } from "./bytes.ts";
import { sealedFileName } from "./clip.ts";
import { blurOfTerms, filesOfTerms, type Decision, type Terms } from "./decision.ts";
import { EnvelopeSchema } from "./envelope.ts";
import { HASH_BYTES } from "./merkle.ts";
import { LIMITS } from "./limits.ts";

/**
 * What leaves the house: a zip, stored without compression, whose every byte follows from what is
 * signed in it. The order of entries is fixed: README, the viewer where the terms name one, decision,
 * request, keyring, proofs, hashes, then the recipient's age files in the order of the terms.
 */
export const BUNDLE_NAMES = {
  readme: "README.txt",
  decision: "decision.json",
  request: "request.json",
  keyring: "keyring.json",
  proofs: "proofs.json",
  hashes: "hashes.txt",
} as const;

/** The page that opens, plays and verifies; only where the terms name its SHA-256. */
export const VIEWER_NAME = "viewer.html";
export const VIEWER_MAX_BYTES = 250 * 1024;
/** In the viewer's own policy. Only a hub that serves it for a share link puts the second there. */
export const VIEWER_CONNECTS = {
  nowhere: "connect-src 'none'",
  ownHub: "connect-src 'self'",
} as const;

/** Folder of the age files inside the zip. */
export const BUNDLE_FOLDER = "files/";
const MIB = 1024 * 1024;
/** Recordings in one bundle. */
export const BUNDLE_MAX_BYTES = 1024 * MIB;
export const BUNDLE_MEDIA_TYPE = "application/vnd.doorward.bundle+zip";

/**
 * Why what an approval names does not fit into one bundle; null where it does. Asked before anything
 * is signed, and again of what was: nothing is approved that nobody could fetch.
 */
export function tooMuchForBundle(terms: Pick<Terms, "clips">): string | null {
  const files = filesOfTerms(terms);
  if (files.length > LIMITS.filesPerApproval)
    return `${files.length} files leave at once, and at most ${LIMITS.filesPerApproval} may`;
  const bytes = files.reduce((total, { file }) => total + file.sizeBytes, 0);
  return bytes > BUNDLE_MAX_BYTES
    ? `${Math.ceil(bytes / MIB)} MiB leave at once, and at most ${BUNDLE_MAX_BYTES / MIB} may`
    : null;
}

const base64Hash = Type.String({ minLength: 44, maxLength: 44 });

export const ProofsSchema = Type.Object(
  {
    v: Type.Literal(1),
    /** Signed note (C2SP tlog-checkpoint) with the owners' cosignatures. */
    checkpoint: Type.String({ maxLength: 65_536 }),
    /** From the size that the signer had seen to the checkpoint (RFC 9162 section 2.1.4). */
    seen: Type.Array(base64Hash, { maxItems: 128 }),
    entries: Type.Array(
      Type.Object(
        {
          index: Type.Integer({ minimum: 0 }),
          /** Base64 of the entry's canonical JSON. */
          entry: Type.String({ maxLength: 1_000_000 }),
          /** Base64 hashes (RFC 9162 section 2.1.3). */
          proof: Type.Array(base64Hash, { maxItems: 64 }),
        },
        { additionalProperties: false },
      ),
      { minItems: 3, maxItems: 2 * LIMITS.clipsPerApproval + 8 },
    ),
  },
  { additionalProperties: false },
);
export type Proofs = Static<typeof ProofsSchema>;

export const KeyringFileSchema = Type.Array(EnvelopeSchema, {
  minItems: 1,
  maxItems: LIMITS.keyringStatements,
});

/** Names of the age files in a bundle, in the order of the terms: `files/front-1a2b3c4d-000.video.original.age`. */
export function bundleFileNames(terms: Terms): string[] {
  return filesOfTerms(terms).map(
    ({ clip, file }) =>
      `${BUNDLE_FOLDER}${clip.camera}-${clip.clip.slice(0, 8)}-${sealedFileName(file)}`,
  );
}

/** Every member of a bundle of these terms, in order. */
export function bundleMemberNames(terms: Terms): string[] {
  const { readme, ...others } = BUNDLE_NAMES;
  const viewer = terms.viewerSha256 === undefined ? [] : [VIEWER_NAME];
  return [readme, ...viewer, ...Object.values(others), ...bundleFileNames(terms)];
}

/** `sha256sum -c` reads this. One line an age file, in the order of the terms. */
export function hashSheet(terms: Terms, sha256OfFiles: readonly Uint8Array[]): string {
  return bundleFileNames(terms)
    .map((name, index) => `${toHex(sha256OfFiles[index] ?? new Uint8Array(HASH_BYTES))}  ${name}\n`)
    .join("");
}

/** The bundle's own README, made from the terms alone so that a verifier makes it again. */
export function bundleReadme({ terms, release }: Decision): string {
  const clips = terms.clips.map(
    (clip) =>
      `  ${clip.camera}: ${new Date(clip.fromMs).toISOString()} to ${new Date(clip.toMs).toISOString()}, ${clip.files.length} files\n`,
  );
  return [
    "RECORDINGS RELEASED BY THEIR OWNER\n\n",
    "The household that recorded them signed for exactly the files below, for one recipient.\n",
    "Each file in files/ is a standard age file (age-encryption.org/v1).\n\n",
    `Request:    ${terms.request}\n`,
    `Ledger:     ${terms.origin}\n`,
    `Recipient:  ${terms.recipientWords.join(" ")}\n`,
    `Faces:      ${terms.redactions.faces}\n`,
    ...blurText(terms),
    `Sound:      ${terms.redactions.audio === "included" ? "included" : "left out"}\n`,
    `Purpose:    ${oneLine(terms.purpose)}\n\n`,
    "Recordings:\n",
    ...clips,
    ...viewerText(terms),
    "\nTo check by hand: sha256sum -c hashes.txt\n",
    "To open by hand:  age -d -i YOUR-KEY.txt files/NAME > NAME.mp4\n",
    "                  (a post-quantum key needs age 1.3 or later)\n",
    "To check the signatures, the proofs and every byte: doorward verify BUNDLE.zip\n",
    `\n${release.length} files. Copies that were opened cannot be recalled.\n`,
  ].join("");
}

function blurText(terms: Terms): string[] {
  const { byHub, byDevice, whole } = blurOfTerms(terms);
  return [
    ...(byHub > 0 ? ["Blurred:    by the hub, as it recorded\n"] : []),
    ...(byDevice > 0 ? ["Blurred:    on an owner's device\n"] : []),
    ...(whole > 0
      ? [`            ${whole} of the files are pixelated whole: they could not be looked at\n`]
      : []),
  ];
}

function viewerText({ viewerSha256 }: Terms): string[] {
  if (viewerSha256 === undefined) return [];
  return [
    "\nTo look at them:  open viewer.html in a browser, and give it this zip and your key.\n",
    `                  Its SHA-256: ${viewerSha256}\n`,
    "                  Your key is yours: where you are not sure who made this zip, take viewer.html\n",
    "                  from the project itself, or use one of the commands below.\n",
  ];
}

function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ");
}
