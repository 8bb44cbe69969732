import type { ClipStore, Recovery } from "./clips/store.ts";

type Log = (level: "info" | "warn", message: string) => void;

const SAID_OF_EACH = 20;

/**
 * What a start found of the time before it: the first of each by name. A disk that was not mounted
 * lacks every file of years, and millions of lines at once end the process.
 */
export function sayRecovery(
  { torn, missing = [] }: Pick<Recovery, "torn"> & Partial<Pick<Recovery, "missing">>,
  log: Log,
): void {
  for (const clip of torn.slice(0, SAID_OF_EACH))
    log("warn", `clip ${clip} was torn by the last stop`);
  if (torn.length > SAID_OF_EACH)
    log("warn", `${torn.length - SAID_OF_EACH} more clips were torn by the last stop`);
  for (const { clip, name } of missing.slice(0, SAID_OF_EACH))
    log("warn", `file ${name} of clip ${clip} is missing`);
  if (missing.length > SAID_OF_EACH)
    log(
      "warn",
      `${missing.length - SAID_OF_EACH} more files are missing: doorward check names them all`,
    );
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
