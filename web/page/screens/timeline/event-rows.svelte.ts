import { SvelteMap } from "svelte/reactivity";
import type { ClipSummary } from "../../../../src/protocol/api.ts";
import type { ClipFilter } from "../../device/calls/timeline-calls.ts";
import { ask } from "../../device/vault.ts";
import type { RowLayout } from "./row-layout.ts";

const HOUR_MS = 3_600_000;
const PAGE_ROWS = 100;
const PAGES_MAX = 60;

interface LoadedPage {
  /** Of the layout that it was asked for with. */
  readonly version: number;
  readonly clips: readonly ClipSummary[];
  readonly loadedAtMs: number;
}

interface PageKey {
  readonly key: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly offset: number;
}

/**
 * The events that are looked at, asked for page by page within their day: what happens today does
 * not move yesterday's.
 */
export class EventRows {
  readonly #pages = new SvelteMap<string, LoadedPage>();
  readonly #running = new Map<string, AbortController>();
  #filter: ClipFilter = {};
  #version = 0;
  failure = $state.raw<unknown>(null);

  /** Null until it is here; with the time at which the hub said so. */
  at(layout: RowLayout, index: number): { clip: ClipSummary; loadedAtMs: number } | null {
    const { key, row } = pageOf(layout, index);
    const page = this.#pages.get(key);
    const clip = page?.clips[row];
    return page && clip ? { clip, loadedAtMs: page.loadedAtMs } : null;
  }

  /** What was loaded may be old: it stays on view until the newer answer is here. */
  renew(): void {
    this.#version += 1;
  }

  show(filter: ClipFilter): void {
    this.#filter = filter;
    this.close();
    this.#pages.clear();
  }

  /** Loads what is needed for these rows, and gives up on anything else. */
  want(layout: RowLayout, indexes: readonly number[]): void {
    const wanted = new Map<string, PageKey>();
    for (const index of indexes) {
      if (index >= layout.count) continue;
      const page = pageOf(layout, index);
      wanted.set(page.key, page);
    }
    for (const [key, controller] of this.#running)
      if (!wanted.has(key)) {
        controller.abort();
        this.#running.delete(key);
      }
    for (const page of wanted.values()) {
      const isNewest = this.#pages.get(page.key)?.version === this.#version;
      if (!isNewest && !this.#running.has(page.key)) void this.#load(page);
    }
  }

  close(): void {
    for (const controller of this.#running.values()) controller.abort();
    this.#running.clear();
  }

  async #load({ key, fromMs, toMs, offset }: PageKey): Promise<void> {
    const controller = new AbortController();
    this.#running.set(key, controller);
    const version = this.#version;
    try {
      const wanted = { ...this.#filter, fromMs, toMs, offset, limit: PAGE_ROWS };
      const clips = await ask("clips", wanted, { signal: controller.signal });
      this.failure = null;
      this.#pages.delete(key);
      this.#pages.set(key, { version, clips, loadedAtMs: Date.now() });
      const [oldest] = this.#pages.keys();
      if (this.#pages.size > PAGES_MAX && oldest !== undefined) this.#pages.delete(oldest);
    } catch (error) {
      if (!controller.signal.aborted) this.failure = error;
    } finally {
      if (this.#running.get(key) === controller) this.#running.delete(key);
    }
  }
}

function pageOf(layout: RowLayout, index: number): PageKey & { readonly row: number } {
  const { day } = layout.place(index).section;
  const within = index - day.firstIndex;
  const offset = Math.floor(within / PAGE_ROWS) * PAGE_ROWS;
  const key = `${day.startMs} ${offset}`;
  const [fromMs, toMs] = [wholeHour(day.startMs), wholeHour(day.endMs)];
  return { key, fromMs, toMs, offset, row: within - offset };
}

/** The hub counts by hours of UTC: where a day begins in the middle of one, that one is whole. */
function wholeHour(timeMs: number): number {
  return Math.ceil(timeMs / HOUR_MS) * HOUR_MS;
}
