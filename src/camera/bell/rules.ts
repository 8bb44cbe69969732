import { carries, isKnownBell, knownBellsOf } from "./known.ts";
import type { BellMessage } from "./message.ts";

/** How a camera's bell is heard, as the settings file says it. */
export type BellRule =
  | {
      readonly via: "onvif";
      readonly topic: string;
      readonly item?: string;
      readonly value?: string;
    }
  | { readonly via: "dahua"; readonly code?: string; readonly port?: number }
  | { readonly via: "hikvision"; readonly port?: number }
  | { readonly via: "webhook" }
  | {
      readonly via: "mqtt";
      readonly topic: string;
      readonly item?: string;
      readonly value?: string;
    }
  | { readonly via: "command"; readonly command: readonly string[]; readonly value?: string };

/**
 * A state that is told again and again while somebody holds the button is one press, for this long
 * since it was told first; after that its end was lost on the way, and it is another one.
 */
export const HELD_MS = 10_000;
const STATES_MAX = 64;

/** A topic as rules are compared: without namespace prefixes, which every device chooses for itself. */
export function plainTopic(topic: string): string {
  return topic
    .split("/")
    .map((part) => part.slice(part.lastIndexOf(":") + 1).trim())
    .join("/");
}

/** Whether a message is what a rule rings for. Nothing that tells an earlier state ever is. */
export function matches(rule: BellRule, message: BellMessage): boolean {
  if (message.isInitial || message.via !== rule.via) return false;
  switch (rule.via) {
    case "onvif":
      return (
        plainTopic(rule.topic) === message.topic &&
        (rule.item === undefined ||
          sameValue(rule.value ?? "", message.items.get(rule.item) ?? null))
      );
    case "dahua":
      if (rule.code === undefined) return isKnownBell(message);
      return rule.code === message.topic && ringsDahua(message);
    case "hikvision":
      return isKnownBell(message);
    case "mqtt":
      return (
        rule.topic === message.topic &&
        (rule.value === undefined || message.items.get(rule.item ?? "") === rule.value)
      );
    case "command":
      return rule.value === undefined || (message.items.get("") ?? "").includes(rule.value);
    case "webhook":
      return false;
  }
}

/** A code that is in no table rings when it begins. */
function ringsDahua(message: BellMessage): boolean {
  const known = knownBellsOf(message);
  if (known.length > 0) return known.some((bell) => carries(bell, message));
  return message.items.get("action") !== "Stop";
}

/** XML Schema knows two spellings of each truth. */
function sameValue(wanted: string, found: string | null): boolean {
  if (found === null) return false;
  const truth = new Map([
    ["1", "true"],
    ["true", "true"],
    ["0", "false"],
    ["false", "false"],
  ]);
  return wanted === found || (truth.has(wanted) && truth.get(wanted) === truth.get(found));
}

/** Rules of one camera that come one way, and what each of them saw last. */
export class RuleSet {
  readonly #rules: readonly BellRule[];
  readonly #monotonicMs: () => number;
  /** States that were seen to be something else than pressed, and since when they are. */
  readonly #states = new Map<string, { pressedAtMs: number | null }>();

  constructor(rules: readonly BellRule[], monotonicMs: () => number) {
    this.#rules = rules;
    this.#monotonicMs = monotonicMs;
  }

  /** Whether somebody has just pressed, by any of the rules. */
  hears(message: BellMessage): boolean {
    return this.#rules.map((rule, index) => this.#hears(rule, index, message)).some(Boolean);
  }

  #hears(rule: BellRule, index: number, message: BellMessage): boolean {
    const isRinging = matches(rule, message);
    // Only what is a state can be held: a code, a line or a call is a moment.
    if (rule.via !== "onvif" || message.isState !== true) return isRinging;
    if (message.via !== rule.via || plainTopic(rule.topic) !== message.topic) return false;
    const key = `${index} ${message.items.get("@source") ?? ""}`;
    const state = this.#states.get(key);
    if (!isRinging) {
      if (state && !message.isInitial) state.pressedAtMs = null;
      if (!state) this.#remember(key);
      return false;
    }
    // Some devices say "Changed" at each press, and never that it is over: nothing can be held there.
    if (!state) return true;
    const nowMs = this.#monotonicMs();
    if (state.pressedAtMs !== null && nowMs - state.pressedAtMs < HELD_MS) return false;
    state.pressedAtMs = nowMs;
    return true;
  }

  #remember(key: string): void {
    if (this.#states.size >= STATES_MAX) this.#states.clear();
    this.#states.set(key, { pressedAtMs: null });
  }
}
