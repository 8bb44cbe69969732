import Type, { type Static } from "typebox";
import { toHex, fromHex } from "../protocol/bytes.ts";
import type { Json } from "../protocol/canonical-json.ts";
import { checkShape } from "../protocol/check.ts";
import { MerkleFrontier } from "../protocol/merkle-frontier.ts";
import { Findings, FindingsSchema, SLACK_MS, type Finding, type Pause } from "./findings.ts";

export type { Finding, Pause } from "./findings.ts";

const timeMs = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const hex = (length: number) =>
  Type.String({ pattern: `^[0-9a-f]{${length}}$`, minLength: length, maxLength: length });
const closed = { additionalProperties: false } as const;

/** What a device remembers between two contacts, so that it reads each entry once. */
export const WatchSchema = Type.Object(
  {
    v: Type.Literal(1),
    size: timeMs,
    frontier: Type.Array(hex(64), { maxItems: 53 }),
    findings: FindingsSchema,
    /** Every recording that is listed and not deleted, in the ledger's order, with its files. */
    clips: Type.Array(Type.Tuple([hex(32), timeMs]), { maxItems: 2_000_000 }),
    /** Where the next look for recordings goes on. */
    cursor: timeMs,
    /** What the hub did not have when it was asked last; null where it does not list it. */
    missing: Type.Array(Type.Tuple([hex(32), Type.Union([timeMs, Type.Null()])]), {
      maxItems: 1_000,
    }),
    /** Months of an owner's statements, in the ledger's order. */
    statements: Type.Array(Type.String({ maxLength: 7 }), { maxItems: 2_000 }),
    /** Alarms that a person has looked at. */
    known: Type.Array(Type.String({ maxLength: 80 }), { maxItems: 1_000 }),
  },
  closed,
);
export type StoredWatch = Static<typeof WatchSchema>;

export interface MissingClip {
  readonly kind: "missing_clip";
  readonly clip: string;
  /** As the ledger lists them. */
  readonly files: number;
  /** Null: the hub does not list the recording any more. */
  readonly found: number | null;
}

/** Something that an honest hub does not do; its text is the caller's. */
export type Alarm =
  | MissingClip
  | Finding
  /** The newest entry that the hub shows is older than it may be while the hub answers. */
  | { readonly kind: "withheld"; readonly newestMs: number; readonly nowMs: number }
  /** The newest entry lies ahead of this device's clock. */
  | { readonly kind: "clock_ahead"; readonly newestMs: number; readonly nowMs: number }
  /** Somebody uses the recovery sheet, and an owner may still object. */
  | { readonly kind: "recovery_pending"; readonly index: number; readonly atMs: number };

const MISSING_MAX = 1_000;
const KNOWN_MAX = 1_000;

/** What an alarm is known by, or null for one that only its end ends. */
export function alarmKey(alarm: Alarm): string | null {
  switch (alarm.kind) {
    case "missing_clip":
      return `${alarm.kind}:${alarm.clip}`;
    case "silence":
    case "backwards":
    case "recovery_early":
    case "restored":
      return `${alarm.kind}:${alarm.index}`;
    case "withheld":
    case "clock_ahead":
    case "recovery_pending":
      return null;
  }
}

/**
 * A device's running judgement of a ledger: pure over the entries, in their order, and over what
 * the hub says it has. It asks nobody and reads no clock.
 */
export class LedgerWatch {
  readonly tree: MerkleFrontier;
  readonly #findings: Findings;
  readonly #clips: Map<string, number>;
  readonly #missing: Map<string, number | null>;
  readonly #statements: string[];
  #known: string[];
  #cursor: number;

  private constructor(stored: StoredWatch) {
    this.tree = new MerkleFrontier(
      stored.size,
      stored.frontier.map((hash) => fromHex(hash, "frontier")),
    );
    this.#findings = new Findings(stored.findings);
    this.#clips = new Map(stored.clips);
    this.#missing = new Map(stored.missing);
    this.#statements = [...stored.statements];
    this.#known = [...stored.known];
    this.#cursor = stored.cursor;
  }

  /** @throws MalformedInput when `value` is not what `toJSON` gave. */
  static read(value: unknown): LedgerWatch {
    return new LedgerWatch(checkShape(WatchSchema, value, "ledger watch"));
  }

  static begin(): LedgerWatch {
    return new LedgerWatch({
      v: 1,
      size: 0,
      frontier: [],
      findings: Findings.empty(),
      clips: [],
      cursor: 0,
      missing: [],
      statements: [],
      known: [],
    });
  }

