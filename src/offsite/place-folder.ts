import { constants, createReadStream } from "node:fs";
import { link, lstat, mkdir, open, readdir, realpath, rename, rm, rmdir } from "node:fs/promises";
import { createHash, randomBytes } from "node:crypto";
import path from "node:path";
import {
  PRIVATE_DIRECTORY_MODE,
  PRIVATE_FILE_MODE,
  syncDirectory,
  systemErrorCode,
} from "../base/files.ts";
import { COPY_LIMITS } from "../protocol/copy-format.ts";
import { HubError } from "../protocol/errors.ts";
import { isPlainName, requirePlainName, takenError, TEMPORARY_ENDING } from "./place-names.ts";
import {
  placeError,
  type ByteRange,
  type Place,
  type PlaceContent,
  type PlacedObject,
} from "./place.ts";

/** Where files are while they are written. */
const WORK_FOLDER = ".doorward-tmp";
const LEFT_OVER_MS = 24 * 3_600_000;
const READ_BYTES = 256 * 1024;
/** File systems of sticks and of other systems know no hard links, or no sync of a folder. */
const NOT_KNOWN = ["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EINVAL", "EMLINK"];

/** A folder on another disk, or of another machine as the system has mounted it. */
export function openFolderPlace(folder: string): Place {
  return new FolderPlace(folder);
}

class FolderPlace implements Place {
  readonly kind = "folder";
  readonly address: string;
  #hasTidied = false;

  constructor(folder: string) {
    this.address = path.resolve(folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async put(name: string, content: PlaceContent, signal: AbortSignal): Promise<"put" | "known"> {
    requirePlainName(name);
    return await this.#try(`put ${name}`, async () => {
      const root = await this.#root();
      const finalPath = path.join(root, name);
      await this.#folderFor(root, finalPath);
      if ((await sizeAt(finalPath)) !== null) return await this.#known(finalPath, name, content);
      const work = path.join(root, WORK_FOLDER);
      await mkdir(work, { recursive: true, mode: PRIVATE_DIRECTORY_MODE });
      await this.#tidy(work);
      const partial = path.join(work, randomBytes(8).toString("hex") + TEMPORARY_ENDING);
      try {
        await writeWhole(partial, content, signal);
        return await this.#give(partial, finalPath, name, content);
      } finally {
        await rm(partial, { force: true });
      }
    });
  }

  async look(name: string): Promise<{ sizeBytes: number; sha256: null } | null> {
    requirePlainName(name);
    return await this.#try(`look at ${name}`, async () => {
      const sizeBytes = await sizeAt(path.join(await this.#root(), name));
      return sizeBytes === null ? null : { sizeBytes, sha256: null };
    });
  }

