import { canonicalJson, parseCanonicalJson, type Json } from "../../src/protocol/canonical-json.ts";
import { concatBytes, utf8Bytes } from "../../src/protocol/bytes.ts";
import { readZip, writeZip } from "../../src/protocol/zip.ts";

export type Members = readonly (readonly [name: string, content: Uint8Array])[];

export async function zipOf(members: Members): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  const written = writeZip(members.map(([name, content]) => ({ name, chunks: [content] })));
  for await (const chunk of written) chunks.push(chunk);
  return concatBytes(...chunks);
}

export const membersOf = (bundle: Uint8Array): Members => [...readZip(bundle, 500)];

/** A good bundle changed in every way that matters, each by its name; none of them may hold. */
export async function hostileBundles(bundle: Uint8Array): Promise<Map<string, Uint8Array>> {
  const members = membersOf(bundle);
  const found = new Map<string, Uint8Array>();
  for (const [name] of members) {
    found.set(`without ${name}`, await zipOf(members.filter(([each]) => each !== name)));
    found.set(`${name} with one bit changed`, await zipOf(withBytes(members, name, flipped)));
    found.set(`${name} with one byte more`, await zipOf(withBytes(members, name, longer)));
  }
  const json = async (name: string, what: string, change: (content: never) => Json) =>
    found.set(
      what,
      await zipOf(
        withBytes(members, name, (content) =>
          canonicalJson(change(parseCanonicalJson(content, name) as never)),
        ),
      ),
    );
  await json("request.json", "another request", (request: { v: number }) => ({
    ...request,
    receivedAtMs: 1,
  }));
  await json("keyring.json", "a keyring of nobody", () => []);
  await json("keyring.json", "a keyring twice", (keyring: Json[]) => [...keyring, ...keyring]);
  await json("proofs.json", "no proofs", (proofs: { v: number }) => ({ ...proofs, entries: [] }));
  await json("proofs.json", "proofs in another order", (proofs: { entries: Json[] }) => ({
    ...proofs,
    entries: proofs.entries.toReversed().slice(1),
  }));
  found.set("a member more", await zipOf([...members, ["more.txt", utf8Bytes("more")]]));
  found.set("members in another order", await zipOf(members.toReversed()));
  found.set("bytes behind its end", concatBytes(bundle, Uint8Array.of(0)));
  found.set("cut off", bundle.subarray(0, bundle.length - 30));
  return found;
}

function withBytes(
  members: Members,
  name: string,
  change: (content: Uint8Array) => Uint8Array,
): Members {
  return members.map(([each, content]) => [each, each === name ? change(content) : content]);
}

function flipped(content: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(content);
  const middle = Math.floor(changed.length / 2);
  changed[middle] = (changed[middle] ?? 0) ^ 1;
  return changed;
}

const longer = (content: Uint8Array): Uint8Array => concatBytes(content, Uint8Array.of(10));
