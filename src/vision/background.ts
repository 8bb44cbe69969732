import { CELL_PIXELS, type GreyFrame } from "./grey-frame.ts";

// How fast the model follows, as a share of the difference per picture (five a second).
const FOLLOW_BACKGROUND = 0.02;
const FOLLOW_STILL_OBJECT = 0.05;
const FOLLOW_MOVING = 0.002;
const FOLLOW_LIGHT = 0.05;
const FOLLOW_NOISE = 0.02;
/** While the model is young it averages all it has seen, so that noise does not become scenery. */
const YOUNG_PICTURES = 25;
/** A thing that came to rest becomes scenery after this many pictures. */
const STILL_PICTURES = 25;
/** Grey levels. */
const NOISE_AT_FIRST = 2;
const NOISE_MAX = 40;
const THRESHOLD_BASE = 9;
const THRESHOLD_PER_NOISE = 3.5;
const SATURATED = 248;
const DAZZLED = 232;
/** What was brighter than the camera can show may be anything in less light. */
const LESS_LIGHT = 0.97;
/** Every seventh cell is enough to judge the light by (and falls on other columns each row). */
const LIGHT_CELL_STEP = 7;
const LIGHT_CELLS_MIN = 100;
const LIGHT_TOLERANCES = [24, 12];
const LIGHT_GAIN_INERTIA = 25;
const LIGHT_GAIN_MAX = 3;
/** One picture of a stream that is hardly looked at stands for those that were not, up to this many. */
const PICTURE_MS = 200;
const STANDS_FOR_MAX = 10;
/** Pictures that a cell's change is measured against: 0.4 s ago. */
const CHANGE_OVER_PICTURES = 2;
/** Somebody who stands sways within this many: 1.6 s. */
const SWAY_OVER_PICTURES = 8;
const SWAY_BASE = 5;
const SWAY_PER_NOISE = 1.5;

/** What one picture holds that the scenery does not. Valid until the next picture. */
export interface Foreground {
  readonly columns: number;
  readonly rows: number;
  /** 1 where the cell differs from the scenery, allowing for light, noise and small sway. */
  readonly differs: Uint8Array;
  /** 1 where it differs and also changed just now. */
  readonly moves: Uint8Array;
  /** 1 where it differs and changed a little within the last 1.6 s: somebody who stands still. */
  readonly sways: Uint8Array;
  /** The cells themselves, and what they would be if only the light had changed. */
  readonly cells: Float32Array;
  readonly expected: Float32Array;
  /** How far each cell usually strays, in grey levels. */
  readonly noise: Float32Array;
  /** The scenery in its own light. */
  readonly level: Float32Array;
  /** What light did to the whole picture: seen = gain * scenery + offset. */
  readonly gain: number;
  readonly offset: number;
}

/**
 * What the camera sees when nobody is there, cell by cell: the level, how much it usually strays,
 * and what the light does to all of it at this moment.
 */
export class Background {
  readonly #columns: number;
  readonly #rows: number;
  readonly #level: Float32Array;
  readonly #noise: Float32Array;
  readonly #stillFor: Uint8Array;
  readonly #kept: Uint8Array;
  readonly #cells: Float32Array;
  readonly #expected: Float32Array;
  readonly #lowest: Float32Array;
  readonly #highest: Float32Array;
  readonly #lowestInRow: Float32Array;
  readonly #highestInRow: Float32Array;
  /** Counts of differences from -256 to 255. */
  readonly #histogram = new Uint32Array(512);
  readonly #differs: Uint8Array;
  readonly #moves: Uint8Array;
  readonly #sways: Uint8Array;
  /** The last pictures, light taken out, newest first. */
  #recent: Float32Array[] = [];
  #pictures = 0;
  #lastAtMs = -Infinity;

  constructor(width: number, height: number) {
    this.#columns = Math.floor(width / CELL_PIXELS);
    this.#rows = Math.floor(height / CELL_PIXELS);
    const count = this.#columns * this.#rows;
    const floats = () => new Float32Array(count);
    this.#level = floats();
    this.#noise = floats().fill(NOISE_AT_FIRST);
    this.#stillFor = new Uint8Array(count);
    this.#kept = new Uint8Array(count);
    this.#cells = floats();
    this.#expected = floats();
    this.#lowest = floats();
    this.#highest = floats();
    this.#lowestInRow = floats();
    this.#highestInRow = floats();
    this.#differs = new Uint8Array(count);
    this.#moves = new Uint8Array(count);
    this.#sways = new Uint8Array(count);
    for (let index = 0; index < SWAY_OVER_PICTURES; index += 1) this.#recent.push(floats());
  }

