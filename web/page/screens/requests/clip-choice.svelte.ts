import type { ChosenPart } from "../../device/calls/decision-calls.ts";
import { ask } from "../../device/vault.ts";
import type { ClipDetail, ClipSummary } from "../../../../src/protocol/api.ts";
import type { TermsFile } from "../../../../src/protocol/decision.ts";

/** What an owner has chosen of one recording; nothing, until he does. */
export class ClipChoice {
  readonly summary: ClipSummary;
  readonly #range: { readonly fromMs: number; readonly toMs: number };
  detail = $state.raw<ClipDetail | null>(null);
  error = $state.raw<unknown>(null);
  isChosen = $state(false);
  isLoading = $state(false);
  isBlurred = $state(true);
  /** Somebody has said that faces may be clear, where a copy should be and is not. */
  isClear = $state(false);
  hasAudio = $state(false);
  /** Numbers of the first and last piece. */
  first = $state(0);
  last = $state(0);

  /** @param range - What is asked for, UTC: the pieces that are offered first. */
  constructor(summary: ClipSummary, range: { readonly fromMs: number; readonly toMs: number }) {
    this.summary = summary;
    this.#range = range;
  }

  get canBlur(): boolean {
    return this.detail?.renditions.includes("blurred") ?? false;
  }
  /** A blurred copy is to be there and is not: nothing leaves before somebody has said how. */
  get lacksBlur(): "waiting" | "absent" | null {
    const blur = this.detail?.blur;
    if (!blur || this.canBlur) return null;
    return blur.state === "waiting" ? "waiting" : "absent";
  }
  get isUndecided(): boolean {
    return this.lacksBlur !== null && !this.isClear;
  }
  get canSound(): boolean {
    return this.detail?.files.some(({ track }) => track === "audio") ?? false;
  }
  get rendition(): "original" | "blurred" {
    return this.isBlurred && this.canBlur ? "blurred" : "original";
  }

  /** Pieces of the picture in order, as the ledger lists them. */
  get pieces(): readonly TermsFile[] {
    return (this.detail?.files ?? [])
      .filter(({ track, rendition }) => track === "video" && rendition === this.rendition)
      .toSorted((left, right) => (left.segment ?? 0) - (right.segment ?? 0));
  }

  /** Pieces between the chosen ends that were recorded, and have no blurred file to leave. */
  get missingBlurred(): number {
    const there = new Set(this.pieces.map(({ segment }) => segment));
    return (this.detail?.files ?? []).filter(
      ({ track, rendition, segment }) =>
        track === "video" &&
        rendition === "original" &&
        (segment ?? 0) >= this.first &&
        (segment ?? 0) <= this.last &&
        !there.has(segment),
    ).length;
  }

  /** All files that would leave with the choice as it is. */
  get files(): readonly TermsFile[] {
    const shown = new Set(this.pieces.map(({ segment }) => segment));
    const sound = (this.detail?.files ?? []).filter(
      ({ track, segment }) => track === "audio" && this.hasAudio && shown.has(segment),
    );
    return [...this.pieces, ...sound].filter(
      ({ segment }) => (segment ?? 0) >= this.first && (segment ?? 0) <= this.last,
    );
  }

  get part(): ChosenPart {
    const { rendition, first, last } = this;
    return {
      ...{ clip: this.summary.id, rendition, segments: [first, last] },
      audio: this.hasAudio && this.canSound,
    };
  }

  /** Takes it among what leaves, or out again; the first time it is proven in the ledger. */
  async choose(isChosen: boolean): Promise<void> {
    this.isChosen = isChosen;
    if (isChosen && !this.detail) await this.load();
  }

  /** Fetches it again; the pieces stay those that were chosen, only the faces in them are others. */
  async reload(): Promise<void> {
    const { first, last } = this;
    await this.load();
    if (!this.error) [this.first, this.last] = [first, last];
  }

  /** Fetches it (again), and offers the narrowest pieces that cover what is asked for. */
  async load(): Promise<void> {
    this.isLoading = true;
    this.error = null;
    try {
      this.detail = await ask("clipToRelease", { id: this.summary.id });
      this.isBlurred = this.canBlur;
      this.isClear = false;
      const { fromMs, toMs } = this.#range;
      const all = this.pieces;
      const within = all.filter((piece) => piece.toMs > fromMs && piece.fromMs < toMs);
      const offered = within.length > 0 ? within : all;
      this.first = offered[0]?.segment ?? 0;
      this.last = offered.at(-1)?.segment ?? 0;
    } catch (cause) {
      this.error = cause;
      this.isChosen = false;
    } finally {
      this.isLoading = false;
    }
  }
}
