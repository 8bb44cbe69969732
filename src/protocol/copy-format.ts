import Type, { type Static } from "typebox";
import { concatBytes } from "./bytes.ts";
import { canonicalJson, parseCanonicalJson } from "./canonical-json.ts";
import { checkShape } from "./check.ts";
import { signedBytes, verifyEd25519 } from "./envelope.ts";
import { MalformedInput } from "./errors.ts";
import { parseClipId, parseRequestId, type ClipId, type RequestId } from "./ids.ts";
import { LIMITS } from "./limits.ts";

/**
 * What a hub leaves at a place elsewhere, so that a household can go on after the hub is gone
 * (README section 19). The place is believed in nothing: what it holds is ciphertext, and whoever
 * restores from it checks every byte against hashes and signatures that are inside.
 */
export const COPY_LIMITS = {
  markerBytes: 4_096,
  nameCharacters: 200,
  /** A part of a state, but for the last, has exactly this size. */
  partBytes: 32 * 1024 * 1024,
  partsPerState: 4_096,
  indexBytes: 1024 * 1024,
  /** As `SealedFile.sizeBytes` has it. */
  objectBytes: 1 << 30,
  entriesPerBatch: 1_000,
  /** Of a batch, before it was sealed. */
  batchBytes: 32 * 1024 * 1024,
  /** Members of a state besides the database; each of them but the database. */
  stateMembers: 500,
  /** Of the database in a state: what who restores it holds in memory at once. */
  databaseBytes: 2 ** 31 - 1,
  /** From here on the hub says that the other limit is near. */
  databaseNearBytes: 1.5 * 2 ** 30,
  stateMemberBytes: 16 * 1024 * 1024,
  /** Objects that a place may list below one prefix before it is taken for a liar. */
  listed: 20_000_000,
} as const;

export const COPY_MARKER = "doorward-copy.json";
export const COPY_FORMAT = "doorward-copy/v1";
export const STATE_FORMAT = "doorward-state/v1";

const closed = { additionalProperties: false } as const;
const hex = (length: number) =>
  Type.String({ pattern: `^[0-9a-f]{${length}}$`, minLength: length, maxLength: length });
const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const origin = Type.String({ pattern: "^doorward/[0-9a-f]{32}$", maxLength: 41 });
/** Random; a hub that was restored, and the one it was restored from, have different ones. */
const writer = hex(8);

/** `doorward-copy.json`: whose copy this is, for whoever finds the place already used. */
export const CopyMarkerSchema = Type.Object(
  { format: Type.Literal(COPY_FORMAT), origin, ledgerKey: hex(64) },
  closed,
);
export type CopyMarker = Static<typeof CopyMarkerSchema>;

/** `state/N.WRITER/index.json`: put last, so that a state with one is whole. */
export const StateIndexSchema = Type.Object(
  {
    format: Type.Literal(STATE_FORMAT),
    origin,
    sequence: count,
    writer,
    /** Of the age file that the parts, one after the other, are. */
    sizeBytes: count,
    sha256: hex(64),
    parts: Type.Array(
      Type.Object(
        {
          sizeBytes: Type.Integer({ minimum: 1, maximum: COPY_LIMITS.partBytes }),
          sha256: hex(64),
        },
        closed,
      ),
      { minItems: 1, maxItems: COPY_LIMITS.partsPerState },
    ),
  },
  closed,
);
export type StateIndex = Static<typeof StateIndexSchema>;

/**
 * `state.json`, the last member of a state's archive: what the others are, signed with the ledger's
 * key. Whoever knows the household's public readers could seal a state to them.
 */
export const StateManifestSchema = Type.Object(
  {
    format: Type.Literal(STATE_FORMAT),
    origin,
    ledgerKey: hex(64),
    sequence: count,
    writer,
    atMs: count,
    /** Of the hub that made it. */
    version: Type.String({ maxLength: 40 }),
    ledger: Type.Object({ size: count, root: hex(64) }, closed),
    keyring: Type.Object({ epoch: count, head: hex(64) }, closed),
    /** In the order of the archive. */
    members: Type.Array(
      Type.Object(
        { name: Type.String({ maxLength: 200 }), sizeBytes: count, sha256: hex(64) },
        closed,
      ),
      { maxItems: COPY_LIMITS.stateMembers + 1 },
    ),
  },
  closed,
);
export type StateManifest = Static<typeof StateManifestSchema>;

