import type { Static, TSchema } from "typebox";
import { utf8Bytes, utf8Text } from "../protocol/bytes.ts";
import { checkShape } from "../protocol/check.ts";
import { MalformedInput } from "../protocol/errors.ts";
import {
  bodyLengths,
  FromVisionHead,
  fromVisionOf,
  headOf,
  ToVisionHead,
  toVisionOf,
  type FromVision,
  type ToVision,
} from "./messages.ts";

/**
 * The pipes for footage between ingest and vision process. A message is the length of its head (u32,
 * little-endian), the length of its body (u32), the head as JSON, the body: the bytes that the head
 * speaks of, one after the other. Each side checks a head before it takes in a byte of the body.
 */
const LENGTHS_BYTES = 8;
/** 3,000 fragments take 400 KiB. */
const HEAD_BYTES_MAX = 1024 * 1024;
/** Twice the largest segment that is recorded, and what its copy may take more. */
const BODY_BYTES_MAX = 66 * 1024 * 1024;

/** @returns the parts of one message, to be written one after the other: footage is not copied. */
export function encodeFootage(message: ToVision | FromVision): readonly Uint8Array[] {
  const { head, parts } = headOf(message);
  const text = utf8Bytes(JSON.stringify(head));
  const lengths = new Uint8Array(LENGTHS_BYTES);
  const view = new DataView(lengths.buffer);
  view.setUint32(0, text.length, true);
  view.setUint32(
    4,
    parts.reduce((sum, { length }) => sum + length, 0),
    true,
  );
  return [lengths, text, ...parts];
}

interface ReaderOptions<Head, Message> {
  readonly readHead: (value: unknown) => Head;
  readonly lengthsOf: (head: Head) => readonly number[];
  /** Called before any of the body is taken in. @throws MalformedInput for what nobody waits for. */
  readonly accept: (head: Head, bodyBytes: number) => void;
  readonly messageOf: (head: Head, parts: readonly Uint8Array[]) => Message;
  readonly onMessage: (message: Message) => void;
}

/**
 * Puts messages together again from the pieces in which a pipe hands them over. Holds at most one;
 * each body has memory of its own, so that nobody who keeps one keeps others with it.
 */
export class FootageReader<Head, Message> {
  readonly #options: ReaderOptions<Head, Message>;
  #wanted: "lengths" | "head" | "body" = "lengths";
  #buffer = new Uint8Array(LENGTHS_BYTES);
  #filled = 0;
  #bodyBytes = 0;
  #head: Head | null = null;

  constructor(options: ReaderOptions<Head, Message>) {
    this.#options = options;
  }

  /** @throws MalformedInput; nothing that comes after can be believed then. */
  push(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length;) {
      const part = chunk.subarray(at, at + this.#buffer.length - this.#filled);
      this.#buffer.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      while (this.#filled === this.#buffer.length) this.#step();
    }
  }

  #want(wanted: "lengths" | "head" | "body", bytes: number): void {
    this.#wanted = wanted;
    this.#buffer = new Uint8Array(bytes);
    this.#filled = 0;
  }

  #step(): void {
    const bytes = this.#buffer;
    switch (this.#wanted) {
      case "lengths": {
        const view = new DataView(bytes.buffer);
        const headBytes = view.getUint32(0, true);
        this.#bodyBytes = view.getUint32(4, true);
        if (headBytes < 2 || headBytes > HEAD_BYTES_MAX)
          throw malformed("head", `has ${headBytes} bytes`);
        if (this.#bodyBytes > BODY_BYTES_MAX)
          throw malformed("body", `has ${this.#bodyBytes} bytes`);
        this.#want("head", headBytes);
        return;
      }
      case "head": {
        const head = this.#options.readHead(parseJson(bytes));
        const sum = this.#options.lengthsOf(head).reduce((total, length) => total + length, 0);
        if (sum !== this.#bodyBytes)
          throw malformed("body", "has another length than its head says");
        this.#options.accept(head, sum);
        this.#head = head;
        this.#want("body", sum);
        return;
      }
      case "body": {
        const head = this.#head;
        this.#head = null;
        this.#want("lengths", LENGTHS_BYTES);
        if (head === null) throw malformed("body", "comes without a head");
        const parts: Uint8Array[] = [];
        let at = 0;
        for (const length of this.#options.lengthsOf(head)) {
          parts.push(bytes.subarray(at, at + length));
          at += length;
        }
        this.#options.onMessage(this.#options.messageOf(head, parts));
      }
    }
  }
}

function parseJson(bytes: Uint8Array): unknown {
  const text = utf8Text(bytes, "head");
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw malformed("head", "is not JSON");
  }
}

function malformed(field: string, found: string): MalformedInput {
  return new MalformedInput(field, `Cannot read footage: ${field} ${found}`);
}

const readerOf =
  <Schema extends TSchema>(schema: Schema, what: string) =>
  (value: unknown): Static<Schema> =>
    checkShape(schema, value, what);

/** The vision process's end. */
export function toVisionReader(
  onMessage: (message: ToVision) => void,
): FootageReader<ToVisionHead, ToVision> {
  return new FootageReader({
    readHead: readerOf(ToVisionHead, "footage to the vision process"),
    lengthsOf: bodyLengths,
    accept: () => undefined,
    messageOf: toVisionOf,
    onMessage,
  });
}

/**
 * The ingest process's end.
 *
 * @param accept - Throws MalformedInput for what nobody waits for, before its bytes are taken in.
 */
export function fromVisionReader(
  accept: (head: FromVisionHead, bodyBytes: number) => void,
  onMessage: (message: FromVision) => void,
): FootageReader<FromVisionHead, FromVision> {
  return new FootageReader({
    readHead: readerOf(FromVisionHead, "footage of the vision process"),
    lengthsOf: bodyLengths,
    accept,
    messageOf: fromVisionOf,
    onMessage,
  });
}
