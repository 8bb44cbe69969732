import path from "node:path";
import { existsSync } from "node:fs";
import { openDatabase } from "../base/database.ts";
import { verifyLedger } from "../ledger/verify-ledger.ts";
import { HubError } from "../protocol/errors.ts";
import { checkKeyring } from "./check-keyring.ts";
import type { StorageCheck } from "./check-rows.ts";
import { checkStorage } from "./check-storage.ts";
import { UsageError, type ExitCode } from "./exit.ts";
import { print, printJson, readOptions, say } from "./options.ts";

/** Looks every storage promise up on a real installation, beside a running hub or without one. */
export async function check(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["data"], flags: ["json", "quick", "deep"] });
  if (options.flag("quick") && options.flag("deep"))
    throw new UsageError("Cannot check: --quick reads no recording, --deep reads each");
  const dataDirectory = path.resolve(options.required("data"));
  const databasePath = path.join(dataDirectory, "doorward.db");
  if (!existsSync(databasePath))
    throw new HubError(
      "DATABASE_MISSING",
      `Cannot check: there is no installation in ${dataDirectory}`,
    );
  await using database = openDatabase(databasePath, { readOnly: true });
  const chain = checkKeyring(database);
  const checks = [
    ...(await checkStorage(dataDirectory, database, {
      kind: chain.kind,
      isQuick: options.flag("quick"),
      onProgress: progress(options.flag("deep") || process.stderr.isTTY),
    })),
    ledgerCheck(database),
    ...chain.checks,
  ];
  const holds = checks.every((one) => one.holds);
  if (options.flag("json")) printJson({ holds, checks });
  else {
    for (const one of checks)
      print(`${one.holds ? "holds        " : "DOES NOT HOLD"}  ${one.invariant} (${one.detail})`);
    print(holds ? "Every storage invariant holds." : "Something does not hold: see above.");
  }
  return holds ? 0 : 1;
}

function ledgerCheck(database: ReturnType<typeof openDatabase>): StorageCheck {
  const verdict = verifyLedger(database);
  return {
    invariant: "ledger-whole",
    holds: verdict.holds,
    detail: verdict.holds ? `${verdict.size} entries` : `entry ${verdict.index}: ${verdict.reason}`,
  };
}

const PROGRESS_EVERY_MS = 5_000;

/** Says now and then on the error output how far it is: years of recordings take hours. */
function progress(isWanted: boolean): (done: number, all: number) => void {
  let saidAtMs = performance.now();
  return (done, all) => {
    if (!isWanted || performance.now() - saidAtMs < PROGRESS_EVERY_MS) return;
    saidAtMs = performance.now();
    say(`${done} of ${all} files read (${Math.floor((100 * done) / all)} %)`);
  };
}