  /**
   * Looks at one picture, then learns from it.
   *
   * @param threshold - Factor on how far a cell must stray to differ.
   */
  look(frame: GreyFrame, threshold = 1): Foreground {
    this.#fillCells(frame);
    if (this.#pictures === 0) {
      this.#level.set(this.#cells);
      for (const recent of this.#recent) recent.set(this.#cells);
    }
    this.#pictures += 1;
    const { gain, offset } = this.#light();
    this.#compare(gain, offset, threshold);
    this.#learn(gain, offset, this.#standsFor(frame.atMs));
    return {
      columns: this.#columns,
      rows: this.#rows,
      differs: this.#differs,
      moves: this.#moves,
      sways: this.#sways,
      cells: this.#cells,
      expected: this.#expected,
      noise: this.#noise,
      level: this.#level,
      gain,
      offset,
    };
  }

  /** Nothing is learned of this part from the next picture. Both ends are included. */
  keepOut(part: {
    readonly left: number;
    readonly top: number;
    readonly right: number;
    readonly bottom: number;
  }): void {
    for (let row = part.top; row <= part.bottom; row += 1)
      this.#kept.fill(1, row * this.#columns + part.left, row * this.#columns + part.right + 1);
  }

  #standsFor(atMs: number): number {
    const pictures = Math.round((atMs - this.#lastAtMs) / PICTURE_MS);
    this.#lastAtMs = atMs;
    // A wall clock that was set back tells nothing.
    return Number.isFinite(pictures) ? Math.min(STANDS_FOR_MAX, Math.max(1, pictures)) : 1;
  }

  #fillCells({ width, pixels }: GreyFrame): void {
    for (let row = 0, cell = 0; row < this.#rows; row += 1) {
      let above = row * CELL_PIXELS * width;
      let below = above + width;
      for (let column = 0; column < this.#columns; column += 1, cell += 1) {
        this.#cells[cell] =
          (pixels[above]! + pixels[above + 1]! + pixels[below]! + pixels[below + 1]!) / 4;
        above += CELL_PIXELS;
        below += CELL_PIXELS;
      }
    }
  }

  /**
   * Gain and offset that explain most of the picture as the scenery in another light. A thing that
   * fills a quarter of the picture must not be taken for light, so the middle difference comes
   * first, and only cells near it are fitted.
   */
  #light(): { gain: number; offset: number } {
    let gain = 1;
    let offset = this.#middleDifference();
    for (const tolerance of LIGHT_TOLERANCES) {
      let count = 0;
      let sumLevel = 0;
      let sumCell = 0;
      let sumLevelLevel = 0;
      let sumLevelCell = 0;
      for (let cell = 0; cell < this.#cells.length; cell += LIGHT_CELL_STEP) {
        const level = this.#level[cell]!;
        const seen = this.#cells[cell]!;
        if (seen > SATURATED || Math.abs(seen - gain * level - offset) > tolerance) continue;
        count += 1;
        sumLevel += level;
        sumCell += seen;
        sumLevelLevel += level * level;
        sumLevelCell += level * seen;
      }
      if (count < LIGHT_CELLS_MIN) break;
      const variance = sumLevelLevel / count - (sumLevel / count) ** 2;
      const covariance = sumLevelCell / count - (sumLevel / count) * (sumCell / count);
      // A scene of one even grey says little about the gain: it is drawn towards 1.
      gain = (covariance + LIGHT_GAIN_INERTIA) / (variance + LIGHT_GAIN_INERTIA);
      gain = Math.min(LIGHT_GAIN_MAX, Math.max(1 / LIGHT_GAIN_MAX, gain));
      offset = sumCell / count - (gain * sumLevel) / count;
    }
    return { gain, offset };
  }

