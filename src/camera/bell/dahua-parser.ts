import { CameraError } from "../camera-error.ts";
import { bellText, type BellMessage } from "./message.ts";

const PART_BYTES_MAX = 64 * 1024;
const ITEMS_MAX = 32;
const CODE =
  /^Code=([^;\r\n]{1,100});action=([^;\r\n]{1,40})(?:;index=[^;\r\n]*)?(?:;data=([^]*))?/;

/**
 * Reads the multipart text of Dahua's event stream: parts as
 * `Code=CallNoAnswered;action=Start;index=0;data={ ... }`, or `Heartbeat`.
 */
export class DahuaParser {
  readonly #boundary: string;
  /** Latin-1, so that one character is one byte. */
  #text = "";

  constructor(boundary: string) {
    this.#boundary = boundary.startsWith("--") ? boundary : `--${boundary}`;
  }

  /** @throws CameraError `PROTOCOL_ERROR` for a part that does not end. */
  push(chunk: Uint8Array): BellMessage[] {
    const messages: BellMessage[] = [];
    // A chunk may be large: it is taken in pieces, so that what waits stays bounded.
    for (let at = 0; at < chunk.length; at += PART_BYTES_MAX) {
      this.#text += Buffer.from(chunk.subarray(at, at + PART_BYTES_MAX)).toString("latin1");
      for (let part = this.#next(); part !== null; part = this.#next()) {
        const message = readPart(part);
        if (message) messages.push(message);
      }
      if (this.#text.length > PART_BYTES_MAX)
        throw new CameraError("PROTOCOL_ERROR", "Cannot hear the bell: an event is over 64 KiB");
    }
    return messages;
  }

  /** The next whole part's body, or null. */
  #next(): string | null {
    const start = this.#text.indexOf(this.#boundary);
    if (start < 0) return null;
    const head = /^\r?\n((?:[!-9;-~]+:[^\r\n]*\r?\n)*)(\r?\n)?/.exec(
      this.#text.slice(start + this.#boundary.length),
    );
    if (!head || (head[1] === "" && head[2] === undefined)) return this.#upToNext(start);
    const bodyAt = start + this.#boundary.length + head[0].length;
    const announced = /^content-length:\s*(\d{1,6})\s*$/im.exec(head[1] ?? "")?.[1];
    if (announced === undefined || head[2] === undefined) return this.#upToNext(start);
    const endsAt = bodyAt + Number(announced);
    if (this.#text.length < endsAt) return this.#upToNext(start);
    const body = this.#text.slice(bodyAt, endsAt);
    this.#text = this.#text.slice(endsAt);
    return body;
  }

  /** Where no length can be relied on, the next boundary ends a part. */
  #upToNext(start: number): string | null {
    const end = this.#text.indexOf(this.#boundary, start + this.#boundary.length);
    if (end < 0) return null;
    const part = this.#text.slice(start, end);
    this.#text = this.#text.slice(end);
    return part;
  }
}

function readPart(part: string): BellMessage | null {
  const start = part.indexOf("Code=");
  const found = start < 0 ? null : CODE.exec(part.slice(start));
  if (!found) return null;
  const [, code = "", action = "", data] = found;
  const items = new Map([["action", bellText(action)]]);
  for (const [name, value] of dataItems(data)) {
    if (items.size >= ITEMS_MAX) break;
    if (!items.has(name)) items.set(name, value);
  }
  return { via: "dahua", topic: bellText(code), items, isInitial: false };
}

/** Scalars of the data's first level; firmware writes all kinds of things that are almost JSON. */
function dataItems(data: string | undefined): [string, string][] {
  if (data === undefined) return [];
  return [
    ...data.matchAll(
      /"([A-Za-z0-9_]{1,60})"\s*:\s*(?:"([^"\\\r\n]{0,200})"|(-?[0-9.]{1,20}|true|false))/g,
    ),
  ].map(([, name = "", text, bare]) => [name, bellText(text ?? bare ?? "")]);
}