  toJSON(): StoredWatch {
    return {
      v: 1,
      size: this.tree.size,
      frontier: this.tree.hashes.map(toHex),
      findings: this.#findings.toJSON(),
      clips: [...this.#clips],
      cursor: this.#cursor,
      missing: [...this.#missing].slice(0, MISSING_MAX),
      statements: this.#statements,
      known: this.#known,
    };
  }

  /**
   * Takes in the next entry. Kinds that this version does not know count for their time alone.
   *
   * @param entry - What was hashed, as JSON; that it is in the tree is the caller's to show.
   * @throws MalformedInput when it has no kind or time.
   */
  take(entry: Json, leafHash: Uint8Array): void {
    const index = this.tree.size;
    const judged = judgedEntry(entry);
    const { kind, clip, files, replaces, month } = judged;
    this.tree.append(leafHash);
    this.#findings.take(judged, index);
    if (kind === "statement" && month !== undefined) this.#statements.push(month);
    if (clip === undefined) return;
    if (kind === "deletion") {
      this.#clips.delete(clip);
      this.#missing.delete(clip);
    } else if (kind === "clip" || kind === "torn" || kind === "rendition") {
      // What takes the place of other files has at least as many: no entry makes fewer of them.
      const gone = Math.min(files?.length ?? 0, replaces?.length ?? 0);
      this.#clips.set(clip, (this.#clips.get(clip) ?? 0) + (files?.length ?? 0) - gone);
    }
  }

  /** Recordings that are to be there. */
  get clipCount(): number {
    return this.#clips.size;
  }

  /** Months of an owner's statements. */
  get statements(): readonly string[] {
    return this.#statements;
  }

  /** At most `count` recordings that were not asked for lately, and sets the mark behind them. */
  nextClips(count: number): readonly string[] {
    const ids = [...this.#clips.keys()];
    const start = ids.length <= count ? 0 : this.#cursor % ids.length;
    const chosen = [...ids.slice(start), ...ids.slice(0, start)].slice(0, count);
    this.#cursor = start + chosen.length;
    return chosen;
  }

  /** Files that the ledger lists of a recording; null once it was deleted. */
  filesOf(clip: string): number | null {
    return this.#clips.get(clip) ?? null;
  }

  /** @param found - Whole files that the hub has; null where it does not list the recording. */
  compare(clip: string, found: number | null): void {
    const files = this.filesOf(clip);
    const isThere = files === null || (found !== null && found >= files);
    if (isThere) this.#missing.delete(clip);
    else if (this.#missing.size < MISSING_MAX) this.#missing.set(clip, found);
  }

  /**
   * Every alarm that nobody has looked at yet.
   *
   * @param nowMs - This device's clock, at a contact in which the hub has answered.
   */
  alarms(nowMs: number): readonly Alarm[] {
    const missing = [...this.#missing].map(([clip, found]): Alarm => ({
      kind: "missing_clip",
      clip,
      files: this.filesOf(clip) ?? 0,
      found,
    }));
    const all = [...this.#current(nowMs), ...missing, ...this.#findings.at(nowMs)];
    const known = new Set(this.#known);
    return all.filter((alarm) => {
      const key = alarmKey(alarm);
      return key === null || !known.has(key);
    });
  }

  /** Times in which the hub, as it says, was off, or its clock was moved; newest last. */
  get pauses(): readonly Pause[] {
    return this.#findings.pauses;
  }

  /** A person has looked at these: they are not shown as new again. */
  acknowledge(alarms: readonly Alarm[]): void {
    const keys = alarms.flatMap((alarm) => alarmKey(alarm) ?? []);
    this.#known = [...new Set([...this.#known, ...keys])].slice(-KNOWN_MAX);
  }

  #current(nowMs: number): Alarm[] {
    const { everyMs, newestMs, recovery } = this.#findings;
    const alarms: Alarm[] = [];
    if (recovery !== null) alarms.push({ kind: "recovery_pending", ...recovery });
    if (newestMs === null) return alarms;
    if (everyMs !== null && nowMs - newestMs > everyMs + SLACK_MS)
      alarms.push({ kind: "withheld", newestMs, nowMs });
    if (newestMs - nowMs > SLACK_MS) alarms.push({ kind: "clock_ahead", newestMs, nowMs });
    return alarms;
  }
}

/** What every entry has, of whatever kind. */
const DatedEntry = Type.Object({ kind: Type.String({ maxLength: 40 }), atMs: timeMs });

/** As much of these kinds as is judged here; what else they have is for others. */
const AnyEntry = Type.Object({
  ...DatedEntry.properties,
  clip: Type.Optional(hex(32)),
  files: Type.Optional(Type.Array(Type.Unknown(), { maxItems: 10_000 })),
  replaces: Type.Optional(Type.Array(Type.Unknown(), { maxItems: 10_000 })),
  month: Type.Optional(Type.String({ maxLength: 7 })),
  change: Type.Optional(Type.String({ maxLength: 40 })),
  everyMs: Type.Optional(timeMs),
  first: Type.Optional(Type.Boolean()),
  jumpMs: Type.Optional(Type.Integer()),
  copiedToMs: Type.Optional(timeMs),
});
export type JudgedEntry = Static<typeof AnyEntry>;

const JUDGED_KINDS = new Set([
  ...["clip", "torn", "rendition", "deletion"],
  ...["keyring", "heartbeat", "clock", "statement", "restored"],
]);

/** @throws MalformedInput when it has no kind or time, or one that is judged is not of its shape. */
function judgedEntry(entry: Json): JudgedEntry {
  const { kind, atMs } = checkShape(DatedEntry, entry, "entry");
  return JUDGED_KINDS.has(kind) ? checkShape(AnyEntry, entry, "entry") : { kind, atMs };
}
