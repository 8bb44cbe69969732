import { randomBytes } from "node:crypto";
import { COPY_LIMITS } from "../protocol/copy-format.ts";
import { toBase64, utf8Bytes } from "../protocol/bytes.ts";
import { Line, type LineOptions, type PlaceAnswer, type PlaceRequest } from "./exchange.ts";
import {
  isPlainName,
  compareObject,
  isThere,
  requirePlainName,
  takenError,
  TEMPORARY_ENDING,
} from "./place-names.ts";
import {
  placeError,
  type ByteRange,
  type Place,
  type PlaceContent,
  type PlacedObject,
} from "./place.ts";
import { readAnswer, requireStatus, rangeHeader, unreadable } from "./answers.ts";
import { responsesIn } from "./multistatus.ts";
import { childOf, sizeOf, textOf, type XmlElement } from "./xml.ts";

export interface WebDavLogin {
  readonly user: string | null;
  readonly password: string | null;
  /** An access token, instead of user and password. */
  readonly token: string | null;
}

const ANSWER_BYTES_MAX = 256 * 1024;
const PROPERTIES = utf8Bytes(
  '<?xml version="1.0"?><propfind xmlns="DAV:"><prop><getcontentlength/><resourcetype/></prop></propfind>',
);

/**
 * A folder of a WebDAV server (RFC 4918).
 *
 * @param url - Of the folder; it is made where it is missing.
 */
