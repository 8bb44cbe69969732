import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { inflateSync } from "node:zlib";
import {
  Decrypter,
  generateHybridIdentity,
  generateX25519Identity,
  identityToRecipient,
} from "age-encryption";
import * as publishedVectors from "cctv-age";
import { parseRecipient, type Recipient } from "../../src/protocol/age-header.ts";
import { sharedPath } from "../support/requirements.ts";

/** The owner-side library as the independent judge of what the hub's writer makes. */

export interface TestReader {
  readonly identity: string;
  readonly recipient: Recipient;
}

export async function makeReader(kind: Recipient["kind"]): Promise<TestReader> {
  const identity = kind === "pq" ? await generateHybridIdentity() : await generateX25519Identity();
  return { identity, recipient: parseRecipient(await identityToRecipient(identity)) };
}

export async function openAge(file: Uint8Array, identity: string): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  return await decrypter.decrypt(file);
}

/** What authenticates of a file that was cut off, and whether all of it did. */
export async function openAgeAsFarAsItGoes(
  file: Uint8Array,
  identity: string,
): Promise<{ readonly plaintext: Buffer; readonly isWhole: boolean }> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  const source = new ReadableStream<Uint8Array>({
    start: (controller) => {
      controller.enqueue(file);
      controller.close();
    },
  });
  const opened: Uint8Array[] = [];
  try {
    for await (const chunk of await decrypter.decrypt(source)) opened.push(chunk);
    return { plaintext: Buffer.concat(opened), isWhole: true };
  } catch {
    return { plaintext: Buffer.concat(opened), isWhole: false };
  }
}

export interface AgeVector {
  readonly name: string;
  readonly fields: ReadonlyMap<string, string>;
  readonly file: Buffer;
}

function readVector(name: string, bytes: Uint8Array): AgeVector {
  const all = Buffer.from(bytes);
  const end = all.indexOf("\n\n");
  const fields = new Map(
    all
      .subarray(0, end)
      .toString()
      .split("\n")
      .map((line): [string, string] => {
        const colon = line.indexOf(": ");
        return [line.slice(0, colon), line.slice(colon + 2)];
      }),
  );
  const body = all.subarray(end + 2);
  return { name, fields, file: fields.has("compressed") ? inflateSync(body) : body };
}

/** The published vectors that are not armored: from npm, and from the shared folder if present. */
export function ageVectors(): AgeVector[] {
  const vectors = new Map<string, AgeVector>();
  for (const [name, bytes] of Object.entries(publishedVectors))
    if (bytes instanceof Uint8Array) vectors.set(name, readVector(name, bytes));
  const folder = sharedPath("vectors/age");
  if (folder === null) console.warn("skipped: no shared age vectors; those of npm are used");
  else
    for (const name of readdirSync(folder))
      vectors.set(`${name} (shared)`, readVector(name, readFileSync(path.join(folder, name))));
  return [...vectors.values()].filter(({ fields }) => !fields.has("armored"));
}