/** What a ledger batch holds, canonical JSON, sealed to the owners and the recovery sheet. */
export const LedgerBatchSchema = Type.Object(
  {
    v: Type.Literal(1),
    origin,
    /** Index of the first entry. */
    first: count,
    /** Their canonical JSON is what the ledger hashed; each is checked as its kind where it is read. */
    entries: Type.Array(Type.Unknown(), { minItems: 1, maxItems: COPY_LIMITS.entriesPerBatch }),
    /** The ledger's signed note when this was made: its size is not below the end of these. */
    checkpoint: Type.String({ maxLength: 65_536 }),
    /** Keyring statements since the state before it: the ledger has only their hashes. */
    keyring: Type.Object(
      {
        /** How many came before the first of these. */
        from: count,
        statements: Type.Array(Type.Unknown(), { maxItems: LIMITS.keyringStatements }),
      },
      closed,
    ),
  },
  closed,
);
export type LedgerBatch = Static<typeof LedgerBatchSchema>;

/** What lies under a name of a copy. */
export type CopyObject =
  | { readonly type: "marker" }
  | ClipObject
  | { readonly type: "document"; readonly request: RequestId }
  | {
      readonly type: "ledger";
      readonly first: number;
      readonly last: number;
      readonly writer: string;
    }
  | {
      readonly type: "state-part";
      readonly sequence: number;
      readonly writer: string;
      readonly part: number;
    }
  | { readonly type: "state-index"; readonly sequence: number; readonly writer: string };

export interface ClipObject {
  readonly type: "clip";
  /** `2026-11`. */
  readonly month: string;
  readonly clip: ClipId;
  /** As on the hub: `000.video.original.age`, or with `.partial` where it was torn. */
  readonly file: string;
  /**
   * Index of the ledger entry that gave the file these bytes: of kind `rendition` or `rewrap`; 0 for
   * what the clip's own entry lists. Of one file the highest counts.
   */
  readonly revision: number;
  /** `header`: the header of an age file, whose payload is that of the highest whole one below it. */
  readonly content: "whole" | "header";
}

const SEALED = "(?:[0-9]{3,4}\\.(?:video|audio)|poster)\\.(?:original|blurred)";
const CLIP_OBJECT = new RegExp(
  `^clips/([0-9]{4}-(?:0[1-9]|1[0-2]))/([0-9a-f]{32})/(${SEALED})(?:\\.([1-9][0-9]{0,14}))?\\.(age|header|age\\.partial)$`,
);
const DOCUMENT_OBJECT = /^documents\/([0-9a-f]{32})\.age$/;
const LEDGER_OBJECT = /^ledger\/([0-9]{12})-([0-9]{12})\.([0-9a-f]{8})\.age$/;
const STATE_OBJECT = /^state\/([0-9]{8})\.([0-9a-f]{8})\/(?:([0-9]{4})\.part|index\.json)$/;

/** The name below the copy, with `/` between its parts. */
export function copyObjectName(object: CopyObject): string {
  switch (object.type) {
    case "marker":
      return COPY_MARKER;
    case "clip":
      return `clips/${object.month}/${object.clip}/${clipObjectFile(object)}`;
    case "document":
      return `documents/${object.request}.age`;
    case "ledger":
      return `ledger/${digits(object.first, 12)}-${digits(object.last, 12)}.${object.writer}.age`;
    case "state-part":
      return `${stateFolder(object)}/${digits(object.part, 4)}.part`;
    case "state-index":
      return `${stateFolder(object)}/index.json`;
  }
}

/** `state/00000012.1f3a9c4e` */
export function stateFolder({ sequence, writer }: { sequence: number; writer: string }): string {
  return `state/${digits(sequence, 8)}.${writer}`;
}

/** Reads a name back, or null where it is none that a hub gives. */
export function parseCopyObjectName(name: string): CopyObject | null {
  if (name.length > COPY_LIMITS.nameCharacters) return null;
  if (name === COPY_MARKER) return { type: "marker" };
  const object =
    parseClipObject(name) ?? parseDocument(name) ?? parseLedgerObject(name) ?? parseState(name);
  return object && copyObjectName(object) === name ? object : null;
}

/** @throws MalformedInput. */
export function readCopyMarker(bytes: Uint8Array): CopyMarker {
  return checkShape(CopyMarkerSchema, parseCanonicalJson(bytes, COPY_MARKER), COPY_MARKER);
}

