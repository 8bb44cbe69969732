import type { Lock } from "./lock.ts";

/** One way somebody who owns the hub's machine could try to open what it recorded. */
export interface Attempt {
  readonly attempt: string;
  /** How many sealed files, requests or replies it opened. */
  readonly opened: number;
  /** What was looked through or tried. */
  readonly detail: string;
}

/** What an attack has to work with. */
export interface Target {
  readonly dataDirectory: string;
  /** The hub's process tree, parents first. */
  readonly pids: readonly number[];
  /** Paths of closed sealed files, newest first. */
  readonly sealedFiles: readonly string[];
  /** What there is to open. */
  readonly lock: Lock;
  /** The owner's own key folder, where it was named: it is not the hub's, and not searched. */
  readonly keysDirectory: string | null;
}

export function attempt(name: string, opened: number, detail: string): Attempt {
  return { attempt: name, opened, detail };
}
