import { headingPx, RowLayout, type Counted, type RowAnchor, type RowPlace } from "./row-layout.ts";
import { ScrollMap } from "./scroll-map.ts";

const OVERSCAN_PX = 400;
const SETTLED_MS = 160;

export interface ShownRow {
  /** Stays the row's own when newer events come. */
  readonly key: string;
  readonly index: number;
  readonly place: RowPlace;
}

/** Where one is in a list, so that one comes back to it. */
export interface ListPosition {
  readonly anchor: RowAnchor;
  readonly offsetPx: number;
  readonly current: RowAnchor;
}

/** Which rows are on view, and where; the list's own state, without its looks. */
export class ListView {
  layout = $state.raw(new RowLayout([]));
  /** Pixels of the list above the view. */
  listTop = $state(0);
  scrollHeight = $state(0);
  /** From a place in the list to the place in what is scrolled. */
  shift = $state(0);
  viewPx = $state(0);
  /** The row that the keyboard is at. */
  current = $state.raw<RowAnchor>({ startMs: Infinity, fromEnd: 0 });
  /** How many have come above what is being read. */
  newer = $state(0);

  readonly #map = new ScrollMap();
  #scroller: HTMLElement | null = null;
  #settling: ReturnType<typeof setTimeout> | undefined;

  readonly rows: readonly ShownRow[] = $derived.by(() => this.#shown());
  readonly currentIndex: number = $derived(
    this.layout.count === 0 ? 0 : this.layout.indexOf(this.current),
  );
  /** The section at the top of the view. */
  readonly topPlace: RowPlace | null = $derived(
    this.layout.count === 0 ? null : this.layout.place(this.layout.indexAt(this.listTop)),
  );

  attach(scroller: HTMLElement): () => void {
    this.#scroller = scroller;
    const watcher = new ResizeObserver(() => this.#resize());
    watcher.observe(scroller);
    this.#resize();
    return () => {
      watcher.disconnect();
      clearTimeout(this.#settling);
      this.#scroller = null;
    };
  }

  /** Takes new counts; what is being read stays where it is. */
  count(counted: readonly Counted[]): void {
    const before = this.layout;
    const position = this.position;
    this.layout = new RowLayout(counted);
    if (position === null || this.layout.count === 0) {
      this.#resize();
      return;
    }
    const newestBefore = before.anchorOf(0);
    this.newer += Math.max(0, this.layout.indexOf(newestBefore));
    this.restore(position);
  }

  get position(): ListPosition | null {
    if (this.layout.count === 0) return null;
    const index = this.layout.indexAt(this.listTop);
    const { top } = this.layout.place(index);
    const anchor = this.layout.anchorOf(index);
    return { anchor, offsetPx: this.listTop - top, current: this.current };
  }

  restore({ anchor, offsetPx, current }: ListPosition): void {
    this.current = current;
    const index = this.layout.indexOf(anchor);
    const place = this.layout.place(index);
    const headings = place.isFirst ? headingPx(place.section) : 0;
    const before = Math.max(0, this.layout.count - 1) >= index ? place.top : 0;
    // A heading may have come to stand above it, or have gone.
    const room = offsetPx < 0 ? 0 : Math.min(offsetPx, headings + 80);
    this.#map.resize(this.layout.heightPx, this.viewPx);
    this.goTo(before + room);
  }

  goTo(listTop: number): void {
    const scrollTop = this.#map.goTo(listTop);
    this.#take();
    // The height first, so that the place exists.
    queueMicrotask(() => this.#put(scrollTop));
  }

  /** Shows the row at the top, with its headings, and makes it the keyboard's. */
  goToRow(index: number): void {
    if (this.layout.count === 0) return;
    this.current = this.layout.anchorOf(index);
    this.goTo(this.layout.place(index).top);
    this.#forgetNewer();
  }

  /** Moves the keyboard's row and scrolls only as far as it must. */
  step(rows: number): void {
    const { count } = this.layout;
    if (count === 0) return;
    const isFirst = this.current.startMs === Infinity;
    const index = Math.min(Math.max(0, isFirst ? 0 : this.currentIndex + rows), count - 1);
    this.current = this.layout.anchorOf(index);
    const { top, height } = this.layout.place(index);
    if (top < this.listTop) this.goTo(top);
    else if (top + height > this.listTop + this.viewPx) this.goTo(top + height - this.viewPx);
  }

  scrolled(): void {
    if (!this.#scroller) return;
    const corrected = this.#map.scrolled(this.#scroller.scrollTop);
    if (corrected !== null) this.#scroller.scrollTop = corrected;
    this.#take();
    this.#forgetNewer();
    clearTimeout(this.#settling);
    this.#settling = setTimeout(() => {
      const settled = this.#map.settle();
      this.#take();
      this.#put(settled);
    }, SETTLED_MS);
  }

  #forgetNewer(): void {
    if (this.listTop < 80) this.newer = 0;
  }

  #resize(): void {
    this.viewPx = this.#scroller?.clientHeight ?? 0;
    const scrollTop = this.#map.resize(this.layout.heightPx, this.viewPx);
    this.#take();
    queueMicrotask(() => this.#put(scrollTop));
  }

  #take(): void {
    this.listTop = this.#map.listTop;
    this.shift = this.#map.shift;
    this.scrollHeight = this.#map.scrollHeight;
  }

  #put(scrollTop: number): void {
    if (this.#scroller && Math.abs(this.#scroller.scrollTop - scrollTop) >= 1)
      this.#scroller.scrollTop = scrollTop;
  }

  #shown(): ShownRow[] {
    const { layout } = this;
    if (layout.count === 0 || this.viewPx === 0) return [];
    const first = layout.indexAt(this.listTop - OVERSCAN_PX);
    const last = layout.indexAt(this.listTop + this.viewPx + OVERSCAN_PX);
    const indexes = Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
    // A row that has the focus is never taken away.
    const { currentIndex } = this;
    if (currentIndex < first) indexes.unshift(currentIndex);
    if (currentIndex > last) indexes.push(currentIndex);
    return indexes.map((index) => {
      const { startMs, fromEnd } = layout.anchorOf(index);
      return { key: `${startMs} ${fromEnd}`, index, place: layout.place(index) };
    });
  }
}
