import { device } from "../../device/device.svelte.ts";
import { platform } from "../../device/platform.ts";
import { ask } from "../../device/vault.ts";
import { place, to } from "../../router.svelte.ts";
import type { NewPasskey } from "../../device/passkey.ts";
import type { VaultResult } from "../../device/vault-messages.ts";
import { words as texts } from "./welcome-words.ts";

/** The steps of a first run until the claim, in order. Both of the recovery sheet count as one. */
export const STEPS = ["start", "names", "keys", "sheet", "proof"] as const;
export type StepName = (typeof STEPS)[number];

export const WORD_COUNT = 24;

export interface MadeKeys extends VaultResult<"openDraft"> {}

const noWords = (): string[] => Array.from({ length: WORD_COUNT }, () => "");

/** All that a first run has been told so far: going back, by whatever way, loses nothing of it. */
class Founding {
  /** Somebody has read the first step, with what it says of keys that are here already. */
  isBegun = $state(false);
  isTunnel = $state(false);
  mayReplace = $state(false);
  /** On an iPhone, in a browser's tab: the person was told what follows of claiming there. */
  isInTab = $state(false);
  code = $state("");
  /** The code that the hub has taken. */
  takenCode = $state<string | null>(null);
  /** Not to be typed by whoever has nothing against it. */
  device = $state(texts.names.devices[platform]);
  house = $state(texts.names.houseSuggested);
  kind = $state<"pq" | "x25519">("pq");
  passkey: NewPasskey | null = null;
  made = $state.raw<MadeKeys | null>(null);
  typed = $state<string[]>(noWords());
  #typedRight: readonly number[] = [];
  #isClaimed = $state(false);

  /** The keys are for this name and of this kind; else they are to be made anew. */
  get areKeysCurrent(): boolean {
    return this.made?.label === this.device.trim() && this.made.kind === this.kind;
  }

  /** The step that the address asks for, or the last one before it that can be shown. */
  get step(): StepName {
    if (this.#isClaimed) return "proof";
    const asked = STEPS.find((name) => name === place.path[1]) ?? "start";
    const last = Math.min(STEPS.indexOf(asked), STEPS.indexOf(this.#reached()));
    return STEPS[last] ?? "start";
  }

  #reached(): StepName {
    if (!this.isBegun) return "start";
    const isTaken = this.takenCode === this.code && this.device.trim() !== "";
    if (!isTaken) return "names";
    return this.areKeysCurrent ? "proof" : "keys";
  }

  keep(made: MadeKeys): void {
    this.made = made;
    this.typed = noWords();
    this.#typedRight = [];
  }

  /** What a person has typed is there again when a phone has ended the app meanwhile. */
  async save(): Promise<void> {
    const { code, kind } = this;
    const [label, house] = [this.device.trim(), this.house.trim()];
    const origin = device.hub?.origin;
    if (origin === undefined) return;
    const typedRight = this.#typedRight;
    await ask("keepDraft", { origin, code, device: label, house, kind, typedRight });
  }

  /** Numbers of words that were typed right from paper, and nothing of what they are. */
  async saveTyped(): Promise<void> {
    const right = this.typed.flatMap((word, index) =>
      word !== "" && word === this.made?.words[index] ? [index] : [],
    );
    if (right.join() === this.#typedRight.join()) return;
    this.#typedRight = right;
    await this.save();
  }

  /** Takes up what an interrupted first run was told; its keys are another matter. */
  takeUp(draft: NonNullable<VaultResult<"draft">>): void {
    [this.code, this.device, this.house] = [draft.code, draft.device, draft.house];
    [this.kind, this.isBegun] = [draft.kind, true];
    this.#typedRight = draft.typedRight;
    // Who made keys here was asked about older ones, and whatever is stored now may be of these.
    if (draft.keys) [this.mayReplace, this.takenCode] = [true, draft.code];
  }

  /** @returns the step at which it was interrupted. */
  takeUpKeys(made: MadeKeys): StepName {
    this.made = made;
    this.typed = noWords().map((_, index) =>
      this.#typedRight.includes(index) ? (made.words[index] ?? "") : "",
    );
    return this.#typedRight.length > 0 ? "proof" : "sheet";
  }

  /** Nothing of the sheet stays in the page once it has been proven. */
  claimed(): void {
    [this.#isClaimed, this.made, this.typed] = [true, null, []];
    this.passkey?.secret.fill(0);
    this.passkey = null;
  }
}

export const founding = new Founding();

export function addressOf(step: StepName): string {
  return to("welcome", step);
}

const CODE_CHARACTERS = 12;
const CODE_GROUP = 4;

/** "abcd efghjk" becomes "ABCD-EFGH-JK", as the hub's console shows it. */
export function groupedCode(typed: string): string {
  const plain = typed
    .toUpperCase()
    .replaceAll(/[^A-Z0-9]/g, "")
    .slice(0, CODE_CHARACTERS);
  return (plain.match(new RegExp(`.{1,${CODE_GROUP}}`, "g")) ?? []).join("-");
}
