import { access, constants, lstat, readdir, statfs } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { systemErrorCode } from "../base/files.ts";
import { HubError } from "../protocol/errors.ts";
import { SETTINGS_FILE, readSettingsFrom, type Settings } from "../settings/settings.ts";
import { readSettingsText } from "../settings/file.ts";
import { EXAMPLE_SETTINGS } from "../settings/example.ts";
import { LAN_DEFAULT } from "../settings/listen.ts";
import type { Finding } from "./doctor.ts";

/** File systems by the number that statfs(2) gives, and why recordings should not lie there. */
const NOT_FOR_DATA: ReadonlyMap<number, { readonly name: string; readonly isUnfit: boolean }> =
  new Map([
    // No modes, no owners: every user of the machine reads the secrets.
    ...([0x4d44, 0x2011bab0] as const).map((type) => [type, unfit("FAT or exFAT")] as const),
    ...([0x5346544e, 0x7366746e] as const).map((type) => [type, unfit("NTFS")] as const),
    // The database's locks and syncs are those of another machine.
    [0x6969, unfit("NFS")] as const,
    ...([0xff534d42, 0x517b, 0xfe534d42] as const).map((type) => [type, unfit("SMB")] as const),
    [0x65735546, doubtful("FUSE")] as const,
    // Gone with the next start.
    [0x01021994, doubtful("tmpfs")] as const,
  ]);
const FREE_WANTED_BYTES = 5e9;
/** A database of years has this many secrets beside it at the most. */
const SECRETS_MAX = 1_000;

function unfit(name: string) {
  return { name, isUnfit: true };
}

function doubtful(name: string) {
  return { name, isUnfit: false };
}

/** The same for a data folder and the ports that its settings name. */
export async function doctorData(directory: string): Promise<Finding[]> {
  const there = await nearest(directory);
  const findings = [await fileSystem(there), await room(there)];
  if (there === directory) findings.push(await permissions(directory), await secrets(directory));
  else findings.push(await mayMake(directory, there));
  const settings = await settingsOf(directory);
  if ("finding" in settings) return [...findings, settings.finding];
  return [...findings, { what: "settings", isGood: true, detail: "as they should be" }].concat(
    await ports(settings.settings),
  );
}

/** The folder itself, or the nearest above it that is there. */
async function nearest(directory: string): Promise<string> {
  try {
    if ((await lstat(directory)).isDirectory()) return directory;
  } catch (error) {
    if (systemErrorCode(error) === null) throw error;
  }
  const above = path.dirname(directory);
  return above === directory ? directory : nearest(above);
}

async function fileSystem(directory: string): Promise<Finding> {
  const what = "file system of the data";
  const { type } = await statfs(directory);
  const found = NOT_FOR_DATA.get(type);
  if (!found) return { what, isGood: true, detail: `${directory} is on one of this machine's own` };
  return {
    ...{ what, isGood: !found.isUnfit, isAdvice: true },
    detail: `${directory} is on ${found.name}: take a disk of this machine with ext4, XFS or btrfs, since modes, locks and syncs of this one do not hold`,
  };
}

async function room(directory: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(directory);
  const bytes = bavail * bsize;
  const isEnough = bytes >= FREE_WANTED_BYTES;
  const advice = isEnough ? "" : ": recordings go soon; make room, or take a larger disk";
  return {
    ...{ what: "room for recordings", isGood: true, isAdvice: !isEnough },
    detail: `${(bytes / 1e9).toFixed(1)} GB free${advice}`,
  };
}

async function mayMake(directory: string, above: string): Promise<Finding> {
  const isGood = await mayWrite(above);
  return {
    ...{ what: "data folder", isGood },
    detail: isGood
      ? `${directory} is not there yet: the hub makes it`
      : `${directory} is not there, and this user may make nothing in ${above}: make it, and give it to the hub's user`,
  };
}

async function permissions(directory: string): Promise<Finding> {
  const what = "data folder";
  const { mode, uid } = await lstat(directory);
  if (!(await mayWrite(directory)))
    return {
      ...{ what, isGood: false },
      detail: `this user may not write in it: run as the user that it belongs to (number ${uid}), or chown it`,
    };
  return (mode & 0o077) === 0
    ? { what, isGood: true, detail: "its user's alone" }
    : { what, isGood: true, isAdvice: true, detail: `others may look in: chmod 700 ${directory}` };
}

async function secrets(directory: string): Promise<Finding> {
  const what = "secrets";
  const folder = path.join(directory, "secrets");
  try {
    const names = (await readdir(folder)).slice(0, SECRETS_MAX);
    const found = await Promise.all(
      [".", ...names].map(async (name) => ({
        name,
        isOpen: ((await lstat(path.join(folder, name))).mode & 0o077) !== 0,
      })),
    );
    const open = found.filter(({ isOpen }) => isOpen).map(({ name }) => path.join(folder, name));
    return open.length === 0
      ? { what, isGood: true, detail: `${names.length} files, their user's alone` }
      : { what, isGood: false, detail: `others may read them: chmod go= ${open.join(" ")}` };
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT")
      return { what, isGood: true, detail: "none yet: the hub makes them" };
    if (systemErrorCode(error) === "EACCES")
      return { what, isGood: false, detail: `this user may not read ${folder}` };
    throw error;
  }
}

async function mayWrite(directory: string): Promise<boolean> {
  try {
    await access(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Read as the hub would, and nothing written: a new folder gets the example. */
async function settingsOf(
  directory: string,
): Promise<{ readonly settings: Settings } | { readonly finding: Finding }> {
  const file = path.join(directory, SETTINGS_FILE);
  try {
    const text = (await readSettingsText(file)) ?? EXAMPLE_SETTINGS;
    const { env: environment } = process;
    const parts = { file, text, secrets: new Map(), environment, facesUnsaid: "keep" } as const;
    return { settings: readSettingsFrom(parts) };
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    return { finding: { what: "settings", isGood: false, detail: error.message } };
  }
}

async function ports({ port, lan = LAN_DEFAULT, outside }: Settings): Promise<Finding[]> {
  const wanted: [string, number][] = [
    ["listen.port", port],
    ...(lan.isOpen === false
      ? []
      : ([
          ["listen.lanPort", lan.port],
          ["listen.certificatePort", lan.certificatePort],
        ] as [string, number][])),
    ...(outside ? ([["outside.port", outside.port]] as [string, number][]) : []),
  ];
  return Promise.all(
    wanted
      .filter(([, number]) => number !== 0)
      .map(async ([name, number]): Promise<Finding> => {
        const code = await tryPort(number);
        const what = `port ${number}`;
        if (code === null) return { what, isGood: true, detail: `free (${name})` };
        const detail =
          code === "EACCES"
            ? `this user may not listen there: set ${name} to one above 1023`
            : `taken, by a hub that runs already or by another program: set ${name} to a free one`;
        return { what, isGood: code !== "EACCES", isAdvice: true, detail };
      }),
  );
}

/** @returns null where one can listen there, else the system's code. */
async function tryPort(port: number): Promise<string | null> {
  const server = createServer();
  try {
    return await new Promise((resolve) => {
      server.once("error", (error) => resolve(systemErrorCode(error) ?? "EADDRINUSE"));
      server.listen({ host: "127.0.0.1", port }, () => resolve(null));
    });
  } finally {
    server.close();
  }
}