/** @throws MalformedInput, also where the parts do not make up the whole. */
export function readStateIndex(bytes: Uint8Array): StateIndex {
  const index = checkShape(StateIndexSchema, parseCanonicalJson(bytes, "index"), "state index");
  const { parts, sizeBytes } = index;
  const isCut = parts.slice(0, -1).every((part) => part.sizeBytes === COPY_LIMITS.partBytes);
  if (!isCut || parts.reduce((sum, part) => sum + part.sizeBytes, 0) !== sizeBytes)
    throw new MalformedInput("parts", "Cannot read state index: its parts are not the whole");
  return index;
}

/** @throws MalformedInput. The entries and statements are not looked at. */
export function readLedgerBatch(bytes: Uint8Array): LedgerBatch {
  return checkShape(LedgerBatchSchema, parseCanonicalJson(bytes, "ledger batch"), "ledger batch");
}

const STATE_TYPE = "application/vnd.doorward.copy-state+json";
const SIGNATURE_BYTES = 64;

/** The bytes of `state.json`: 64 of an Ed25519 signature by the ledger's key, then canonical JSON. */
export function writeStateManifest(
  manifest: StateManifest,
  sign: (message: Uint8Array) => Uint8Array,
): Uint8Array {
  const json = canonicalJson(manifest);
  return concatBytes(sign(signedBytes(STATE_TYPE, json)), json);
}

/**
 * @returns With `isSignedBy` to ask for the key that the household's keyring, or a device that
 * remembers it, has for the ledger: the one inside proves nothing.
 * @throws MalformedInput.
 */
export function readStateManifest(bytes: Uint8Array): {
  readonly manifest: StateManifest;
  readonly isSignedBy: (ledgerKey: Uint8Array) => boolean;
} {
  const signature = bytes.subarray(0, SIGNATURE_BYTES);
  const json = bytes.subarray(SIGNATURE_BYTES);
  if (signature.length !== SIGNATURE_BYTES)
    throw new MalformedInput("signature", "Cannot read state: it is too short");
  return {
    manifest: checkShape(StateManifestSchema, parseCanonicalJson(json, "state"), "state"),
    isSignedBy: (ledgerKey) => verifyEd25519(signature, signedBytes(STATE_TYPE, json), ledgerKey),
  };
}

/** @returns The bytes of `doorward-copy.json`. */
export function writeCopyMarker(marker: Omit<CopyMarker, "format">): Uint8Array {
  return canonicalJson({ format: COPY_FORMAT, ...marker });
}

function clipObjectFile({ file, revision, content }: ClipObject): string {
  const stem = file.replace(/\.age(?:\.partial)?$/, "");
  const number = revision === 0 ? "" : `.${revision}`;
  return content === "header"
    ? `${stem}${number}.header`
    : `${stem}${number}${file.slice(stem.length)}`;
}

function parseClipObject(name: string): ClipObject | null {
  const [, month, clip, stem, revision, ending] = CLIP_OBJECT.exec(name) ?? [];
  if (month === undefined || clip === undefined) return null;
  const isHeader = ending === "header";
  // A header alone is always a later one.
  if (isHeader && revision === undefined) return null;
  return {
    ...{ type: "clip", month, clip: parseClipId(clip) },
    file: `${stem}.${isHeader ? "age" : ending}`,
    revision: Number(revision ?? 0),
    content: isHeader ? "header" : "whole",
  };
}

function parseDocument(name: string): CopyObject | null {
  const [, request] = DOCUMENT_OBJECT.exec(name) ?? [];
  return request === undefined ? null : { type: "document", request: parseRequestId(request) };
}

function parseLedgerObject(name: string): CopyObject | null {
  const [, first, last, writtenBy] = LEDGER_OBJECT.exec(name) ?? [];
  if (writtenBy === undefined || Number(first) > Number(last)) return null;
  return { type: "ledger", first: Number(first), last: Number(last), writer: writtenBy };
}

function parseState(name: string): CopyObject | null {
  const [, sequence, writtenBy, part] = STATE_OBJECT.exec(name) ?? [];
  if (writtenBy === undefined) return null;
  const of = { sequence: Number(sequence), writer: writtenBy };
  return part === undefined
    ? { type: "state-index", ...of }
    : { type: "state-part", ...of, part: Number(part) };
}

function digits(value: number, length: number): string {
  return String(value).padStart(length, "0");
}
