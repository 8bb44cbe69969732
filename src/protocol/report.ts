import Type, { type Static } from "typebox";
import type { LedgerEntry, LedgerEntryOf } from "./ledger-entry.ts";
import { MalformedInput } from "./errors.ts";
import { REQUEST_KINDS } from "./request.ts";

const count = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const closed = { additionalProperties: false } as const;
const literals = <const Values extends readonly string[]>(values: Values) =>
  Type.Union(values.map((value) => Type.Literal(value))) as unknown as Type.TUnsafe<Values[number]>;

export const kindMembers = {
  kind: literals(REQUEST_KINDS),
  received: count,
  /** Of these, how many claimed to be an emergency. */
  emergency: count,
  approved: count,
  approvedInPart: count,
  refused: count,
  expired: count,
  withdrawn: count,
  open: count,
};

/** What became of the requests of one kind; from `approved` to `open` they add up to `received`. */
const KindFiguresSchema = Type.Object(
  {
    ...kindMembers,
    /** Of recordings; of a request for several cameras, each counts. */
    secondsAsked: count,
    secondsGranted: count,
    /** Requests and approvals of an older ledger, whose entries say no seconds. */
    withoutSeconds: count,
    /** Approvals with at least one picture as it was recorded, and approvals with sound. */
    clearFaces: count,
    audio: count,
    /** Requests of which an owner stated that he knows who asks. */
    assured: count,
  },
  closed,
);
export type KindFigures = Static<typeof KindFiguresSchema>;

export const figureMembers = {
  /** Smallest and largest time of an entry; 0 where there is none. */
  fromMs: count,
  toMs: count,
  entries: count,
  /** Clips that were closed, and clips that a stop of the hub cut off. */
  recordings: count,
  torn: count,
  deletions: count,
  holds: count,
  /** How often a device of the household opened a recording, or looked at a camera live. */
  views: count,
  live: count,
  releases: count,
  releasedFiles: count,
  accesses: count,
  revocations: count,
  /** Entries about a request that do not follow from those before; an honest hub writes none. */
  outOfPlace: count,
  /** Releases, links and accesses that no signed approval came before. */
  disclosuresWithoutApproval: count,
};

export const figureMembersOfVersion2 = {
  ...figureMembers,
  /** One row a kind that was received, in the order of `REQUEST_KINDS`. */
  requests: Type.Array(KindFiguresSchema, { maxItems: REQUEST_KINDS.length }),
  /** Approvals whose time to be fetched was over; those that an owner took back are above. */
  lapses: count,
  /** Links made for somebody without a key. */
  shares: count,
  /** Holds that an owner signed because of a request, renewals included. */
  preservations: count,
  /** Recordings that were sealed anew, for other readers. */
  rewraps: count,
  /** Times in which the ledger was silent, and said that it is there. */
  heartbeats: count,
  /** Monthly statements of owners. */
  statements: count,
};

export const figureMembersOfVersion3 = {
  ...figureMembersOfVersion2,
  /** How often a camera was switched off, by hand or by its hours. */
  switchedOff: count,
};

/**
 * What a household's ledger says about it, in numbers alone: no id, no camera, no time of a single
 * event. Only what the entries themselves show: the legal basis is sealed to the owners, and nobody
 * outside could check a count of it.
 */
export const ReportFiguresSchema = Type.Object(
  {
    ...figureMembersOfVersion3,
    /** How often the hub went on from a copy; what came after the copy is not in these figures. */
    restored: count,
  },
  closed,
);
export type ReportFigures = Static<typeof ReportFiguresSchema>;

type Counts = { -readonly [Name in keyof ReportFigures]: ReportFigures[Name] };

/** One request, as far as the entries have told of it. */
interface Told {
  readonly row: KindFigures;
  isDecided: boolean;
  /** SHA-256 of the signed approval, once there is one. */
  approval: string | null;
  isReleased: boolean;
  isRevoked: boolean;
  isAssured: boolean;
}

interface Telling {
  readonly counts: Counts;
  readonly rows: Map<string, KindFigures>;
  readonly requests: Map<string, Told>;
  readonly decisions: Set<string>;
  /** Head of the keyring in force. */
  keyringHead: string | null;
}

