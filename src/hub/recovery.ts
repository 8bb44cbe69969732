import { NAMED_OF_EACH } from "../clips/clip-folder.ts";
import type { ClipStore, Recovery } from "../clips/store.ts";

type Log = (level: "info" | "warn", message: string) => void;

/**
 * What a start found of the time before it: the first of each by name. A disk that was not mounted
 * lacks every file of years, and millions of lines at once end the process.
 */
export function sayRecovery(found: Pick<Recovery, "torn"> & Partial<Recovery>, log: Log): void {
  const { torn, missing = [], more = { torn: 0, missing: 0 } } = found;
  const moreTorn = more.torn + Math.max(0, torn.length - NAMED_OF_EACH);
  for (const clip of torn.slice(0, NAMED_OF_EACH))
    log("warn", `clip ${clip} was torn by the last stop`);
  if (moreTorn > 0) log("warn", `${moreTorn} more clips were torn by the last stop`);
  for (const { clip, name } of missing) log("warn", `file ${name} of clip ${clip} is missing`);
  if (more.missing > 0)
    log("warn", `${more.missing} more files are missing: doorward check names them all`);
}

/** Looks over every recording while the hub runs: over years of them it takes minutes. */
export function sweepRecordings(clips: Pick<ClipStore, "sweep">, log: Log): AsyncDisposable {
  const ended = new AbortController();
  const done = clips.sweep(ended.signal).then(
    (found) => sayRecovery(found, log),
    (error: unknown) =>
      log("warn", `Cannot look over recordings: ${error instanceof Error ? error.message : "?"}`),
  );
  return {
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await done;
    },
  };
}
