import { mkdir, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import Database from "better-sqlite3";
import { generateReader } from "../../src/owner/identity.ts";
import {
  CannotLook,
  until,
  type TortureGroup,
  type TortureResult,
  type TortureRun,
} from "./frame.ts";
import { fakeTimeLibrary, startHubProcess, type HubProcess } from "./hub-process.ts";

const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;
/** Where a real hub's clock is set to, one after the other, from where it began. */
const JUMPS = [
  { name: "an hour ahead", ms: HOUR_MS, isBelieved: true },
  { name: "an hour back", ms: -HOUR_MS, isBelieved: true },
  { name: "three hours back", ms: -3 * HOUR_MS, isBelieved: true },
  { name: "eleven years ahead", ms: 11 * YEAR_MS, isBelieved: false },
] as const;

/** The clock of a process, moved by a file that libfaketime reads at each call. */
class MovedClock {
  readonly #file: string;
  readonly environment: NodeJS.ProcessEnv;

  constructor(directory: string, library: string) {
    this.#file = path.join(directory, "clock");
    this.environment = {
      ...{ LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: this.#file },
      // As on a machine whose clock is set: what counts on counts on.
      ...{ DONT_FAKE_MONOTONIC: "1", FAKETIME_NO_CACHE: "1", TZ: "UTC" },
    };
  }

  /** Renamed into its place: the hub must never read half a line. */
  async set(text: string): Promise<void> {
    await writeFile(`${this.#file}.new`, `${text}\n`);
    await rename(`${this.#file}.new`, this.#file);
  }

  async moveBy(ms: number): Promise<void> {
    await this.set(`${ms < 0 ? "-" : "+"}${Math.abs(ms) / 1_000}`);
  }
}

async function claimTest(hub: HubProcess): Promise<string> {
  const [originals, recovery] = [await generateReader("x25519"), await generateReader("x25519")];
  const body = {
    code: hub.claimCode,
    originals: originals.recipient,
    recovery: recovery.recipient,
  };
  const answer = await fetch(`${hub.url}/api/claim/test`, {
    method: "POST",
    headers: { "content-type": "application/json", origin: hub.url },
    body: JSON.stringify(body),
  });
  return answer.ok ? "taken" : ((await answer.json()) as { code: string }).code;
}

/** Where the hub believes the clock to stand, as it has written it down; null for nowhere. */
function believed(dataDirectory: string): { wallMs: number; isDoubted: boolean } | null {
  const database = new Database(path.join(dataDirectory, "doorward.db"), { readonly: true });
  try {
    const row = database
      .prepare<[], { wall_ms: number; doubted_counted_ms: number | null }>(
        "SELECT wall_ms, doubted_counted_ms FROM clock_trust",
      )
      .get();
    return row ? { wallMs: row.wall_ms, isDoubted: row.doubted_counted_ms !== null } : null;
  } finally {
    database.close();
  }
}

/** A real hub that begins in 1970, is set right, and is then moved about. */
export async function moveRealClock(
  { directory, say, signal }: Pick<TortureRun, "directory" | "say" | "signal">,
  library: string,
  jumps: readonly (typeof JUMPS)[number][] = JUMPS,
): Promise<TortureResult[]> {
  const dataDirectory = path.join(directory, "moved");
  await mkdir(dataDirectory, { mode: 0o700 });
  await writeFile(
    path.join(dataDirectory, "doorward.yaml"),
    "cameras: []\nlisten:\n  lan: false\n",
  );
  const clock = new MovedClock(directory, library);
  await clock.set("@1970-01-01 00:01:00");
  say("a hub begins in 1970");
  await using hub = await startHubProcess(dataDirectory, {
    ...{ environment: clock.environment, signal },
  });
  await until("the word about its clock", () => hub.said().includes("cannot be right"), { signal });
  const refused = await claimTest(hub);
  const results: TortureResult[] = [
    {
      name: "clock.1970",
      holds: refused === "CLOCK_WRONG" && believed(dataDirectory) === null,
      detail: `says that its clock cannot be right; a claim: ${refused}`,
    },
  ];
  await clock.moveBy(0);
  await until("a clock that is believed", () => believed(dataDirectory) !== null, { signal });
  const taken = await claimTest(hub);
  results.push({
    ...{ name: "clock.set-right", holds: taken === "taken", detail: `a claim: ${taken}` },
  });
  for (const jump of jumps) {
    say(`its clock goes ${jump.name}`);
    const before = believed(dataDirectory);
    await clock.moveBy(jump.ms);
    await until(
      "the jump to be seen",
      () => {
        const now = believed(dataDirectory);
        return now?.wallMs !== before?.wallMs || now?.isDoubted !== before?.isDoubted;
      },
      { signal },
    );
    const isBelieved = believed(dataDirectory)?.isDoubted === false;
    results.push({
      name: `clock.${jump.name.replaceAll(" ", "-")}`,
      holds: isBelieved === jump.isBelieved,
      detail: isBelieved ? "followed" : "doubted, said, and nothing ends by it",
    });
  }
  return results;
}

export const group: TortureGroup = {
  name: "clock",
  promise: "A clock that is wrong or moved ends nothing early, and opens nothing again.",
  needs: [],
  run: async (run) => {
    const library = fakeTimeLibrary();
    if (library === null) throw new CannotLook("libfaketime is not installed (apt: faketime)");
    return moveRealClock(run, library);
  },
};
