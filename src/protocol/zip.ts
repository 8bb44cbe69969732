import { unzipSync, Zip, ZipPassThrough } from "fflate";
import { MalformedInput } from "./errors.ts";

/** One member of a bundle: its bytes come in pieces, so that a large file is never whole in memory. */
export interface ZipMember {
  readonly name: string;
  readonly chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** Zip times have no zone; a fixed one keeps a bundle's bytes the same wherever it is made. */
const FIXED_TIME = new Date(1980, 0, 1);

/**
 * Writes members in order, stored and not compressed (ciphertext does not shrink). The same members
 * always give the same bytes.
 */
export async function* writeZip(
  members: AsyncIterable<ZipMember> | Iterable<ZipMember>,
): AsyncGenerator<Uint8Array> {
  let ready: Uint8Array[] = [];
  const zip = new Zip((error, chunk) => {
    if (error) throw error;
    ready.push(chunk);
  });
  for await (const member of members) {
    const file = new ZipPassThrough(member.name);
    file.mtime = FIXED_TIME;
    zip.add(file);
    for await (const chunk of member.chunks) {
      file.push(chunk, false);
      yield* ready;
      ready = [];
    }
    file.push(new Uint8Array(0), true);
    yield* ready;
    ready = [];
  }
  zip.end();
  yield* ready;
}

/** Local header, descriptor and directory entry of a member, and the directory's end. */
const MEMBER_BYTES = 30 + 16 + 46;
const END_BYTES = 22;

/** Size of what {@link writeZip} makes of members of these sizes; names are plain letters. */
export function zipBytes(members: readonly { name: string; sizeBytes: number }[]): number {
  return members.reduce(
    (sum, { name, sizeBytes }) => sum + MEMBER_BYTES + 2 * name.length + sizeBytes,
    END_BYTES,
  );
}

/** @throws MalformedInput when `bytes` is not a zip, or one with more than `membersMax` members. */
export function readZip(bytes: Uint8Array, membersMax: number): Map<string, Uint8Array> {
  let count = 0;
  let sizeBytes = 0;
  try {
    const members = unzipSync(bytes, {
      filter: (member) => {
        count += 1;
        sizeBytes += member.size;
        // Members that overlap would come out larger than the zip itself.
        const fits = count <= membersMax && sizeBytes <= bytes.length;
        if (!fits || member.compression !== 0 || member.size !== member.originalSize)
          throw new MalformedInput("bundle", "Cannot read bundle: a member is not as we write it");
        return true;
      },
    });
    return new Map(Object.entries(members));
  } catch (cause) {
    if (cause instanceof MalformedInput) throw cause;
    throw new MalformedInput("bundle", "Cannot read bundle: not a whole zip file", { cause });
  }
}
