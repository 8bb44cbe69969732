import path from "node:path";
import { existsSync } from "node:fs";
import { openDatabase } from "../base/database.ts";
import { verifyLedger } from "../ledger/verify-ledger.ts";
import { HubError } from "../protocol/errors.ts";
import { verifyKeyring } from "../protocol/keyring.ts";
import type { StorageCheck } from "./check-rows.ts";
import { checkStorage } from "./check-storage.ts";
import type { ExitCode } from "./exit.ts";
import { print, printJson, readOptions } from "./options.ts";

/** Looks every storage promise up on a real installation, beside a running hub or without one. */
export async function check(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["data"], flags: ["json"] });
  const dataDirectory = path.resolve(options.required("data"));
  const databasePath = path.join(dataDirectory, "doorward.db");
  if (!existsSync(databasePath))
    throw new HubError(
      "DATABASE_MISSING",
      `Cannot check: there is no installation in ${dataDirectory}`,
    );
  await using database = openDatabase(databasePath, { readOnly: true });
  const checks = [
    ...(await checkStorage(dataDirectory, database)),
    ledgerCheck(database),
    keyringCheck(database),
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

/** Invariant 9: the stored chain holds from its first signature. */
function keyringCheck(database: ReturnType<typeof openDatabase>): StorageCheck {
  const statements = database
    .prepare<[], string>("SELECT envelope FROM keyring_statements ORDER BY epoch")
    .pluck()
    .all()
    .map((envelope): unknown => JSON.parse(envelope));
  if (statements.length === 0)
    return { invariant: "keyring-signed", holds: true, detail: "not claimed yet" };
  try {
    const keyring = verifyKeyring(statements);
    return { invariant: "keyring-signed", holds: true, detail: `epoch ${keyring.epoch}` };
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    return { invariant: "keyring-signed", holds: false, detail: error.message };
  }
}
