import { once } from "node:events";
import { Decrypter, Encrypter } from "age-encryption";
import path from "node:path";
import { createInterface } from "node:readline/promises";
import Type from "typebox";
import { makePrivateDirectory, readSmallFile, writeFileDurably } from "../base/files.ts";
import { parseJson } from "../protocol/canonical-json.ts";
import { checkShape } from "../protocol/check.ts";
import { HubError } from "../protocol/errors.ts";
import { utf8Bytes } from "../protocol/bytes.ts";
import { readDeviceBundle, type DeviceBundle } from "../owner/device-bundle.ts";
import { SeenSchema, type Seen } from "../owner/witness.ts";
import { say } from "./options.ts";

const SEALED_FILE = "device.age";
const UNSEALED_FILE = "device.json";
const HUB_FILE = "hub.json";
const SEEN_FILE = "seen.json";
export const RECOVERY_FILE = "recovery.txt";
const FILE_MAX_BYTES = 1024 * 1024;
/** 2^16: a third of a second on a small computer; the passphrase is asked at every command. */
const SCRYPT_LOG_N = 16;

const HubFileSchema = Type.Object(
  { url: Type.String({ maxLength: 300 }) },
  { additionalProperties: false },
);

/** A device of the household on the command line: its keys, where its hub is, what it has seen. */
export interface KeysDirectory {
  readonly directory: string;
  readonly bundle: DeviceBundle;
  readonly hubUrl: string;
  readonly seen: Seen | null;
}

/** Whether keys are in `directory` already: they are never written over. */
export async function hasKeys(directory: string): Promise<boolean> {
  for (const name of [SEALED_FILE, UNSEALED_FILE])
    if (await readSmallFile(path.join(directory, name), FILE_MAX_BYTES)) return true;
  return false;
}

/**
 * Writes a new device's keys, sealed by a passphrase unless it is empty.
 *
 * @throws HubError KEYS_PRESENT rather than lose what is there.
 */
export async function createKeys(
  directory: string,
  content: { bundle: DeviceBundle; hubUrl: string },
): Promise<void> {
  if (await hasKeys(directory))
    throw new HubError("KEYS_PRESENT", `Cannot write keys: ${directory} holds a device already`);
  await makePrivateDirectory(directory);
  const passphrase = await newPassphrase();
  if (passphrase === "") {
    say(
      `WARNING: the keys in ${directory} are NOT sealed: whoever reads that folder can open every`,
    );
    say("recording and sign in your name. Set DOORWARD_PASSPHRASE, or keep the folder on a stick.");
  }
  await writeBundle(directory, content.bundle, passphrase);
  await writeFileDurably(
    path.join(directory, HUB_FILE),
    utf8Bytes(JSON.stringify({ url: content.hubUrl })),
  );
}

/** The same device with other readers, sealed as it was: by the passphrase that opened it. */
export async function replaceBundle(directory: string, bundle: DeviceBundle): Promise<void> {
  const isSealed = await readSmallFile(path.join(directory, SEALED_FILE), FILE_MAX_BYTES);
  await writeBundle(directory, bundle, isSealed ? await knownPassphrase() : "");
}

async function writeBundle(
  directory: string,
  bundle: DeviceBundle,
  passphrase: string,
): Promise<void> {
  const bytes = utf8Bytes(JSON.stringify(bundle));
  if (passphrase === "") return await writeFileDurably(path.join(directory, UNSEALED_FILE), bytes);
  const encrypter = new Encrypter();
  encrypter.setScryptWorkFactor(SCRYPT_LOG_N);
  encrypter.setPassphrase(passphrase);
  await writeFileDurably(path.join(directory, SEALED_FILE), await encrypter.encrypt(bytes));
}

/** @throws HubError KEYS_MISSING, PASSPHRASE_NEEDED, PASSPHRASE_WRONG. */
export async function openKeys(directory: string): Promise<KeysDirectory> {
  const hub = await readSmallFile(path.join(directory, HUB_FILE), FILE_MAX_BYTES);
  if (!hub)
    throw new HubError(
      "KEYS_MISSING",
      `Cannot open keys: ${directory} holds none; make them with owner claim or owner join`,
    );
  return {
    directory,
    bundle: readDeviceBundle(parseJson(await readBundle(directory), "device keys")),
    hubUrl: checkShape(HubFileSchema, parseJson(hub, HUB_FILE), HUB_FILE).url,
    seen: await readLastSeen(directory),
  };
}

/** The newest checkpoint that a command has remembered in this folder. */
export async function readLastSeen(directory: string): Promise<Seen | null> {
  const seen = await readSmallFile(path.join(directory, SEEN_FILE), FILE_MAX_BYTES);
  return seen && checkShape(SeenSchema, parseJson(seen, SEEN_FILE), SEEN_FILE);
}

export async function rememberSeen(directory: string, seen: Seen): Promise<void> {
  await writeFileDurably(path.join(directory, SEEN_FILE), utf8Bytes(JSON.stringify(seen)));
}

async function readBundle(directory: string): Promise<Uint8Array> {
  const sealed = await readSmallFile(path.join(directory, SEALED_FILE), FILE_MAX_BYTES);
  if (!sealed) {
    const unsealed = await readSmallFile(path.join(directory, UNSEALED_FILE), FILE_MAX_BYTES);
    if (unsealed) return unsealed;
    throw new HubError("KEYS_MISSING", `Cannot open keys: ${directory} holds none`);
  }
  const decrypter = new Decrypter();
  decrypter.addPassphrase(await knownPassphrase());
  try {
    return await decrypter.decrypt(sealed);
  } catch (cause) {
    throw new HubError("PASSPHRASE_WRONG", "Cannot open keys: the passphrase does not fit", {
      cause,
    });
  }
}

async function newPassphrase(): Promise<string> {
  const given = process.env["DOORWARD_PASSPHRASE"];
  if (given !== undefined) return given;
  // A script without a terminal cannot answer; the warning that follows is for whoever wrote it.
  if (!process.stdin.isTTY) return "";
  const first = await ask("Passphrase for these keys (empty = not sealed): ");
  if (first !== "" && first !== (await ask("Once more: ")))
    throw new HubError("PASSPHRASE_WRONG", "Cannot seal keys: the two passphrases differ");
  return first;
}

/** What was typed, so that a command which writes its keys again does not ask again. */
let typedPassphrase: string | null = null;

async function knownPassphrase(): Promise<string> {
  const given = process.env["DOORWARD_PASSPHRASE"] ?? typedPassphrase;
  if (given !== null) return given;
  if (!process.stdin.isTTY)
    throw new HubError(
      "PASSPHRASE_NEEDED",
      "Cannot open keys: they are sealed; set DOORWARD_PASSPHRASE or run this in a terminal",
    );
  typedPassphrase = await ask("Passphrase: ");
  return typedPassphrase;
}

/** Asks at the terminal without showing what is typed. */
export async function ask(question: string): Promise<string> {
  process.stderr.write(question);
  const lines = createInterface({ input: process.stdin, terminal: true });
  try {
    return (await lines.question("")).trim();
  } finally {
    lines.close();
    process.stderr.write("\n");
  }
}

/** Nobody at the keyboard is a no. */
export async function confirm(question: string): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const gone = once(lines, "close").then(() => "");
    const answer = await Promise.race([lines.question(`${question} [y/N] `), gone]);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}
