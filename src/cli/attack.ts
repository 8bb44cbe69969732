import { existsSync } from "node:fs";
import { open, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { bech32 } from "@scure/base";
import { openDatabase } from "../base/database.ts";
import { clipIdentities } from "../owner/device-bundle.ts";
import { generateReader } from "../owner/identity.ts";
import { openFileKey } from "../owner/release.ts";
import { deriveHeaderKey, derivePayloadKey, PAYLOAD_NONCE_BYTES } from "../clips/file-key.ts";
import { sealBytes } from "../clips/sealed-file.ts";
import {
  AGE_HEADER_MAX_BYTES,
  parseRecipient,
  requireAgeHeader,
  type AgeHeader,
} from "../protocol/age-header.ts";
import type { Json } from "../protocol/canonical-json.ts";
import { HubError } from "../protocol/errors.ts";
import { extendKeyring, type Keyring } from "../protocol/keyring.ts";
import { readRunningHub } from "../hub/running-hub.ts";
import type { Attempt, Target } from "./attack/attempt.ts";
import { attackConsentOfCopy } from "./attack/copied-consent.ts";
import { attackKeyringOfCopy } from "./attack/copied-keyring.ts";
import { copyInstallation } from "./attack/copy.ts";
import { attackDisk } from "./attack/disk.ts";
import { attackWithForgeries } from "./attack/forgery.ts";
import { attackHomes } from "./attack/homes.ts";
import { lockOf } from "./attack/lock.ts";
import { attackMemory, searchExactKeys } from "./attack/memory.ts";
import { requirePlantsFound } from "./attack/planted.ts";
import { attackRoutes } from "./attack/routes.ts";
import { attackSystem } from "./attack/system.ts";
import { UsageError, type ExitCode } from "./exit.ts";
import { openKeys } from "./keys-directory.ts";
import { processTree } from "./memory-scan.ts";
import { print, printJson, readOptions } from "./options.ts";

/** Fewer attempts than this prove too little to say anything. */
const ATTEMPTS_MIN = 20;
/** Newest first: what was recorded last would be in memory, if anything is. */
const FILES_MAX = 40;
/** What no key can hold off, said beside the count and never as a part of it. */
const NOT_COUNTED = [
  "a hub that is rooted while it runs sees the frames that come after",
  "an owner who opens a page that it replaced hands over his reader, and with it every recording; " +
    "`owner` commands and `owner ui` load no page of the hub's",
] as const;

/**
 * Tries, as whoever owns the machine, to open what the hub recorded. Exit 0: nothing was opened;
 * 1: something was; 3: it could not look everywhere, which is never "0 of N".
 */
export async function attack(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, {
    values: ["data", "pid", "keys"],
    flags: ["json", "thorough"],
  });
  const dataDirectory = path.resolve(options.required("data"));
  const running = await findHub(dataDirectory, options.text("pid"));
  const keys = options.text("keys");
  const keysDirectory = keys === null ? null : path.resolve(keys);
  await using database = openDatabase(path.join(dataDirectory, "doorward.db"), { readOnly: true });
  const sealedFiles = await closedFiles(dataDirectory, database);
  if (sealedFiles.length === 0)
    throw new HubError("CANNOT_LOOK", "Cannot attack: nothing has been recorded yet");
  const { statements, keyring, recipients } = readHousehold(database);
  await requirePlantsFound(await plantReader(keyring));
  const headers: AgeHeader[] = [];
  for (const file of sealedFiles) headers.push((await readHeader(file)).header);
  const pids = await processTree(running.pid);
  const lock = lockOf(headers, recipients);
  const target: Target = { dataDirectory, pids, sealedFiles, lock, keysDirectory };
  const pem = await readFile(path.join(dataDirectory, "secrets", "ledger.pem"), "utf8");
  const attempts = [
    ...(await attackMemory(target, options.flag("thorough"))),
    ...(await attackDisk(target)),
    ...(await attackSystem(target)),
    ...(await attackHomes(target)),
    ...(await attackWithForgeries(database, pem)),
    ...(running.url === null ? [] : await attackRoutes(database, running.url)),
    ...(keysDirectory === null ? [] : await searchForOwnKeys(target, keysDirectory)),
  ];
  await using copies = await copyInstallation(target, database);
  attempts.push(
    ...(await attackKeyringOfCopy(copies, target, statements)),
    ...(await attackConsentOfCopy(copies, database, keyring)),
  );
  return report(attempts, target, options.flag("json"));
}

interface KnownHousehold {
  readonly statements: readonly Json[];
  readonly keyring: Keyring;
  /** Readers of every epoch. */
  readonly recipients: ReadonlySet<string>;
}

/** @throws HubError CANNOT_LOOK before the claim. */
function readHousehold(database: ReturnType<typeof openDatabase>): KnownHousehold {
  const statements = database
    .prepare<[], string>("SELECT envelope FROM keyring_statements ORDER BY epoch")
    .pluck()
    .all()
    .map((text) => JSON.parse(text) as Json);
  const recipients = new Set<string>();
  let keyring: Keyring | null = null;
  for (const statement of statements) {
    keyring = extendKeyring(keyring, statement);
    const { originals, blurred, owners, recovery } = keyring.readers;
    for (const recipient of [originals, blurred, owners, recovery]) recipients.add(recipient);
  }
  if (!keyring) throw new HubError("CANNOT_LOOK", "Cannot attack: nobody has claimed this hub");
  return { statements, keyring, recipients };
}

async function plantReader({ readers }: Keyring) {
  const { identity, recipient } = await generateReader(readers.kind);
  const sealed = sealBytes(new Uint8Array(), [parseRecipient(recipient)]);
  return { identity, lock: lockOf([requireAgeHeader(sealed)], [recipient]) };
}

function report(attempts: readonly Attempt[], target: Target, asJson: boolean): ExitCode {
  const opened = attempts.filter((one) => one.opened > 0).length;
  if (attempts.length < ATTEMPTS_MIN && opened === 0)
    throw new HubError("CANNOT_LOOK", `Cannot say: only ${attempts.length} attempts could be made`);
  if (asJson)
    printJson({
      ...{ opened, of: attempts.length, files: target.sealedFiles.length, attempts },
      notCounted: NOT_COUNTED,
    });
  else {
    for (const one of attempts)
      print(`${one.opened > 0 ? "OPENED" : "shut  "}  ${one.attempt} (${one.detail})`);
    for (const one of NOT_COUNTED) print(`not counted: ${one}`);
    print(`${opened} of ${attempts.length} opened`);
  }
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
  const listed = database
    .prepare<[number], string>(
      "SELECT f.clip || '/' || f.name FROM clip_files f JOIN clips c ON c.id = f.clip ORDER BY c.sequence DESC, f.name DESC LIMIT ?",
    )
    .pluck()
    .all(FILES_MAX);
  const clips = path.join(dataDirectory, "clips");
  const found = new Map<string, string>();
  for (const entry of await readdir(clips, { recursive: true, withFileTypes: true }))
    if (entry.isFile())
      found.set(
        `${path.basename(entry.parentPath)}/${entry.name}`,
        path.join(entry.parentPath, entry.name),
      );
  return listed.flatMap((name) => found.get(name) ?? []);
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