export function openWebDavPlace(url: string, login: WebDavLogin, options?: LineOptions): Place {
  return new WebDavPlace(new URL(url.replace(/\/*$/, "/")), login, new Line(options));
}

class WebDavPlace implements Place {
  readonly kind = "webdav";
  readonly address: string;
  readonly #base: URL;
  readonly #login: Record<string, string>;
  readonly #line: Line;
  /** Folders that are known to be there. */
  readonly #folders = new Set<string>();
  /** False where the server would not let a file be renamed: then it is put under its name at once. */
  #canMove: boolean | null = null;

  constructor(base: URL, login: WebDavLogin, line: Line) {
    this.#base = base;
    this.address = base.href;
    this.#line = line;
    this.#login = headersOf(login);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#line[Symbol.dispose]();
  }

  /** Under another name first: an upload that breaks off leaves no half a file under the right one. */
  async put(name: string, content: PlaceContent, signal: AbortSignal): Promise<"put" | "known"> {
    requirePlainName(name);
    if (await isThere(this, name, content, signal)) return "known";
    await this.#makeFolders(name, signal);
    this.#canMove ??= await this.#tryMoving(signal);
    if (this.#canMove) return await this.#putAndMove(name, content, signal);
    const answer = await this.#ask("PUT", name, signal, {
      headers: { "if-none-match": "*", "content-type": "application/octet-stream" },
      body: content,
    });
    if (answer.status === 412) return await this.#known(name, content, signal);
    requireStatus(answer, `put ${name}`, this.#base.host, [200, 201, 204]);
    return "put";
  }

  async look(
    name: string,
    signal: AbortSignal,
  ): Promise<{ sizeBytes: number; sha256: null } | null> {
    requirePlainName(name);
    const answer = await this.#ask("PROPFIND", name, signal, propertiesAt("0"));
    if ([404, 410].includes(answer.status)) return null;
    requireStatus(answer, "look", this.#base.host, [207]);
    const found = await Array.fromAsync(this.#foundIn([answer.bytes]));
    const [first] = found;
    if (first === undefined) return null;
    if (first.isFolder || first.sizeBytes === null) throw takenError(name);
    return { sizeBytes: first.sizeBytes, sha256: null };
  }

  async *list(prefix: string, signal: AbortSignal): AsyncGenerator<PlacedObject, void, void> {
    const folders = [prefix];
    const seen = new Set(folders);
    let listed = 0;
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      for await (const { name, isFolder, sizeBytes } of this.#below(folder, signal)) {
        listed += 1;
        if (listed > COPY_LIMITS.listed)
          throw placeError("PLACE_LIES", `Cannot list ${this.address}: there is no end to it`);
        // What is asked for is listed too; and nothing is looked into that is not below it.
        if (!name.startsWith(folder) || name === folder || !isPlainName(name)) continue;
        if (!isFolder && sizeBytes !== null) yield { name, sizeBytes };
        const below = `${name}/`;
        if (!isFolder || seen.has(below)) continue;
        seen.add(below);
        folders.push(below);
      }
    }
  }

  async *read(
    name: string,
    signal: AbortSignal,
    range?: ByteRange,
  ): AsyncGenerator<Uint8Array, void, void> {
    requirePlainName(name);
    if (range?.sizeBytes === 0) return;
    const request = this.#request("GET", name, { headers: rangeHeader(range) });
    const answer = await this.#line.open(request, signal);
    yield* readAnswer(answer, { name, host: this.#base.host, range });
  }

  async remove(name: string, signal: AbortSignal): Promise<boolean> {
    requirePlainName(name);
    const answer = await this.#ask("DELETE", name, signal);
    if ([404, 410].includes(answer.status)) return true;
    if ([403, 405, 423, 501].includes(answer.status)) return false;
    requireStatus(answer, `remove ${name}`, this.#base.host, [200, 202, 204]);
    return true;
  }

  /** With a few bytes under names of their own: where they cannot be removed either, they stay once. */
  async #tryMoving(signal: AbortSignal): Promise<boolean> {
    const [from, to] = [`move${TEMPORARY_ENDING}`, `moved${TEMPORARY_ENDING}`];
    const bytes = utf8Bytes("doorward\n");
    if ((await this.look(from, signal)) === null) {
      const put = await this.#ask("PUT", from, signal, { body: contentOf(bytes) });
      requireStatus(put, "put a file", this.#base.host, [200, 201, 204]);
    }
    const headers = { destination: this.#urlOf(to).href, overwrite: "T" };
    const move = await this.#ask("MOVE", from, signal, { headers });
    if (![200, 201, 204].includes(move.status)) return false;
    await this.remove(to, signal);
    return true;
  }

  async #putAndMove(
    name: string,
    content: PlaceContent,
    signal: AbortSignal,
  ): Promise<"put" | "known"> {
    const temporary = `${name}.${randomBytes(4).toString("hex")}${TEMPORARY_ENDING}`;
    const headers = { "content-type": "application/octet-stream" };
    const put = await this.#ask("PUT", temporary, signal, { headers, body: content });
    requireStatus(put, `put ${name}`, this.#base.host, [200, 201, 204]);
    const move = await this.#ask("MOVE", temporary, signal, {
      headers: { destination: this.#urlOf(name).href, overwrite: "F" },
    });
    if ([200, 201, 204].includes(move.status)) return "put";
    await this.remove(temporary, signal);
    if (move.status === 412) return await this.#known(name, content, signal);
    requireStatus(move, `put ${name}`, this.#base.host, []);
    return "put";
  }

  async #known(name: string, content: PlaceContent, signal: AbortSignal): Promise<"known"> {
    if ((await compareObject(this, name, content, signal)) !== "same") throw takenError(name);
    return "known";
  }

  async #makeFolders(name: string, signal: AbortSignal): Promise<void> {
    const parts = name.split("/").slice(0, -1);
    for (let depth = 0; depth <= parts.length; depth += 1) {
      const folder = parts
        .slice(0, depth)
        .map((part) => `${part}/`)
        .join("");
      if (this.#folders.has(folder)) continue;
      const answer = await this.#ask("MKCOL", folder, signal);
      // 405: it is there already. What else is wrong with it, putting will say.
      if (![201, 405].includes(answer.status) && answer.status !== 403)
        requireStatus(answer, "make a folder", this.#base.host, [200, 409]);
      this.#folders.add(folder);
    }
  }

  /** As it comes: a folder of years is longer than what may be held. */
  async *#below(folder: string, signal: AbortSignal): AsyncGenerator<Found, void, void> {
    const request = this.#request("PROPFIND", folder, propertiesAt("1"));
    const answer = await this.#line.open(request, signal);
    if (answer.status === 207) return yield* this.#foundIn(answer.body);
    for await (const _part of answer.body) break;
    if (![404, 410].includes(answer.status)) requireStatus(answer, "look", this.#base.host, []);
  }

  async *#foundIn(
    body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): AsyncGenerator<Found, void, void> {
    try {
      for await (const response of responsesIn(body)) {
        const found = this.#foundBy(response);
        if (found) yield found;
      }
    } catch (cause) {
      throw unreadable(cause, this.#base.host);
    }
  }

  /** Null for an address that is not below the folder. */
  #foundBy(response: XmlElement): Found | null {
    const href = textOf(response, "href") ?? "";
    if (!URL.canParse(href, this.#base.href)) return null;
    const url = new URL(href, this.#base);
    if (!url.pathname.startsWith(this.#base.pathname)) return null;
    const name = decoded(url.pathname.slice(this.#base.pathname.length)).replace(/\/$/, "");
    const properties = response.children
      .filter((child) => child.name === "propstat")
      .map((child) => childOf(child, "prop"));
    const isFolder = properties.some((each) =>
      childOf(childOf(each, "resourcetype"), "collection"),
    );
    const sizes = properties.map((each) => textOf(each, "getcontentlength"));
    const size = sizes.find((text) => text !== null && text !== "") ?? null;
    return { name, isFolder, sizeBytes: size === null ? null : sizeOf(size) };
  }

  async #ask(
    method: PlaceRequest["method"],
    name: string,
    signal: AbortSignal,
    more: {
      readonly headers?: Record<string, string>;
      readonly body?: PlaceContent;
    } = {},
  ): Promise<PlaceAnswer> {
    return await this.#line.exchange(this.#request(method, name, more), ANSWER_BYTES_MAX, signal);
  }

  #request(
    method: PlaceRequest["method"],
    name: string,
    { headers = {}, body }: { headers?: Record<string, string>; body?: PlaceContent },
  ): PlaceRequest {
    return {
      ...{ method, url: this.#urlOf(name), headers: { ...this.#login, ...headers } },
      ...(body ? { body } : {}),
    };
  }

  #urlOf(name: string): URL {
    return new URL(name, this.#base);
  }
}

interface Found {
  readonly name: string;
  readonly isFolder: boolean;
  readonly sizeBytes: number | null;
}

function propertiesAt(depth: "0" | "1"): {
  headers: Record<string, string>;
  body: PlaceContent;
} {
  return {
    headers: { depth, "content-type": "application/xml" },
    body: contentOf(PROPERTIES),
  };
}

/** Without a hash: nothing here asks for it. */
function contentOf(bytes: Uint8Array): PlaceContent {
  return {
    ...{ sizeBytes: bytes.length, sha256: "" },
    open: async function* () {
      yield bytes;
    },
  };
}

function headersOf({ user, password, token }: WebDavLogin): Record<string, string> {
  if (token !== null) return { authorization: `Bearer ${token}` };
  if (user === null) return {};
  return { authorization: `Basic ${toBase64(utf8Bytes(`${user}:${password ?? ""}`))}` };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
