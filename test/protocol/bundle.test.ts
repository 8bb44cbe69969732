import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundleReadme, BUNDLE_NAMES, type Proofs } from "../../src/protocol/bundle.ts";
import { concatBytes, sha256Hex, toBase64, utf8Bytes, utf8Text } from "../../src/protocol/bytes.ts";
import { parseCanonicalJson, canonicalJson, type Json } from "../../src/protocol/canonical-json.ts";
import type { Terms } from "../../src/protocol/decision.ts";
import { looksLikeBundle, verifyBundle } from "../../src/protocol/verify-bundle.ts";
import { readZip, writeZip } from "../../src/protocol/zip.ts";
import { releasedBundle } from "../support/test-consent.ts";
import { startTestHub, type TestHub } from "../support/test-hub.ts";

type Members = [name: string, content: Uint8Array][];

let hub: TestHub;
let bundle: Uint8Array;
let terms: Terms;
beforeAll(async () => {
  hub = await startTestHub({ clips: 1 });
  const released = await releasedBundle(hub, { clip: hub.clips[0] ?? "", segments: [1, 1] });
  ({ bundle, terms } = released);
});
afterAll(() => hub[Symbol.asyncDispose]());

async function zip(members: Members): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of writeZip(
    members.map(([name, content]) => ({ name, chunks: [content] })),
  ))
    chunks.push(chunk);
  return concatBytes(...chunks);
}

const members = (of = bundle): Members => [...readZip(of, 100)];

async function withMember(
  name: string,
  change: (content: Uint8Array) => Uint8Array,
): Promise<Uint8Array> {
  const changed = members().map(([each, content]): Members[number] => [
    each,
    each === name ? change(content) : content,
  ]);
  return zip(changed);
}

