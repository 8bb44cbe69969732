import type { StreamRole } from "./live-pipe.ts";

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** Says what is wrong with the shape of a picture, in words for a person; null where nothing is. */
export type ShapeCheck = (size: PictureSize) => string | null;

/** Sizes of one shape differ by this much, since they are whole numbers of blocks. */
const SHAPE_TOLERANCE = 0.03;

/**
 * The shape that a camera's masks are for, width over height: in a picture of another one nobody knows
 * where they lie. Where it is not known what they were drawn on, the first picture decides, of the
 * main stream for both.
 */
export class MasksShape {
  readonly #drawn: number | null;
  readonly #onDecided: (role: StreamRole, size: PictureSize) => void;
  readonly #first = new Map<StreamRole, number>();

  /**
   * @param drawn - Of the still they were drawn on, null where nobody said.
   * @param onDecided - Told when a first picture decides.
   */
  constructor(
    drawn: number | null,
    onDecided: (role: StreamRole, size: PictureSize) => void = () => undefined,
  ) {
    this.#drawn = drawn;
    this.#onDecided = onDecided;
  }

  /** For one of the camera's streams. */
  of(role: StreamRole): ShapeCheck {
    return (size) => this.#wrong(role, size);
  }

  #wrong(role: StreamRole, size: PictureSize): string | null {
    const { width, height } = size;
    const shape = width / height;
    const known = this.#drawn ?? this.#first.get("main") ?? this.#first.get(role);
    if (known !== undefined && isOther(shape, known)) return this.#words(size, known);
    if (known === undefined) this.#onDecided(role, size);
    if (!this.#first.has(role)) this.#first.set(role, shape);
    return null;
  }

  #words({ width, height }: PictureSize, known: number): string {
    const of = this.#drawn === null ? "than before" : "than the one its masks were drawn on";
    return `its picture of ${width} x ${height} has another shape ${of} (${known.toFixed(3)} : 1), so that nobody knows where its masks lie; set this stream of the camera back to that shape, or draw its masks anew`;
  }
}

function isOther(shape: number, known: number): boolean {
  return !(Math.abs(shape / known - 1) <= SHAPE_TOLERANCE);
}
