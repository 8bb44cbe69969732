import Type, { type Static } from "typebox";
import { RECOVERY_NOTICE_MS } from "../protocol/limits.ts";
import type { JudgedEntry } from "./alarms.ts";

const timeMs = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
const closed = { additionalProperties: false } as const;
const index = timeMs;

/** How much later than announced an entry may be, and how far two clocks may differ. */
export const SLACK_MS = 10 * 60_000;
/** Small corrections of a clock need no entry. */
const BACKWARDS_MS = 60_000;
/** What explains a step in time is entered this soon after it. */
const EXPLAINED_WITHIN_MS = 60_000;
const FINDINGS_MAX = 200;
const PAUSES_MAX = 50;

const FindingSchema = Type.Object(
  {
    kind: Type.Union([
      /** No entry for longer than announced, although the hub ran. */
      Type.Literal("silence"),
      /** Times run back, and no entry says that the clock did. */
      Type.Literal("backwards"),
      /** A recovery took effect before the household had its time to object. */
      Type.Literal("recovery_early"),
      /** The hub goes on from a copy: from the newest entry that it had to when it was restored. */
      Type.Literal("restored"),
    ]),
    /** The entry at which it shows. */
    index,
    fromMs: timeMs,
    toMs: timeMs,
  },
  closed,
);
export type Finding = Static<typeof FindingSchema>;

const PauseSchema = Type.Object(
  {
    kind: Type.Union([Type.Literal("off"), Type.Literal("clock")]),
    index,
    fromMs: timeMs,
    toMs: timeMs,
  },
  closed,
);
/** A gap that the hub explains itself: believed no further than that it says so. */
export type Pause = Static<typeof PauseSchema>;

const StepSchema = Type.Object({ index, fromMs: timeMs, toMs: timeMs }, closed);
type StepInTime = Static<typeof StepSchema>;

export const FindingsSchema = Type.Object(
  {
    everyMs: Type.Union([timeMs, Type.Null()]),
    newestMs: Type.Union([timeMs, Type.Null()]),
    /** The latest time so far; set back with the clock. */
    highMs: Type.Union([timeMs, Type.Null()]),
    gap: Type.Union([StepSchema, Type.Null()]),
    back: Type.Union([StepSchema, Type.Null()]),
    recovery: Type.Union([Type.Object({ index, atMs: timeMs }, closed), Type.Null()]),
    found: Type.Array(FindingSchema, { maxItems: FINDINGS_MAX }),
    pauses: Type.Array(PauseSchema, { maxItems: PAUSES_MAX }),
  },
  closed,
);
type StoredFindings = Static<typeof FindingsSchema>;

/** What the times and kinds of the entries say by themselves, in their order. */
export class Findings {
  #everyMs: number | null;
  #newestMs: number | null;
  #highMs: number | null;
  #gap: StepInTime | null;
  #back: StepInTime | null;
  #recovery: { readonly index: number; readonly atMs: number } | null;
  #found: Finding[];
  #pauses: Pause[];

  constructor(stored: StoredFindings) {
    this.#everyMs = stored.everyMs;
    this.#newestMs = stored.newestMs;
    this.#highMs = stored.highMs;
    this.#gap = stored.gap;
    this.#back = stored.back;
    this.#recovery = stored.recovery;
    this.#found = [...stored.found];
    this.#pauses = [...stored.pauses];
  }

  static empty(): StoredFindings {
    return {
      everyMs: null,
      newestMs: null,
      highMs: null,
      gap: null,
      back: null,
      recovery: null,
      found: [],
      pauses: [],
    };
  }

  toJSON(): StoredFindings {
    return {
      everyMs: this.#everyMs,
      newestMs: this.#newestMs,
      highMs: this.#highMs,
      gap: this.#gap,
      back: this.#back,
      recovery: this.#recovery,
      found: this.#found,
      pauses: this.#pauses,
    };
  }

  /** The longest silence that the hub has announced; null before its first heartbeat. */
  get everyMs(): number | null {
    return this.#everyMs;
  }
  get newestMs(): number | null {
    return this.#newestMs;
  }
  /** A notice of recovery that nobody has objected to, and that has not taken effect. */
  get recovery(): { readonly index: number; readonly atMs: number } | null {
    return this.#recovery;
  }
  get pauses(): readonly Pause[] {
    return this.#pauses;
  }