  async *list(prefix: string, signal: AbortSignal): AsyncGenerator<PlacedObject, void, void> {
    const root = await this.#try("list it", () => this.#root());
    const folders = [prefix.replace(/\/$/, "")];
    let listed = 0;
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      signal.throwIfAborted();
      const at = folder;
      const entries = await this.#try("list it", () => entriesOf(path.join(root, at)));
      for (const entry of entries) {
        const name = folder === "" ? entry.name : `${folder}/${entry.name}`;
        if (!isPlainName(name)) continue;
        if (entry.isDirectory()) folders.push(name);
        if (!entry.isFile()) continue;
        const sizeBytes = await this.#try("list it", () => sizeAt(path.join(root, name)));
        listed += 1;
        if (listed > COPY_LIMITS.listed)
          throw placeError("PLACE_LIES", `Cannot list ${this.address}: there is no end to it`);
        if (sizeBytes !== null) yield { name, sizeBytes };
      }
    }
  }

  async *read(
    name: string,
    signal: AbortSignal,
    range?: ByteRange,
  ): AsyncGenerator<Uint8Array, void, void> {
    requirePlainName(name);
    const file = path.join(await this.#try(`read ${name}`, () => this.#root()), name);
    const handle = await this.#try(`read ${name}`, () => openPlain(file, name));
    const span = range
      ? { start: range.from, end: range.from + range.sizeBytes - 1 }
      : { start: 0 };
    if (range?.sizeBytes === 0) return await handle.close();
    const stream = handle.createReadStream({ ...span, highWaterMark: READ_BYTES, signal });
    try {
      for await (const part of stream as AsyncIterable<Buffer>) yield new Uint8Array(part);
    } catch (cause) {
      signal.throwIfAborted();
      throw this.#failure(`read ${name}`, cause);
    }
  }

  async remove(name: string): Promise<boolean> {
    requirePlainName(name);
    return await this.#try(`remove ${name}`, async () => {
      const root = await this.#root();
      const file = path.join(root, name);
      try {
        // A link somewhere on the way would remove what is no part of the copy.
        await requireInside(root, path.dirname(file));
        await rm(file);
        await syncFolder(path.dirname(file));
        await rmdir(path.dirname(file));
      } catch (error) {
        const code = systemErrorCode(error) ?? "";
        if (["EACCES", "EPERM", "EROFS"].includes(code)) return (await sizeAt(file)) === null;
        if (!["ENOENT", "ENOTEMPTY", "EEXIST", "EBUSY"].includes(code)) throw error;
      }
      return true;
    });
  }

  async #root(): Promise<string> {
    try {
      const root = await realpath(this.address);
      if ((await lstat(root)).isDirectory()) return root;
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT") throw error;
    }
    throw placeError(
      "PLACE_MISSING",
      `Cannot use ${this.address}: there is no such folder. Connect its disk, or make the folder there`,
    );
  }

  async #folderFor(root: string, finalPath: string): Promise<void> {
    const folder = path.dirname(finalPath);
    const first = await mkdir(folder, { recursive: true, mode: PRIVATE_DIRECTORY_MODE });
    await requireInside(root, folder);
    if (first === undefined) return;
    for (let made = folder; made.length >= path.dirname(first).length; made = path.dirname(made))
      await syncFolder(made);
  }

  /** A hard link never takes the place of what is there; where there are none, it is looked first. */
  async #give(
    partial: string,
    finalPath: string,
    name: string,
    content: PlaceContent,
  ): Promise<"put" | "known"> {
    try {
      await link(partial, finalPath);
    } catch (error) {
      const code = systemErrorCode(error) ?? "";
      if (code === "EEXIST") return await this.#known(finalPath, name, content);
      if (!NOT_KNOWN.includes(code)) throw error;
      if ((await sizeAt(finalPath)) !== null) return await this.#known(finalPath, name, content);
      await rename(partial, finalPath);
    }
    await syncFolder(path.dirname(finalPath));
    return "put";
  }

  async #known(finalPath: string, name: string, content: PlaceContent): Promise<"known"> {
    const hash = createHash("sha256");
    if ((await sizeAt(finalPath)) !== content.sizeBytes) throw takenError(name);
    for await (const part of createReadStream(finalPath) as AsyncIterable<Buffer>)
      hash.update(part);
    if (hash.digest("hex") !== content.sha256) throw takenError(name);
    return "known";
  }

  /** What a stop left. */
  async #tidy(work: string): Promise<void> {
    if (this.#hasTidied) return;
    this.#hasTidied = true;
    for (const entry of await entriesOf(work)) {
      const file = path.join(work, entry.name);
      const isLeft = entry.isFile() && Date.now() - (await lstat(file)).mtimeMs > LEFT_OVER_MS;
      if (isLeft) await rm(file, { force: true });
    }
  }

  async #try<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw this.#failure(what, cause);
    }
  }

  #failure(what: string, cause: unknown): unknown {
    const code = systemErrorCode(cause);
    if (code === null || cause instanceof HubError) return cause;
    const at = `Cannot ${what} in ${this.address}`;
    switch (code) {
      case "ABORT_ERR":
        return cause;
      case "ENOSPC":
      case "EDQUOT":
        return placeError("PLACE_FULL", `${at}: there is no room left`, { cause });
      case "EACCES":
      case "EPERM":
      case "EROFS":
        return placeError("PLACE_REFUSED", `${at}: the hub may not write there`, { cause });
      case "ENOENT":
        return placeError("PLACE_OBJECT_MISSING", `${at}: it is not there`, { cause });
      default:
        return placeError("PLACE_FAILED", `${at}: ${code}`, { cause });
    }
  }
}

async function writeWhole(file: string, content: PlaceContent, signal: AbortSignal): Promise<void> {
  await using handle = await open(file, "wx", PRIVATE_FILE_MODE);
  let sizeBytes = 0;
  for await (const part of content.open()) {
    signal.throwIfAborted();
    await handle.writeFile(part);
    sizeBytes += part.length;
  }
  if (sizeBytes !== content.sizeBytes)
    throw new HubError("FILE_CHANGED", "Cannot put: a file changed while it was being read");
  await handle.sync();
}

async function openPlain(file: string, name: string) {
  const handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  if ((await handle.stat()).isFile()) return handle;
  await handle.close();
  throw placeError("PLACE_LIES", `Cannot read ${name}: it is no file`);
}

async function requireInside(root: string, folder: string): Promise<void> {
  if (
    (await realpath(folder)) !== folder ||
    !(folder === root || folder.startsWith(root + path.sep))
  )
    throw placeError("PLACE_LIES", `Cannot use ${root}: a link in it leads out of it`);
}

/** Size of a plain file; null where there is nothing. @throws HubError for anything else. */
async function sizeAt(file: string): Promise<number | null> {
  try {
    const found = await lstat(file);
    if (found.isFile()) return found.size;
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(systemErrorCode(error) ?? "")) return null;
    throw error;
  }
  throw takenError(path.basename(file));
}

async function entriesOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(systemErrorCode(error) ?? "")) return [];
    throw error;
  }
}

async function syncFolder(folder: string): Promise<void> {
  try {
    await syncDirectory(folder);
  } catch (error) {
    if (!NOT_KNOWN.includes(systemErrorCode(error) ?? "")) throw error;
  }
}
