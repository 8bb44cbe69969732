import { parseDocument } from "yaml";
import { HubError } from "../protocol/errors.ts";
import { utf8Text } from "../protocol/bytes.ts";
import { confirm } from "./keys-directory.ts";
import { printable, say } from "./options.ts";
import type { LedgerAfter } from "./restore-ledger.ts";
import type { Refused } from "./restore-objects.ts";
import type { ChosenState, ProvenState } from "./restore-state.ts";
import type { ArchiveMember } from "./restore-tar.ts";
import { localTime } from "./times.ts";

/** What a state of a copy says of itself, for who decides whether it is the one. */
export interface StateFacts {
  readonly sequence: number;
  readonly writer: string;
  readonly atMs: number;
  readonly keyringEpoch: number;
  readonly entries: number;
  /** Programs that its settings start on the machine, each with its arguments. */
  readonly programs: readonly string[];
}

const PROGRAMS_SHOWN_MAX = 50;
const UNREADABLE = "(settings that cannot be read)";

export function factsOf({ name, manifest, members }: ProvenState): StateFacts {
  return {
    ...{ sequence: name.sequence, writer: name.writer, atMs: manifest.atMs },
    ...{ keyringEpoch: manifest.keyring.epoch, entries: manifest.ledger.size },
    programs: programsIn(members),
  };
}

export function programsIn(members: readonly ArchiveMember[]): string[] {
  const settings = members.find(({ name }) => name === "doorward.yaml");
  if (!settings) return [];
  const found: string[] = [];
  try {
    const document = parseDocument(utf8Text(settings.bytes, "settings"));
    if (document.errors.length > 0) return [UNREADABLE];
    collectPrograms(document.toJS({ maxAliasCount: 0 }), found);
  } catch {
    return [UNREADABLE];
  }
  return found.slice(0, PROGRAMS_SHOWN_MAX);
}

function collectPrograms(value: unknown, found: string[]): void {
  if (typeof value !== "object" || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === "command") found.push(printable(JSON.stringify(inner)).slice(0, 400));
    collectPrograms(inner, found);
  }
}

/** What is taken, what it would start, and what lies before it. */
export function sayChoice(choice: ChosenState, after: LedgerAfter): void {
  const chosen = factsOf(choice.taken);
  const older = choice.older && factsOf(choice.older);
  say(`Taken: ${line(chosen)}; with what was copied after it, keyring ${after.keyring.epoch}.`);
  say(older ? `Before it: ${line(older)}; to take that: --state ${older.sequence}.` : NO_OLDER);
  for (const program of chosen.programs) say(`Its settings run a program: ${program}`);
  const before = new Set(older?.programs);
  const isNew = older !== null && chosen.programs.some((program) => !before.has(program));
  if (isNew) say("The state before it did not run that.");
}

const NO_OLDER = "There is no state before it that opens.";

function line({ sequence, writer, atMs, keyringEpoch, entries }: StateFacts): string {
  return `state ${sequence} of ${writer}, made on ${localTime(atMs)}, ${entries} ledger entries, keyring ${keyringEpoch}`;
}

/**
 * Whoever has the old hub can make a state that is newer than yours, and holds: only who knows the
 * house can say whether this is it.
 *
 * @throws HubError RESTORE_NOT_CONFIRMED
 */
export async function requireChoice(isSure: boolean): Promise<void> {
  if (isSure) return;
  say("If the old hub was stolen, its login can write here: take a state of before, and withdraw");
  say("that login first.");
  if (await confirm("Go on with this state?")) return;
  throw new HubError(
    "RESTORE_NOT_CONFIRMED",
    "Nothing was restored. If this is the right state, run it again with --yes",
  );
}

/**
 * A script that restores goes on with what was said of the state; but not where settings that came
 * with it would start a program on this machine.
 */
export function isNobodyToAsk({ programs }: StateFacts): boolean {
  return !process.stdin.isTTY && programs.length === 0;
}

/** What is there of a copy and does not hold, and what is not there and should be. */
export interface Holes {
  readonly gaps: LedgerAfter["gaps"];
  readonly refused: readonly Refused[];
}

export function holesOf({ refused }: ChosenState, after: LedgerAfter): Holes {
  return { gaps: after.gaps, refused: [...refused, ...after.refused] };
}

export function hasHoles({ gaps, refused }: Holes): boolean {
  return gaps.length + refused.length > 0;
}

export function sayHoles({ gaps, refused }: Holes): void {
  for (const { first, last } of gaps.slice(0, 20))
    say(`Ledger entries ${first} to ${last} are not in the copy, and later ones are.`);
  for (const { name, reason } of refused.slice(0, 20)) say(`Not taken: ${name}: ${reason}`);
  const [more, others] = [Math.max(0, gaps.length - 20), Math.max(0, refused.length - 20)];
  if (more + others > 0) say(`And ${more + others} more.`);
}

/** @throws HubError RESTORE_INCOMPLETE */
export function requireWhole(holes: Holes, isAccepted: boolean): void {
  if (isAccepted || !hasHoles(holes)) return;
  sayHoles(holes);
  throw new HubError(
    "RESTORE_INCOMPLETE",
    "Cannot restore all that was copied: entries are held back, lost or damaged, a removal of a device perhaps among them. Look at the place, or go on with --as-far-as-it-goes",
  );
}