  /** What was found so far; a step that could still be explained counts once its time is over. */
  at(nowMs: number): readonly Finding[] {
    const [gap, back] = [this.#gap, this.#back];
    const isOver = ({ toMs }: StepInTime): boolean => nowMs - toMs > EXPLAINED_WITHIN_MS;
    return [
      ...this.#found,
      ...(gap !== null && isOver(gap) ? [{ kind: "silence" as const, ...gap }] : []),
      ...(back !== null && isOver(back) ? [{ kind: "backwards" as const, ...back }] : []),
    ];
  }

  take(entry: JudgedEntry, index: number): void {
    const { kind, atMs } = entry;
    this.#giveUp(atMs);
    this.#step(atMs, index);
    this.#explain(entry);
    this.#newestMs = atMs;
    if (kind === "heartbeat") this.#everyMs = entry.everyMs ?? this.#everyMs;
    if (kind === "keyring") this.#recover(entry, index);
    if (kind === "restored")
      this.#settle("restored", { index, fromMs: entry.copiedToMs ?? atMs, toMs: atMs });
  }

  #step(atMs: number, index: number): void {
    const high = this.#highMs;
    this.#highMs = Math.max(high ?? 0, atMs);
    if (high === null) return;
    if (atMs < high - BACKWARDS_MS) {
      this.#settle("backwards", this.#back);
      this.#back = { index, fromMs: high, toMs: atMs };
      this.#highMs = atMs;
    } else if (this.#everyMs !== null && atMs - high > this.#everyMs + SLACK_MS) {
      this.#settle("silence", this.#gap);
      this.#gap = { index, fromMs: high, toMs: atMs };
    }
  }

  /** The hub's own word for a step in time, which stands at it or right after. */
  #explain({ kind, first, jumpMs = 0, everyMs = 0 }: JudgedEntry): void {
    const gap = this.#gap;
    const back = this.#back;
    const isStart = (kind === "heartbeat" && first === true) || kind === "restored";
    if (gap !== null && isStart) this.#pause("off", gap);
    if (gap !== null && kind === "clock") {
      const unexplainedMs = gap.toMs - gap.fromMs - jumpMs;
      if (unexplainedMs <= (this.#everyMs ?? everyMs) + SLACK_MS) this.#pause("clock", gap);
    }
    if (back !== null && kind === "clock" && -jumpMs >= back.fromMs - back.toMs - BACKWARDS_MS) {
      this.#addPause({ kind: "clock", ...back });
      this.#back = null;
    }
  }

  #pause(kind: Pause["kind"], gap: StepInTime): void {
    this.#addPause({ kind, ...gap });
    this.#gap = null;
  }

  #addPause(pause: Pause): void {
    this.#pauses = [...this.#pauses, pause].slice(-PAUSES_MAX);
  }

  #giveUp(atMs: number): void {
    const [gap, back] = [this.#gap, this.#back];
    if (gap !== null && atMs - gap.toMs > EXPLAINED_WITHIN_MS) {
      this.#settle("silence", gap);
      this.#gap = null;
    }
    if (back !== null && atMs - back.toMs > EXPLAINED_WITHIN_MS) {
      this.#settle("backwards", back);
      this.#back = null;
    }
  }

  #settle(kind: Finding["kind"], step: StepInTime | null): void {
    if (step !== null) this.#found = [...this.#found, { kind, ...step }].slice(-FINDINGS_MAX);
  }

  /** By the ledger's own times: a hub that had set them would be seen by its clock. */
  #recover({ change, atMs }: JudgedEntry, index: number): void {
    if (change === "recovery_notice") this.#recovery = { index, atMs };
    if (change === "recovery_objection") this.#recovery = null;
    if (change !== "recovery_complete") return;
    const noticedMs = this.#recovery?.atMs ?? atMs;
    if (atMs - noticedMs < RECOVERY_NOTICE_MS)
      this.#settle("recovery_early", { index, fromMs: noticedMs, toMs: atMs });
    this.#recovery = null;
  }
}