async function holds(bytes: Uint8Array): Promise<boolean> {
  // A throw would be a failure of its own: hostile bytes are an answer, not an accident.
  const report = await verifyBundle(bytes);
  expect(report.holds).toBe(report.checks.every((check) => check.holds));
  return report.holds;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function withJson(change: (content: never) => Json): (content: Uint8Array) => Uint8Array {
  return (content) => canonicalJson(change(parseCanonicalJson(content, "member") as never));
}

describe("a bundle", () => {
  test("holds as it was fetched, and says what it checked", async () => {
    const report = await verifyBundle(bundle);
    expect(report.checks.map((check) => check.holds)).toEqual(Array(7).fill(true));
    expect(report.approval?.terms).toEqual(terms);
    expect(report.request?.asked.kind).toBe("police_voluntary");
    expect(report.cosignedBy).toBe(0);
    expect(looksLikeBundle(bundle)).toBe(true);
  });

  test("made again from its members is the same bytes", async () => {
    expect(await zip(members())).toEqual(bundle);
  });

  test("holds one name for each file: camera, clip, segment, track and rendition", () => {
    const [clip = ""] = hub.clips;
    expect(members().map(([name]) => name)).toEqual([
      ...Object.values(BUNDLE_NAMES),
      `files/front-${clip.slice(0, 8)}-001.video.original.age`,
    ]);
  });

  test("tells a purpose with line breaks in one line, so that it cannot write its own README", () => {
    const purpose = "a\nTo check by hand:\u2028rm -rf\u0000";
    const readme = bundleReadme({ terms: { ...terms, purpose }, release: [] });
    expect(readme).toContain("Purpose:    a To check by hand: rm -rf \n");
  });
});

describe("a changed bundle does not hold", () => {
  test("at any byte outside its recordings, and at every eleventh inside", async () => {
    const age = bundle.length - (members().at(-1)?.[1].length ?? 0) - 300;
    const survivors: number[] = [];
    for (let at = 0; at < bundle.length; at += at > age && at < bundle.length - 700 ? 11 : 1) {
      const changed = Uint8Array.from(bundle);
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
      if (await holds(changed)) survivors.push(at);
    }
    expect(survivors).toEqual([]);
  });

  test("at any place by any other byte (random)", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(bundle.length - 1),
        fc.integer({ min: 1, max: 255 }),
        async (at, mask) => {
          const changed = Uint8Array.from(bundle);
          changed[at] = (changed[at] ?? 0) ^ mask;
          expect(await holds(changed)).toBe(false);
        },
      ),
      { numRuns: 300 },
    );
  });

  test("when it is cut short anywhere, or something precedes or follows it", async () => {
    for (let length = 0; length < bundle.length; length += 97)
      expect(await holds(bundle.subarray(0, length))).toBe(false);
    for (const extra of [Uint8Array.of(0), utf8Bytes("more"), bundle]) {
      expect(await holds(concatBytes(bundle, extra))).toBe(false);
      expect(await holds(concatBytes(extra, bundle))).toBe(false);
    }
  });

  test("with a member more, less, twice, renamed or moved", async () => {
    const all = members();
    for (const [index, [name, content]] of all.entries()) {
      const without = all.filter((_, at) => at !== index);
      expect(await holds(await zip(without)), `without ${name}`).toBe(false);
      expect(await holds(await zip([...without, [name, content]])), `${name} last`).toBe(
        index === all.length - 1,
      );
      const renamed: Members = all.map((each, at) => (at === index ? [`${name}x`, content] : each));
      expect(await holds(await zip(renamed)), `${name} renamed`).toBe(false);
      expect(await holds(await zip([...all, [name, content]])), `${name} twice`).toBe(false);
    }
    expect(await holds(await zip([...all, ["extra.txt", utf8Bytes("hello")]]))).toBe(false);
    expect(await holds(await zip([["../../etc/cron.d/x", utf8Bytes("x")], ...all]))).toBe(false);
    expect(await holds(await zip([]))).toBe(false);
  });

  test("with parts of another household's bundle", async () => {
    await using other = await startTestHub({ clips: 1 });
    const foreign = await releasedBundle(other, { clip: other.clips[0] ?? "", segments: [1, 1] });
    expect(await holds(foreign.bundle)).toBe(true);
    const theirs = new Map(members(foreign.bundle));
    for (const name of Object.values(BUNDLE_NAMES)) {
      if (name === BUNDLE_NAMES.readme) continue;
      const mixed = await withMember(name, () => theirs.get(name) ?? new Uint8Array());
      expect(await holds(mixed), name).toBe(false);
    }
  });

  test("with the file of another segment under a right name", async () => {
    const next = await releasedBundle(hub, { clip: hub.clips[0] ?? "", segments: [0, 0] });
    const file = members(next.bundle).at(-1)?.[1] ?? new Uint8Array();
    const name = members().at(-1)?.[0] ?? "";
    expect(await holds(await withMember(name, () => file))).toBe(false);
  });

  test("with an altered recording and a hash sheet that was made to fit it", async () => {
    const name = members().at(-1)?.[0] ?? "";
    const altered = members().map(([each, content]): Members[number] => {
      const copy = new Uint8Array(content);
      // The last byte is ciphertext: header and decision stay as they were signed.
      if (each === name) copy.set([(copy.at(-1) ?? 0) ^ 1], copy.length - 1);
      return [each, copy];
    });
    const sum = sha256Hex(altered.at(-1)?.[1] ?? new Uint8Array());
    const fitted = altered.map(([each, content]): Members[number] => {
      if (each !== BUNDLE_NAMES.hashes) return [each, content];
      const lines = utf8Text(content, each).trimEnd().split("\n");
      return [each, utf8Bytes([...lines.slice(0, -1), `${sum}  ${name}`, ""].join("\n"))];
    });
    expect(await holds(await zip(fitted))).toBe(false);
  });

  test("with an entry of the ledger that belongs to something else", async () => {
    const other = await releasedBundle(hub, { clip: hub.clips[0] ?? "", segments: [0, 0] });
    const extra = (
      parseCanonicalJson(
        new Map(members(other.bundle)).get(BUNDLE_NAMES.proofs) ?? new Uint8Array(),
        "proofs",
      ) as unknown as Proofs
    ).entries;
    const mixed = await withMember(
      BUNDLE_NAMES.proofs,
      withJson((proofs: Proofs) => ({ ...proofs, entries: [...proofs.entries, ...extra] })),
    );
    expect(await holds(mixed)).toBe(false);
  });
});

