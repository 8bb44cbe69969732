import { place, to } from "../../router.svelte.ts";
import type { NewPasskey } from "../../device/passkey.ts";
import type { VaultResult } from "../../device/vault-messages.ts";

/** The steps of a first run, in order. Both of the recovery sheet count as one. */
export const STEPS = ["start", "names", "keys", "sheet", "proof", "camera"] as const;
export type StepName = (typeof STEPS)[number];
export const STEPS_SHOWN = ["start", "names", "keys", "sheet", "camera"] as const;

export const WORD_COUNT = 24;

export interface MadeKeys extends VaultResult<"found"> {
  readonly label: string;
  readonly kind: "pq" | "x25519";
  readonly sealedBy: "passkey" | "browser";
}

/** All that a first run has been told so far: going back, by whatever way, loses nothing of it. */
class Founding {
  /** Somebody has read the first step, with what it says of keys that are here already. */
  isBegun = $state(false);
  isTunnel = $state(false);
  mayReplace = $state(false);
  code = $state("");
  /** The code that the hub has taken. */
  takenCode = $state<string | null>(null);
  device = $state("");
  house = $state("");
  kind = $state<"pq" | "x25519">("pq");
  passkey: NewPasskey | null = null;
  made = $state.raw<MadeKeys | null>(null);
  typed = $state<string[]>(Array.from({ length: WORD_COUNT }, () => ""));
  isClaimed = $state(false);
  isNameSaved = $state(true);

  /** The keys are for this name and of this kind; else they are to be made anew. */
  get areKeysCurrent(): boolean {
    return this.made?.label === this.device.trim() && this.made.kind === this.kind;
  }

  /** The step that the address asks for, or the last one before it that can be shown. */
  get step(): StepName {
    if (this.isClaimed) return "camera";
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
    this.typed = Array.from({ length: WORD_COUNT }, () => "");
  }

  /** Nothing of the sheet stays in the page once it has been proven. */
  claimed(isNameSaved: boolean): void {
    this.isNameSaved = isNameSaved;
    this.isClaimed = true;
    this.made = null;
    this.typed = [];
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
