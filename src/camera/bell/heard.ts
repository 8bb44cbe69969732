import { BELL_HEARD_MAX, type BellHeard } from "../../protocol/api-bells.ts";
import { isKnownBell, knownBellsOf } from "./known.ts";
import type { BellMessage } from "./message.ts";

/** Of one message. */
const ITEMS_MAX = 8;
const TELLING = /bell|ring|visitor|button|press|call|klingel|sonnette/i;
const PRESSED = /^(?:true|1|on|ring|ringing|pressed|press|single|start|invite|pulse)$/i;

type Entry = BellHeard & { readonly isKnown: boolean };

/** What came while somebody taught the hub a bell: every message once, counted, and not too many. */
export class Heard {
  readonly #nowMs: () => number;
  readonly #entries = new Map<string, Entry>();
  #leftOut = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  add(message: BellMessage): void {
    // The state of before tells nothing of a press.
    if (message.isInitial) return;
    const isKnown = isKnownBell(message);
    for (const [item, value] of tellingItems(message)) this.#add(message, item, value, isKnown);
  }

  /** The likely one first. */
  list(): { heard: BellHeard[]; leftOut: number } {
    const isAnyKnown = [...this.#entries.values()].some(({ isKnown }) => isKnown);
    const heard = [...this.#entries.values()]
      .map(({ isKnown, ...entry }) => ({
        ...entry,
        isLikely: isKnown || (!isAnyKnown && isTelling(entry)),
      }))
      .toSorted(
        (left, right) =>
          Number(right.isLikely) - Number(left.isLikely) ||
          left.count - right.count ||
          right.lastAtMs - left.lastAtMs,
      );
    return { heard, leftOut: this.#leftOut };
  }

  #add({ via, topic }: BellMessage, item: string | null, value: string | null, isKnown: boolean) {
    const key = JSON.stringify([via, topic, item, value]);
    const atMs = this.#nowMs();
    const before = this.#entries.get(key);
    if (before === undefined && !this.#hasRoom(isKnown)) {
      this.#leftOut += 1;
      return;
    }
    this.#entries.set(key, {
      ...{ via, topic, item, value, isKnown, isLikely: isKnown },
      count: (before?.count ?? 0) + 1,
      firstAtMs: before?.firstAtMs ?? atMs,
      lastAtMs: atMs,
    });
  }

  /** What is in the table finds room, whatever else was said before. */
  #hasRoom(isKnown: boolean): boolean {
    if (this.#entries.size < BELL_HEARD_MAX) return true;
    const last = isKnown ? [...this.#entries].findLast(([, entry]) => !entry.isKnown) : undefined;
    if (!last) return false;
    this.#entries.delete(last[0]);
    this.#leftOut += 1;
    return true;
  }
}

function isTelling({ topic, item, value }: BellHeard): boolean {
  return TELLING.test(`${topic} ${item ?? ""}`) && PRESSED.test(value ?? "");
}

/** The parts of a message that a rule could be made of. */
function tellingItems(message: BellMessage): [string | null, string | null][] {
  const { via, items } = message;
  if (via === "dahua") {
    const item = knownBellsOf(message)[0]?.item ?? "action";
    return [[item, items.get(item) ?? items.get("action") ?? null]];
  }
  const named = [...items].filter(([name]) => name !== "" && name !== "@source");
  if (named.length > 0) return named.slice(0, ITEMS_MAX);
  return [[null, items.get("") ?? null]];
}