describe("hostile members are refused and never crash the verifier", () => {
  const jsonMembers = [
    BUNDLE_NAMES.decision,
    BUNDLE_NAMES.request,
    BUNDLE_NAMES.keyring,
    BUNDLE_NAMES.proofs,
  ];
  const values: Json[] = [null, true, 0, "", "x", [], {}, [null], [[]], { payload: null }];

  test.each(jsonMembers)("%s as any other JSON", async (name) => {
    for (const value of values)
      expect(await holds(await withMember(name, () => canonicalJson(value)))).toBe(false);
    for (const text of ["", "{", "nul", "\u0000", "[".repeat(10_000)])
      expect(await holds(await withMember(name, () => utf8Bytes(text)))).toBe(false);
  });

  test("a decision whose payload is any other JSON", async () => {
    for (const value of [...values, { terms: null }, { terms: { nonce: 1, keyringEpoch: 1e15 } }]) {
      const payload = Buffer.from(canonicalJson(value)).toString("base64");
      const change = withJson((content: { payload: string }) => ({ ...content, payload }));
      expect(await holds(await withMember(BUNDLE_NAMES.decision, change))).toBe(false);
    }
  });

  test("entries of kinds that no ledger has, named after members of every object", async () => {
    const { ledger } = hub.hub.services;
    for (const kind of ["toString", "constructor", "hasOwnProperty", "entry"]) {
      // The household that makes a bundle may be the attacker: its ledger holds what it likes.
      const index = ledger.append({ v: 1, kind, atMs: 0 } as never);
      const size = ledger.size();
      const prove = (at: number) => ledger.inclusionProof(at, size).map(toBase64);
      const entry = toBase64(ledger.entry(index)?.bytes ?? new Uint8Array());
      const change = withJson((content: Proofs) => ({
        ...content,
        checkpoint: ledger.checkpoint(),
        seen: ledger.consistencyProof(terms.checkpoint.size, size).map(toBase64),
        entries: [
          ...content.entries.map((each) => ({ ...each, proof: prove(each.index) })),
          { index, entry, proof: prove(index) },
        ],
      }));
      const changed = await withMember(BUNDLE_NAMES.proofs, change);
      const report = await verifyBundle(changed);
      expect(report.checks.at(-1)?.detail).toContain("unknown kind");
      expect(report.holds).toBe(false);
    }
  });

  test("a checkpoint with lines that only look like cosignatures adds no witness", async () => {
    const lines = (note: string): string => {
      const [, own = ""] = /\n(— [^\n]+\n)$/.exec(note) ?? [];
      const [dash = "", name = "", encoded = ""] = own.trim().split(" ");
      const bytes = Buffer.from(encoded, "base64");
      bytes[0] = (bytes[0] ?? 0) ^ 1;
      return `${note}${dash} ${name} ${bytes.toString("base64")}\n`;
    };
    const change = withJson((content: { checkpoint: string }) => ({
      ...content,
      checkpoint: lines(content.checkpoint),
    }));
    const report = await verifyBundle(await withMember(BUNDLE_NAMES.proofs, change));
    expect(report.holds).toBe(false);
    expect(report.cosignedBy).toBe(0);
  });

  test("members that overlap, so that they would come out larger than the zip", () => {
    const offsetOf = (signature: number): number => Buffer.from(bundle).lastIndexOf(u32(signature));
    const end = offsetOf(0x06054b50);
    const directory = bundle.subarray(Buffer.from(bundle).readUInt32LE(end + 16), end);
    const tail = Buffer.from(bundle.subarray(end));
    tail.writeUInt16LE(14, 8);
    tail.writeUInt16LE(14, 10);
    const doubled = concatBytes(bundle.subarray(0, end), directory, tail);
    expect(() => readZip(doubled, 100)).toThrow(/not as we write it/);
  });

  test("bytes that are no zip, or a zip that is none of ours", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2_000 }), async (bytes) => {
        expect(await holds(bytes)).toBe(false);
        expect(looksLikeBundle(bytes)).toBe(false);
      }),
      { numRuns: 200 },
    );
    expect(await holds(await zip([["a.txt", utf8Bytes("a")]]))).toBe(false);
  });
});
