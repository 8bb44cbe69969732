import { HubError } from "../../protocol/errors.ts";
import type { BlurReason } from "../../protocol/blur-state.ts";
import { PRE_ROLL_MS } from "../../protocol/clip.ts";
import type { PictureSize } from "../../blur/boxes.ts";
import type { BlurFootage, BlurredPoster, BlurredSegment, BlurRules } from "../blur-footage.ts";
import { scaledBoxes, Sightings } from "./boxes-to-cover.ts";
import type { ChildLimits } from "./child-watch.ts";
import type { Container } from "./container.ts";
import { coverFound, coverWhole, type CoveredPicture, type CoverOptions } from "./cover-pass.ts";
import { lookAt, lookSize, startLook, type Detectors, type SegmentLook } from "./look-pass.ts";
import { KeptStills, wipePosters, type Still } from "./kept-stills.ts";
import { firstStillOf, stillOf } from "./poster.ts";
import { copyOf } from "./segment-copy.ts";
import type { EncodedSegment } from "./segment-encoder.ts";
import { readSegment, type SegmentPictures } from "./segment-pictures.ts";

export interface BlurGround {
  readonly ffmpegPath: string;
  readonly container: Container;
  /**
   * Opens what looks at pictures, or gives what is open.
   *
   * @throws HubError `DETECTOR_FAILED`
   */
  readonly detectors: (mode: BlurRules["mode"]) => Promise<Detectors>;
  /** Bytes that a copy may have, by those of its original. */
  readonly bytesMax: (originalBytes: number) => number;
  readonly limits?: ChildLimits;
  readonly onDetected?: (tookMs: number) => void;
}

export interface BlurJobOptions extends BlurGround {
  readonly rules: BlurRules;
  readonly onSegment: (segment: BlurredSegment) => void;
  readonly onPoster: (poster: BlurredPoster) => void;
  /** Something that a person should know, once for each segment it comes with. */
  readonly onTrouble?: (error: HubError) => void;
}

/** A segment between being looked at and being answered for. */
interface Pending {
  readonly footage: BlurFootage;
  /** When its first picture came into memory, by the clock of this process. */
  readonly arrivedAtMs: number;
  readonly pictures: SegmentPictures | null;
  readonly look: SegmentLook | null;
  readonly lookedIn: { readonly sightings: Sightings; readonly size: PictureSize } | null;
  /** Why it cannot be covered by what was found; null where it can. */
  readonly problem: HubError | null;
}

/** A later picture is only worth the work where it shows so much more. */
const BETTER_STILL = 1.25;
/** Of a picture in which nobody is seen, from when on the event is under way. */
const ONSET_SCORE = 1e-6;

/**
 * One clip's way to its blurred copy. Segments are looked at as they come, and covered once what
 * follows has been looked at too: whoever is found then is covered in the second before. Pictures are
 * in memory one at a time; of what was looked at, boxes are left. Nothing that was not looked at is
 * ever given away clear.
 *
 * Calls are answered in their order; each promise settles when its work is done, and never rejects
 * but for impossible states.
 */
export class BlurJob {
  readonly #options: BlurJobOptions;
  readonly #dropped = new AbortController();
  #turn: Promise<void> = Promise.resolve();
  #pending: Pending[] = [];
  #ground: Pending["lookedIn"] = null;
  #startedAtMs: number | null = null;
  readonly #stills: KeptStills;

  constructor(options: BlurJobOptions) {
    this.#options = options;
    this.#stills = new KeptStills(options.onPoster);
  }

