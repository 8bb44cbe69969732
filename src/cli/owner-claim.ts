import { readFile } from "node:fs/promises";
import path from "node:path";
import { makePrivateDirectory, writeFileDurably } from "../base/files.ts";
import { isForThisMachineAlone } from "../owner/form.ts";
import { foundHousehold } from "../owner/household.ts";
import { openSealedFile } from "../owner/open-clip.ts";
import { parseRecoverySheet, recoverySheet } from "../owner/recovery.ts";
import * as Api from "../protocol/api.ts";
import { fromBase64, sha256Hex, utf8Bytes } from "../protocol/bytes.ts";
import { HubError } from "../protocol/errors.ts";
import { parseSha256Hex } from "../protocol/ids.ts";
import { verifyKeyring } from "../protocol/keyring.ts";
import { UsageError, type ExitCode } from "./exit.ts";
import { follow, HubClient, logIn } from "../owner/hub-client.ts";
import { createKeys, hasKeys, RECOVERY_FILE, rememberSeen } from "./keys-directory.ts";
import { readOptions, say } from "./options.ts";

/** Founds the household: keys here, recovery sheet, a real test restore, then the claim itself. */
export async function ownerClaim(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, {
    values: ["hub", "code", "keys", "label"],
    flags: ["classic"],
  });
  const directory = options.required("keys");
  const url = options.required("hub");
  const code = options.required("code");
  if (!URL.canParse(url)) throw new UsageError("Cannot read --hub: expected http://localhost:8080");
  if (await hasKeys(directory))
    throw new HubError("KEYS_PRESENT", `Cannot claim: ${directory} holds a device already`);
  const client = new HubClient(url);
  const hub = await client.get("/api/hub", Api.HubInfo);
  if (hub.claimed)
    throw new HubError(
      "CLAIM_GONE",
      "Cannot claim: this hub has a household already; doorward owner join lets this device into it",
    );
  const household = await foundHousehold(hub, {
    kind: options.flag("classic") ? "x25519" : "pq",
    label: options.text("label") ?? "command line",
    nowMs: Date.now(),
  });
  const recoveryPath = path.join(directory, RECOVERY_FILE);
  await makePrivateDirectory(directory);
  await writeFileDurably(
    recoveryPath,
    utf8Bytes(recoverySheet(household.recovery, household.bundle.kind)),
  );
  const proof = await testRestore(client, code, recoveryPath, household.statement);
  // Written before the claim: a household whose keys were lost on the way would be nobody's.
  await createKeys(directory, { bundle: household.bundle, hubUrl: url });
  const { statement, label } = household;
  await client.post("/api/claim", { code, statement, label, proof }, Api.HubInfo);
  const session = await logIn(url, household.bundle);
  await rememberSeen(directory, (await follow(session, household.bundle, null)).seen);
  await session.delete("/api/session");
  sayDone(url, recoveryPath);
  return 0;
}

/** Reads the sheet back from the disk and opens, with nothing else, a file the hub has sealed. */
async function testRestore(
  client: HubClient,
  code: string,
  recoveryPath: string,
  statement: unknown,
): Promise<string> {
  const { readers } = verifyKeyring([statement]);
  const { originals, recovery } = readers;
  const { file } = await client.post(
    "/api/claim/test",
    { code, originals, recovery },
    Api.ClaimTestAnswer,
  );
  const sheet = await parseRecoverySheet(await readFile(recoveryPath, "utf8"));
  const content = await openSealedFile(fromBase64(file, "file"), [sheet.reader.identity], null);
  return parseSha256Hex(sha256Hex(content));
}

function sayDone(url: string, recoveryPath: string): void {
  say("The household is founded. The recovery sheet opened a test file that the hub had sealed.");
  say(`Print ${recoveryPath}, keep the paper away from the hub, then delete the file.`);
  if (isForThisMachineAlone(url))
    say(
      "If the hub runs on this same machine, this is a TRIAL: whoever has the machine has both. For\n" +
        "real cameras, claim from another computer (ssh -L 8080:localhost:8080), or pair one and\n" +
        "take this folder off the hub.",
    );
}