/**
 * Counts a ledger. The same entries always give the same figures: owner, verifier and page call
 * this one function.
 *
 * @param entries - All of them, oldest first.
 * @throws MalformedInput when a request is of a kind that this version does not know.
 */
export function reportFigures(entries: readonly LedgerEntry[]): ReportFigures {
  const counts: Counts = {
    fromMs: entries.reduce((first, { atMs }) => Math.min(first, atMs), entries[0]?.atMs ?? 0),
    toMs: entries.reduce((last, { atMs }) => Math.max(last, atMs), 0),
    entries: entries.length,
    recordings: 0,
    torn: 0,
    deletions: 0,
    holds: 0,
    views: 0,
    live: 0,
    requests: [],
    releases: 0,
    releasedFiles: 0,
    accesses: 0,
    revocations: 0,
    outOfPlace: 0,
    disclosuresWithoutApproval: 0,
    lapses: 0,
    shares: 0,
    preservations: 0,
    rewraps: 0,
    heartbeats: 0,
    statements: 0,
    switchedOff: 0,
    restored: 0,
  };
  const telling: Telling = {
    counts,
    rows: new Map(),
    requests: new Map(),
    decisions: new Set(),
    keyringHead: null,
  };
  for (const entry of entries) tell(telling, entry);
  return { ...counts, requests: REQUEST_KINDS.flatMap((kind) => telling.rows.get(kind) ?? []) };
}

/** Entries that count and mean nothing else here. */
const COUNTED = {
  clip: "recordings",
  torn: "torn",
  deletion: "deletions",
  view: "views",
  live: "live",
  rewrap: "rewraps",
  heartbeat: "heartbeats",
  statement: "statements",
  restored: "restored",
} as const;

function tell(telling: Telling, entry: LedgerEntry): void {
  const { counts } = telling;
  switch (entry.kind) {
    case "genesis":
    case "keyring":
      telling.keyringHead = entry.keyringHead;
      return;
    case "clip":
    case "torn":
    case "deletion":
    case "view":
    case "live":
    case "rewrap":
    case "heartbeat":
    case "statement":
    case "restored":
      counts[COUNTED[entry.kind]] += 1;
      return;
    case "hold":
      // An end that is not ahead lets a hold go.
      if (entry.untilMs > entry.atMs) counts[entry.v === 1 ? "holds" : "preservations"] += 1;
      return;
    case "camera":
      if (entry.state === "off") counts.switchedOff += 1;
      return;
    case "assurance":
      return tellAssurance(telling, entry);
    case "request":
      return tellRequest(telling, entry);
    case "decision":
      return tellDecision(telling, entry);
    case "release":
      return tellRelease(telling, entry);
    case "share":
      return tellShare(telling, entry);
    case "access":
      return tellAccess(telling, entry);
    case "revocation":
      return tellRevocation(telling, entry);
    case "rendition":
    case "talk":
    case "settings":
    case "software":
    case "clock":
    case "acceptance":
      return;
  }
}

function tellRequest(telling: Telling, entry: LedgerEntryOf<"request">): void {
  const { counts, rows, requests } = telling;
  if (requests.has(entry.request)) {
    counts.outOfPlace += 1;
    return;
  }
  const kind = REQUEST_KINDS.find((known) => known === entry.requestKind);
  // Not counted as "other": a figure that leaves the kinds apart must not invent one.
  if (kind === undefined)
    throw new MalformedInput(
      "requestKind",
      "Cannot count request: it is of a kind that this version does not know",
    );
  const row = rows.get(kind) ?? emptyRow(kind);
  rows.set(kind, row);
  row.received += 1;
  row.open += 1;
  // Counted, and nothing else: no outcome here or anywhere depends on it (invariant 7).
  if (entry.urgency === "emergency") row.emergency += 1;
  if (entry.v === 1) row.withoutSeconds += 1;
  else row.secondsAsked += entry.secondsAsked;
  requests.set(entry.request, {
    row,
    isDecided: false,
    approval: null,
    isReleased: false,
    isRevoked: false,
    isAssured: false,
  });
}