  /** The clip's next segment. */
  push(footage: BlurFootage): Promise<void> {
    const arrivedAtMs = performance.now() - (footage.ageMs ?? 0);
    const done = this.#inTurn(async () => {
      this.#pending.push(await this.#lookAt(footage, arrivedAtMs));
      // The newest waits for what follows, or for the end; nothing waits for more than one.
      while (this.#pending.length > 1) {
        this.#settleFirst();
        await this.#answerFirst();
      }
    });
    return done.finally(() => {
      // Dropped before it was looked at: nobody else knows of it.
      if (this.#dropped.signal.aborted) wipe(footage);
    });
  }

  /** Nothing follows: whatever has not been answered is. */
  end(): Promise<void> {
    return this.#inTurn(async () => {
      this.#endSightings();
      while (this.#pending.length > 0) await this.#answerFirst();
    });
  }

  /** Lets everything go; nothing is answered any more. */
  drop(): Promise<void> {
    this.#dropped.abort();
    return this.#inTurn(() => Promise.resolve());
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn
      .then(() => (this.#dropped.signal.aborted ? undefined : work()))
      .catch((error: unknown) => {
        if (!this.#dropped.signal.aborted) throw error;
      })
      .finally(() => {
        if (this.#dropped.signal.aborted) this.#letGo();
      });
    return this.#turn;
  }

  #letGo(): void {
    for (const { footage } of this.#pending) wipe(footage);
    this.#pending = [];
    this.#ground = null;
    this.#stills.letGo();
  }

  async #lookAt(footage: BlurFootage, arrivedAtMs: number): Promise<Pending> {
    let pictures: SegmentPictures | null = null;
    let look: SegmentLook | null = null;
    let lookedIn: Pending["lookedIn"] = null;
    try {
      pictures = readSegment(footage);
      lookedIn = this.#groundFor(pictures.size);
      look = startLook(lookedIn.sightings);
      const { rules, ffmpegPath, limits, onDetected } = this.#options;
      await lookAt(look, {
        ...{ ffmpegPath, footage, pictures, rules, signal: this.#dropped.signal },
        ...{ sightings: lookedIn.sightings, size: lookedIn.size },
        detectors: await this.#options.detectors(rules.mode),
        ...(limits === undefined ? {} : { limits }),
        ...(onDetected === undefined ? {} : { onDetected }),
      });
      this.#startedAtMs ??= footage.fragments[0]?.decodeTimeMs ?? 0;
      return { footage, arrivedAtMs, pictures, look, lookedIn, problem: null };
    } catch (error) {
      const problem = this.#problemOf(error);
      return { footage, arrivedAtMs, pictures, look, lookedIn, problem };
    }
  }

  /** A failure of what was tried; what is none goes on to whoever runs this. */
  #problemOf(error: unknown): HubError {
    this.#dropped.signal.throwIfAborted();
    if (!(error instanceof HubError)) throw error;
    this.#options.onTrouble?.(error);
    return error;
  }

  /** Boxes of pictures of another size would be in other places. */
  #groundFor(pictureSize: PictureSize): NonNullable<Pending["lookedIn"]> {
    const size = lookSize(pictureSize, this.#options.rules.mode);
    const ground = this.#ground;
    if (ground && ground.size.width === size.width && ground.size.height === size.height)
      return ground;
    this.#endSightings();
    this.#ground = { sightings: new Sightings(size), size };
    return this.#ground;
  }

  /** What follows is followed anew. */
  #endSightings(): void {
    this.#ground?.sightings.end();
    this.#ground = null;
  }

  /**
   * After a short segment, or of few pictures a second, more could still come to know of the first
   * of those that wait; but nothing waits for more than one, and whoever was seen is followed on.
   */
  #settleFirst(): void {
    const [first] = this.#pending;
    if (!first?.look || !first.lookedIn) return;
    first.lookedIn.sightings.settleBefore(first.look.firstFrame + first.look.marks.length);
  }

  async #answerFirst(): Promise<void> {
    const first = this.#pending[0];
    if (!first) return;
    const { footage, look, lookedIn } = first;
    const answer = await this.#answerTo(first);
    this.#dropped.signal.throwIfAborted();
    this.#pending.shift();
    if (look) lookedIn?.sightings.forgetBefore(look.firstFrame + look.marks.length);
    // Stills come before the last answer, after which nobody waits for them.
    if (this.#pending.length === 0) this.#stills.tell();
    this.#options.onSegment(answer);
    wipe(footage);
  }

  async #answerTo(pending: Pending): Promise<BlurredSegment> {
    const { footage, arrivedAtMs, pictures, look, lookedIn, problem } = pending;
    const frames = footage.fragments.length;
    const common = { segment: footage.segment, frames, framesLooked: look?.looked ?? 0 };
    const reasons = problem === null ? [] : [problem];
    if (pictures && look && lookedIn && reasons.length === 0)
      try {
        const encoded = await this.#coverFound(footage, {
          ...{ arrivedAtMs, pictures, look, lookedIn },
        });
        return this.#answered({ ...common, outcome: "blurred", reason: null }, pending, encoded);
      } catch (error) {
        reasons.push(this.#problemOf(error));
      }
    // What hangs costs its whole time-out: it is not tried more often than a copy needs.
    if (pictures && reasons[0]?.code !== "VISION_TIMEOUT")
      await this.#keepClearStill(footage, pictures, arrivedAtMs);
    if (pictures)
      try {
        const encoded = await coverWhole(this.#coverOptions(footage, pictures));
        const reason = reasonOf(reasons[0]);
        return this.#answered({ ...common, outcome: "whole", reason }, pending, encoded);
      } catch (error) {
        reasons.push(this.#problemOf(error));
      }
    const reason = reasonOf(reasons[0]);
    return { ...common, outcome: "absent", reason, init: null, fragments: [] };
  }

  #answered(
    said: Pick<BlurredSegment, "segment" | "outcome" | "reason" | "frames" | "framesLooked">,
    { footage, pictures }: Pending,
    encoded: EncodedSegment,
  ): BlurredSegment {
    if (!pictures) throw new Error("a copy of nothing");
    const fragments = copyOf(footage, pictures, encoded, this.#options.container);
    return { ...said, init: encoded.init, fragments };
  }

  #coverOptions(footage: BlurFootage, pictures: SegmentPictures): CoverOptions {
    const { ffmpegPath, container, bytesMax, limits } = this.#options;
    return {
      ...{ ffmpegPath, container, footage, pictures, signal: this.#dropped.signal },
      bytesMax: bytesMax(pictures.sizeBytes),
      ...(limits === undefined ? {} : { limits }),
    };
  }

  async #coverFound(
    footage: BlurFootage,
    seen: {
      readonly arrivedAtMs: number;
      readonly pictures: SegmentPictures;
      readonly look: SegmentLook;
      readonly lookedIn: NonNullable<Pending["lookedIn"]>;
    },
  ): Promise<EncodedSegment> {
    const { pictures, look, lookedIn } = seen;
    const { size, sightings } = lookedIn;
    const last = look.firstFrame + look.marks.length;
    const boxes = sightings
      .boxesFor(look.firstFrame, last, this.#options.rules)
      .map((found) => scaledBoxes(found, size, pictures.size));
    const still = this.#stillWanted(footage, pictures, look);
    const made: Still[] = [];
    try {
      const encoded = await coverFound(
        ...([look, boxes, this.#coverOptions(footage, pictures)] as const),
        still?.index ?? null,
        async (picture) => {
          const kept = still && (await this.#makeStill(picture, still, seen, footage));
          if (kept) made.push(kept);
        },
      );
      // Only with the segment it is of: that one's pictures were those that were looked at.
      for (const kept of made.splice(0))
        this.#stills.keep(kept, performance.now() - seen.arrivedAtMs);
      return encoded;
    } finally {
      for (const { original, blurred } of made) wipePosters(original, blurred);
    }
  }

  /** Which picture of a segment shows more than what there is, if any does. */
  #stillWanted(
    { fragments }: BlurFootage,
    { times, shownTicks }: SegmentPictures,
    { best }: SegmentLook,
  ): { readonly index: number; readonly score: number } | null {
    const present = this.#stills.score;
    const wanted = present === null ? 0 : present * BETTER_STILL;
    if (best && best.score > wanted) return best;
    // With nobody in it, the first key frame of the event, and before that of the clip.
    const onsetMs = (this.#startedAtMs ?? 0) + PRE_ROLL_MS;
    const key = fragments.findIndex(
      ({ keyFrame, decodeTimeMs }) => keyFrame && decodeTimeMs >= onsetMs,
    );
    const place = Math.max(0, shownTicks.indexOf(times[Math.max(0, key)]?.shownTicks ?? NaN));
    const score = key < 0 ? 0 : ONSET_SCORE;
    return present === null || score > wanted ? { index: place, score } : null;
  }

  async #makeStill(
    { clear, covered }: CoveredPicture,
    { index, score }: { readonly index: number; readonly score: number },
    { pictures, look }: { readonly pictures: SegmentPictures; readonly look: SegmentLook },
    { fragments }: BlurFootage,
  ): Promise<Still | null> {
    const { ffmpegPath, limits } = this.#options;
    const still = (planes: Uint8Array): Promise<Uint8Array | null> =>
      stillOf({
        ...{ ffmpegPath, planes, size: pictures.size, colours: look.colours },
        ...(limits === undefined ? {} : { limits }),
      });
    const [original, blurred] = [await still(clear), await still(covered)];
    if (!original || !blurred) return null;
    const shown = pictures.shownTicks[index];
    const place = pictures.times.findIndex(({ shownTicks }) => shownTicks === shown);
    const atMs = fragments[place]?.wallClockMs ?? 0;
    return {
      score,
      original: { rendition: "original", atMs, pixelated: null, jpeg: original },
      blurred: { rendition: "blurred", atMs, pixelated: "faces", jpeg: blurred },
    };
  }

  /** Who may see originals gets a still of those, also where nothing could be covered. */
  async #keepClearStill(
    footage: BlurFootage,
    pictures: SegmentPictures,
    arrivedAtMs: number,
  ): Promise<void> {
    if (this.#stills.hasAny) return;
    const { ffmpegPath, limits } = this.#options;
    try {
      const still = await firstStillOf({
        ...{ ffmpegPath, footage, pictures },
        ...(limits === undefined ? {} : { limits }),
      });
      const place = pictures.times.findIndex(({ shownTicks }) => shownTicks === still?.ticks);
      const atMs = footage.fragments[place]?.wallClockMs;
      if (!still || atMs === undefined) return;
      this.#stills.keepClear(
        { rendition: "original", atMs, pixelated: null, jpeg: still.jpeg },
        performance.now() - arrivedAtMs,
      );
    } catch (error) {
      // Why nothing could be covered is said of the segment.
      if (!(error instanceof HubError)) throw error;
    }
  }
}

const REASONS: Readonly<Record<string, BlurReason>> = {
  DETECTOR_FAILED: "detector-failed",
  ENCODER_FAILED: "encoder-failed",
  VISION_TIMEOUT: "timed-out",
};

function reasonOf(problem: HubError | undefined): BlurReason {
  return REASONS[problem?.code ?? ""] ?? "decoder-failed";
}

/** Pictures of people: not left for whoever reads this process's memory later. */
function wipe({ fragments }: BlurFootage): void {
  for (const { bytes } of fragments) bytes.fill(0);
}