  #middleDifference(): number {
    const histogram = this.#histogram.fill(0);
    let count = 0;
    for (let cell = 0; cell < this.#cells.length; cell += LIGHT_CELL_STEP) {
      histogram[Math.round(this.#cells[cell]! - this.#level[cell]!) + 256]! += 1;
      count += 1;
    }
    let seen = 0;
    const bucket = histogram.findIndex((share) => (seen += share) * 2 >= count);
    return bucket - 256;
  }

  #compare(gain: number, offset: number, factor: number): void {
    const { length } = this.#level;
    for (let cell = 0; cell < length; cell += 1) {
      this.#expected[cell] = Math.min(255, Math.max(0, gain * this.#level[cell]! + offset));
    }
    this.#spreadNeighbours(gain < LESS_LIGHT);
    const before = this.#recent[CHANGE_OVER_PICTURES - 1]!;
    const longBefore = this.#recent.at(-1)!;
    for (let cell = 0; cell < length; cell += 1) {
      const seen = this.#cells[cell]!;
      const beyond = Math.max(seen - this.#highest[cell]!, this.#lowest[cell]! - seen);
      const threshold = (THRESHOLD_BASE + THRESHOLD_PER_NOISE * this.#noise[cell]!) * factor;
      const differs = beyond > threshold;
      this.#differs[cell] = differs ? 1 : 0;
      const unlit = (seen - offset) / gain;
      const change = Math.abs(unlit - before[cell]!) * gain;
      this.#moves[cell] = differs && change > threshold / 2 ? 1 : 0;
      const sway = Math.abs(unlit - longBefore[cell]!) * gain;
      const swayMin = SWAY_BASE + SWAY_PER_NOISE * this.#noise[cell]!;
      this.#sways[cell] = differs && sway > swayMin ? 1 : 0;
    }
  }

  /** Lowest and highest expected value among each cell and its eight neighbours. */
  #spreadNeighbours(isDarker: boolean): void {
    const columns = this.#columns;
    const { length } = this.#expected;
    for (let cell = 0; cell < length; cell += 1) {
      const column = cell % columns;
      const here = this.#expected[cell]!;
      const left = column > 0 ? this.#expected[cell - 1]! : here;
      const right = column < columns - 1 ? this.#expected[cell + 1]! : here;
      this.#lowestInRow[cell] = Math.min(left, here, right);
      const dazzled = isDarker && this.#level[cell]! >= DAZZLED;
      this.#highestInRow[cell] = dazzled ? 255 : Math.max(left, here, right);
    }
    for (let cell = 0; cell < length; cell += 1) {
      const above = cell >= columns ? cell - columns : cell;
      const below = cell + columns < length ? cell + columns : cell;
      this.#lowest[cell] = Math.min(
        this.#lowestInRow[above]!,
        this.#lowestInRow[cell]!,
        this.#lowestInRow[below]!,
      );
      this.#highest[cell] = Math.max(
        this.#highestInRow[above]!,
        this.#highestInRow[cell]!,
        this.#highestInRow[below]!,
      );
    }
  }

  #learn(gain: number, offset: number, standsFor: number): void {
    const over = (rate: number) => 1 - (1 - rate) ** standsFor;
    const [followBackground, followStillObject, followMoving, followLight] = [
      over(FOLLOW_BACKGROUND),
      over(FOLLOW_STILL_OBJECT),
      over(FOLLOW_MOVING),
      over(FOLLOW_LIGHT),
    ];
    const youngRate = this.#pictures < YOUNG_PICTURES ? 1 / (this.#pictures + 1) : 0;
    const oldest = this.#recent.pop()!;
    this.#recent.unshift(oldest);
    for (let cell = 0; cell < this.#level.length; cell += 1) {
      const seen = this.#cells[cell]!;
      const expected = this.#expected[cell]!;
      oldest[cell] = (seen - offset) / gain;
      if (this.#kept[cell] === 1) {
        this.#kept[cell] = 0;
        this.#level[cell]! += followLight * (expected - this.#level[cell]!);
        continue;
      }
      let rate = Math.max(followBackground, youngRate);
      if (this.#differs[cell] === 1) {
        const still =
          this.#moves[cell] === 1 ? 0 : Math.min(STILL_PICTURES, this.#stillFor[cell]! + standsFor);
        this.#stillFor[cell] = still;
        rate = still === STILL_PICTURES ? followStillObject : followMoving;
      } else {
        this.#stillFor[cell] = 0;
      }
      const level = this.#level[cell]!;
      this.#level[cell] = level + followLight * (expected - level) + rate * (seen - expected);
      const noise = this.#noise[cell]!;
      const stray = Math.min(Math.abs(seen - expected), 3 * noise + 6);
      this.#noise[cell] = Math.min(NOISE_MAX, noise + FOLLOW_NOISE * (stray - noise));
    }
  }
}
