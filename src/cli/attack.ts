import { existsSync } from "node:fs";
import { open, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { bech32 } from "@scure/base";
import { openDatabase } from "../base/database.ts";
import { clipIdentities } from "../owner/device-bundle.ts";
import { openFileKey } from "../owner/release.ts";
import { deriveHeaderKey, derivePayloadKey, PAYLOAD_NONCE_BYTES } from "../clips/file-key.ts";
import { AGE_HEADER_MAX_BYTES, requireAgeHeader, type AgeHeader } from "../protocol/age-header.ts";
import { HubError } from "../protocol/errors.ts";
import { readRunningHub } from "../running-hub.ts";
import type { Attempt, Target } from "./attack/attempt.ts";
import { attackDisk, requirePlantedFootageFound } from "./attack/disk.ts";
import { attackWithForgeries } from "./attack/forgery.ts";
import { attackMemory, requirePlantedKeyFound, searchExactKeys } from "./attack/memory.ts";
import { attackRoutes } from "./attack/routes.ts";
import { UsageError, type ExitCode } from "./exit.ts";
import { openKeys } from "./keys-directory.ts";
import { processTree } from "./memory-scan.ts";
import { print, printJson, readOptions } from "./options.ts";

/** Fewer attempts than this prove too little to say anything. */
const ATTEMPTS_MIN = 20;
/** Newest first: what was recorded last would be in memory, if anything is. */
const FILES_MAX = 40;

/**
 * Tries, as whoever owns the machine, to open what the hub recorded. Exit 0: nothing was opened;
 * 1: something was; 3: it could not look everywhere, which is never "0 of N".
 */
export async function attack(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["data", "pid", "keys"], flags: ["json"] });
  const dataDirectory = path.resolve(options.required("data"));
  const running = await findHub(dataDirectory, options.text("pid"));
  const keysDirectory = options.text("keys");
  await requirePlantedKeyFound();
  await requirePlantedFootageFound();
  const databasePath = path.join(dataDirectory, "doorward.db");
  await using database = openDatabase(databasePath, { readOnly: true });
  const sealedFiles = await closedFiles(dataDirectory, database);
  if (sealedFiles.length === 0)
    throw new HubError("CANNOT_LOOK", "Cannot attack: nothing has been recorded yet");
  const pids = await processTree(running.pid);
  const target: Target = { dataDirectory, pids, sealedFiles };
  const headers: AgeHeader[] = [];
  for (const file of sealedFiles) headers.push((await readHeader(file)).header);
  const pem = await readFile(path.join(dataDirectory, "secrets", "ledger.pem"), "utf8");
  const attempts = [
    ...(await attackMemory(target, headers)),
    ...(await attackDisk(target, headers)),
    ...(await attackWithForgeries(database, pem)),
    ...(running.url === null ? [] : await attackRoutes(database, running.url)),
    ...(keysDirectory === null ? [] : await searchForOwnKeys(target, keysDirectory)),
  ];
  return report(attempts, target, options.flag("json"));
}

function report(attempts: readonly Attempt[], target: Target, asJson: boolean): ExitCode {
  const opened = attempts.filter((one) => one.opened > 0).length;
  if (asJson)
    printJson({ opened, of: attempts.length, files: target.sealedFiles.length, attempts });
  else {
    for (const one of attempts)
      print(`${one.opened > 0 ? "OPENED" : "shut  "}  ${one.attempt} (${one.detail})`);
    print(
      "not counted: a hub that is rooted while it runs sees the frames that come after, and an owner\n" +
        "who opens a page that it replaced hands over his reader; `owner` commands do not.",
    );
  }
  if (attempts.length < ATTEMPTS_MIN && opened === 0)
    throw new HubError("CANNOT_LOOK", `Cannot say: only ${attempts.length} attempts could be made`);
  if (!asJson) print(`${opened} of ${attempts.length} opened`);
  return opened === 0 ? 0 : 1;
}

async function findHub(
  dataDirectory: string,
  pidText: string | null,
): Promise<{ pid: number; url: string | null }> {
  if (!existsSync(path.join(dataDirectory, "doorward.db")))
    throw new HubError(
      "CANNOT_LOOK",
      `Cannot attack: there is no installation in ${dataDirectory}`,
    );
  const running = await readRunningHub(dataDirectory);
  if (pidText === null) {
    if (!running)
      throw new HubError("CANNOT_LOOK", "Cannot attack: no hub runs there, so no memory to read");
    return running;
  }
  const pid = Number(pidText);
  if (!Number.isInteger(pid) || pid < 1) throw new UsageError("Cannot read --pid: not a number");
  return { pid, url: running?.url ?? null };
}

/** Sealed files of closed clips and closed segments, newest first. */
async function closedFiles(
  dataDirectory: string,
  database: ReturnType<typeof openDatabase>,
): Promise<string[]> {
  const listed = new Set(
    database
      .prepare<[number], string>(
        "SELECT f.clip || '/' || f.name FROM clip_files f JOIN clips c ON c.id = f.clip ORDER BY c.sequence DESC, f.name DESC LIMIT ?",
      )
      .pluck()
      .all(FILES_MAX),
  );
  const clips = path.join(dataDirectory, "clips");
  const found: string[] = [];
  for (const entry of await readdir(clips, { recursive: true, withFileTypes: true }))
    if (entry.isFile() && listed.has(`${path.basename(entry.parentPath)}/${entry.name}`))
      found.push(path.join(entry.parentPath, entry.name));
  return found;
}

async function readHeader(file: string): Promise<{ header: AgeHeader; nonce: Uint8Array }> {
  await using handle = await open(file, "r");
  const start = new Uint8Array(AGE_HEADER_MAX_BYTES);
  const { bytesRead } = await handle.read(start, 0, start.length, 0);
  const header = requireAgeHeader(start.subarray(0, bytesRead));
  const { payloadOffset } = header;
  return { header, nonce: start.slice(payloadOffset, payloadOffset + PAYLOAD_NONCE_BYTES) };
}

/** With the owner's own keys it is known exactly what must not be there. */
async function searchForOwnKeys(target: Target, keysDirectory: string): Promise<Attempt[]> {
  const { bundle } = await openKeys(keysDirectory);
  const identities = clipIdentities(bundle);
  const readers = [...identities, bundle.readers.owners ?? ""]
    .filter((identity) => identity !== "")
    .flatMap((identity) => {
      const { bytes } = bech32.decodeToBytes(identity);
      return [bytes, Buffer.from(identity)];
    });
  const fileKeys: Uint8Array[] = [];
  const payloadKeys: Uint8Array[] = [];
  for (const file of target.sealedFiles) {
    const { header, nonce } = await readHeader(file);
    const fileKey = await openFileKey(header.headerBytes, identities);
    fileKeys.push(fileKey, deriveHeaderKey(fileKey));
    payloadKeys.push(derivePayloadKey(fileKey, nonce));
  }
  return searchExactKeys(target, [
    { what: "this owner's readers", keys: readers },
    { what: "file keys of closed segments", keys: fileKeys },
    { what: "payload keys of closed segments", keys: payloadKeys },
  ]);
}