function emptyRow(kind: KindFigures["kind"]): KindFigures {
  return {
    kind,
    received: 0,
    emergency: 0,
    approved: 0,
    approvedInPart: 0,
    refused: 0,
    expired: 0,
    withdrawn: 0,
    open: 0,
    secondsAsked: 0,
    secondsGranted: 0,
    withoutSeconds: 0,
    clearFaces: 0,
    audio: 0,
    assured: 0,
  };
}

function tellAssurance({ counts, requests }: Telling, entry: LedgerEntryOf<"assurance">): void {
  const told = requests.get(entry.request);
  if (!told) counts.outOfPlace += 1;
  else if (entry.level !== "none" && !told.isAssured) {
    told.isAssured = true;
    told.row.assured += 1;
  }
}

/** Only the first decision of a request counts: none is taken back, a refusal least of all. */
function tellDecision(telling: Telling, entry: LedgerEntryOf<"decision">): void {
  const told = telling.requests.get(entry.request);
  if (!told || told.isDecided || !isSoundDecision(telling, entry)) {
    telling.counts.outOfPlace += 1;
    return;
  }
  const { outcome, decisionSha256 } = entry;
  told.isDecided = true;
  told.row.open -= 1;
  told.row[outcome === "approved_in_part" ? "approvedInPart" : outcome] += 1;
  if (decisionSha256 !== null) telling.decisions.add(decisionSha256);
  if (!isApproval(outcome)) return;
  told.approval = decisionSha256;
  if (entry.v === 1) {
    told.row.withoutSeconds += 1;
    return;
  }
  told.row.secondsGranted += entry.secondsGranted;
  if (entry.clearFaces) told.row.clearFaces += 1;
  if (entry.audio) told.row.audio += 1;
}

function isApproval(outcome: LedgerEntryOf<"decision">["outcome"]): boolean {
  return outcome === "approved" || outcome === "approved_in_part";
}

/** What owners decide is signed, once, under the keyring in force; what time decides is not. */
function isSoundDecision(telling: Telling, entry: LedgerEntryOf<"decision">): boolean {
  const { outcome, decisionSha256, keyringHead } = entry;
  const isGiving = entry.v === 2 && (entry.secondsGranted > 0 || entry.clearFaces || entry.audio);
  if (isGiving && !isApproval(outcome)) return false;
  if (decisionSha256 === null) return outcome === "expired" || outcome === "withdrawn";
  return (
    outcome !== "expired" &&
    keyringHead === telling.keyringHead &&
    !telling.decisions.has(decisionSha256)
  );
}

function tellRelease(telling: Telling, entry: LedgerEntryOf<"release">): void {
  const { counts, requests } = telling;
  counts.releases += 1;
  counts.releasedFiles += entry.files;
  const told = requests.get(entry.request);
  if (told?.approval === entry.decisionSha256 && !told.isReleased && !told.isRevoked)
    told.isReleased = true;
  else counts.disclosuresWithoutApproval += 1;
}

/** A link opens what was released to whoever has it: without an approval it is a disclosure. */
function tellShare({ counts, requests }: Telling, entry: LedgerEntryOf<"share">): void {
  counts.shares += 1;
  if (!mayBeFetched(requests.get(entry.request), entry.decisionSha256))
    counts.disclosuresWithoutApproval += 1;
}

function mayBeFetched(told: Told | undefined, decisionSha256: string): boolean {
  return told?.approval === decisionSha256 && told.isReleased && !told.isRevoked;
}

function tellAccess(telling: Telling, entry: LedgerEntryOf<"access">): void {
  const { counts, requests } = telling;
  counts.accesses += 1;
  if (!mayBeFetched(requests.get(entry.request), entry.decisionSha256))
    counts.disclosuresWithoutApproval += 1;
}

function tellRevocation(telling: Telling, entry: LedgerEntryOf<"revocation">): void {
  const { counts, requests } = telling;
  const told = requests.get(entry.request);
  if (told?.approval !== entry.decisionSha256 || told.isRevoked) {
    counts.outOfPlace += 1;
    return;
  }
  told.isRevoked = true;
  // A second version that names no revocation: the time to fetch was over, and nobody took it back.
  const isLapse = entry.v === 2 && entry.revocationSha256 === null;
  counts[isLapse ? "lapses" : "revocations"] += 1;
}
