import { utf8Text } from "../protocol/bytes.ts";
import { MalformedInput } from "../protocol/errors.ts";

/** A member of a POSIX `tar` archive. */
export interface ArchiveMember {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const BLOCK_BYTES = 512;
const NAME_BYTES = 100;
const SIZE_AT = 124;
const CHECKSUM_AT = 148;
const TYPE_AT = 156;
const MAGIC_AT = 257;
const PREFIX_AT = 345;
const PLAIN_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*(?:\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/;

/**
 * Reads plain files out of an archive, in their order (POSIX.1-1988 ustar).
 *
 * @param mostBytes - How large a member may be, by its name.
 * @throws MalformedInput for anything but plain files with plain names, and where it is cut off.
 */
export async function* readArchive(
  stream: AsyncIterable<Uint8Array>,
  mostBytes: (name: string) => number,
): AsyncGenerator<ArchiveMember> {
  const source = new ByteSource(stream);
  for (;;) {
    const header = await source.take(BLOCK_BYTES);
    if (header.every((byte) => byte === 0)) return;
    const { name, sizeBytes } = readHeader(header);
    if (sizeBytes > mostBytes(name)) throw bad(`${name} is too large`);
    const bytes = await source.take(sizeBytes);
    await source.take((BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES);
    yield { name, bytes };
  }
}

function readHeader(header: Uint8Array): { name: string; sizeBytes: number } {
  const sum = header.reduce(
    (total, byte, at) => total + (at >= CHECKSUM_AT && at < CHECKSUM_AT + 8 ? 0x20 : byte),
    0,
  );
  if (octal(header.subarray(CHECKSUM_AT, CHECKSUM_AT + 8)) !== sum)
    throw bad("a header is damaged");
  if (!text(header.subarray(MAGIC_AT, MAGIC_AT + 5)).startsWith("ustar")) throw bad("it is no tar");
  const type = header[TYPE_AT];
  if (type !== 0x30 && type !== 0) throw bad("it holds something that is no plain file");
  const prefix = text(header.subarray(PREFIX_AT, PREFIX_AT + 155));
  const own = text(header.subarray(0, NAME_BYTES));
  const name = prefix === "" ? own : `${prefix}/${own}`;
  if (name.length > 200 || !PLAIN_NAME.test(name)) throw bad("a name in it is none of a hub's");
  return { name, sizeBytes: octal(header.subarray(SIZE_AT, SIZE_AT + 12)) };
}

function text(field: Uint8Array): string {
  const end = field.indexOf(0);
  return utf8Text(end < 0 ? field : field.subarray(0, end), "archive");
}

function octal(field: Uint8Array): number {
  const digits = text(field).trim();
  if (!/^[0-7]{1,12}$/.test(digits)) throw bad("a number in it is none");
  return Number.parseInt(digits, 8);
}

function bad(reason: string): MalformedInput {
  return new MalformedInput("archive", `Cannot read state: ${reason}`);
}

/** Exactly as many bytes as are asked for, of a stream that comes in pieces of any size. */
class ByteSource {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.#pieces = stream[Symbol.asyncIterator]();
  }

  async take(sizeBytes: number): Promise<Uint8Array> {
    const wanted = new Uint8Array(sizeBytes);
    for (let filled = 0; filled < sizeBytes;) {
      if (this.#rest.length === 0) {
        const piece = await this.#pieces.next();
        if (piece.done === true) throw bad("it is cut off");
        this.#rest = piece.value;
        continue;
      }
      const piece = this.#rest.subarray(0, sizeBytes - filled);
      wanted.set(piece, filled);
      filled += piece.length;
      this.#rest = this.#rest.subarray(piece.length);
    }
    return wanted;
  }
}
