/** Below what browsers can lay out: Chromium ends at 33,554,428 px, Firefox at about 17,800,000. */
export const SCROLL_HEIGHT_MAX_PX = 8_000_000;

/** So much at either end is as long in the bar as in the list, so that ends are reached evenly. */
const EVEN_PX = 1_000_000;
/** A move of more than this many screens is somebody dragging the scroll bar. */
const JUMP_SCREENS = 3;

/**
 * Maps a scroll bar of bounded height to a list of any height. Where one is, a pixel scrolled is a
 * pixel of the list; a drag of the scroll bar goes to the same share of both. The two drift apart
 * by what was scrolled pixel by pixel, and {@link settle} brings them together again without moving
 * what is shown.
 */
export class ScrollMap {
  #heightPx = 0;
  #viewPx = 0;
  #scrollTop = 0;
  #listTop = 0;

  /** Pixels from the list's beginning to what is at the top of the view. */
  get listTop(): number {
    return this.#listTop;
  }

  get scrollTop(): number {
    return this.#scrollTop;
  }

  /** Height of what is scrolled. */
  get scrollHeight(): number {
    return Math.min(this.#heightPx, Math.max(SCROLL_HEIGHT_MAX_PX, this.#viewPx));
  }

  /** To be taken from a place in the list to get the place in what is scrolled. */
  get shift(): number {
    return this.#listTop - this.#scrollTop;
  }

  get #listMax(): number {
    return Math.max(0, this.#heightPx - this.#viewPx);
  }

  get #scrollMax(): number {
    return Math.max(0, this.scrollHeight - this.#viewPx);
  }

  /** @returns where the scroll bar is to be put. */
  resize(heightPx: number, viewPx: number): number {
    [this.#heightPx, this.#viewPx] = [heightPx, viewPx];
    return this.goTo(this.#listTop);
  }

  /** Shows `listTop` at the top of the view. @returns where the scroll bar is to be put. */
  goTo(listTop: number): number {
    this.#listTop = Math.min(Math.max(0, listTop), this.#listMax);
    return this.settle();
  }

  /**
   * The scroll bar is at `scrollTop` now.
   *
   * @returns where it is to be put, where it ran into an end that is not the list's; else null.
   */
  scrolled(scrollTop: number): number | null {
    const move = scrollTop - this.#scrollTop;
    const isJump = Math.abs(move) > this.#viewPx * JUMP_SCREENS && this.#listMax > this.#scrollMax;
    this.#scrollTop = scrollTop;
    this.#listTop = isJump ? this.#listAt(scrollTop) : this.#listTop + move;
    const isAtEnd = scrollTop <= 0 || scrollTop >= this.#scrollMax;
    const wanted = Math.min(Math.max(0, this.#listTop), this.#listMax);
    if (wanted === this.#listTop && !isAtEnd) return null;
    this.#listTop = wanted;
    const before = scrollTop;
    const after = this.settle();
    return after === before ? null : after;
  }

  /** @returns where the scroll bar is to be put so that its share is the list's. */
  settle(): number {
    this.#scrollTop = stretched(this.#listTop, this.#listMax, this.#scrollMax);
    return this.#scrollTop;
  }

  #listAt(scrollTop: number): number {
    return stretched(scrollTop, this.#scrollMax, this.#listMax);
  }
}

/** A place in a length of `from`, in a length of `to`: the same at both ends, a share in between. */
function stretched(place: number, from: number, to: number): number {
  const even = Math.min(EVEN_PX, from / 4, to / 4);
  if (place <= even) return place;
  if (place >= from - even) return to - (from - place);
  return Math.round(even + ((place - even) / (from - 2 * even)) * (to - 2 * even));
}
