import { writeFileSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { requireAgeHeader } from "../../src/protocol/age-header.ts";
import { sha256Hex } from "../../src/protocol/bytes.ts";
import type { Sha256Hex } from "../../src/protocol/ids.ts";
import { generateReader } from "../../src/owner/identity.ts";
import { openSealedFile } from "../../src/owner/open-clip.ts";
import {
  ForeignVerifier,
  lacksForeignVerifier,
  ownVerdict,
  runForeign,
} from "../support/foreign-verifier.ts";
import { hostileBundles, membersOf } from "../support/hostile-bundles.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { releasedBundle, statusPath, typeRequest } from "../support/test-consent.ts";
import { addHubCopy } from "../support/test-hub-copy.ts";
import { firstClip, requireOk, startTestHub } from "../support/test-hub.ts";
import { cosignAs, propose, startTwoOwners } from "../support/two-owners.ts";

const lacks = lacksForeignVerifier();

/** Bundles as hubs and owners make them, each with what is special about it. */
async function realBundles(): Promise<Map<string, { bundle: Uint8Array; identity: string }>> {
  const found = new Map<string, { bundle: Uint8Array; identity: string }>();
  for (const kind of ["x25519", "pq"] as const) {
    await using hub = await startTestHub({ clips: 1, kind, faces: "blur-copy" });
    const clip = firstClip(hub);
    const one = await releasedBundle(hub, { clip, segments: [1, 1] });
    found.set(`${kind}, one segment`, { bundle: one.bundle, identity: one.recipient.identity });
    await addHubCopy(hub, clip);
    await hub.admit("viewer");
    const all = await releasedBundle(hub, { clip, audio: true });
    found.set(`${kind}, with sound`, { bundle: all.bundle, identity: all.recipient.identity });
    const blurred = await releasedBundle(hub, { clip, rendition: "blurred" });
    const { identity } = blurred.recipient;
    found.set(`${kind}, blurred`, { bundle: blurred.bundle, identity });
  }
  await using hub = await startTwoOwners();
  const { recipient, identity } = await generateReader("x25519");
  const request = await typeRequest(hub, { recipient });
  requireOk((await propose(hub, request)).answer);
  requireOk(await cosignAs(hub, request, hub.partner));
  const answer = requireOk(await hub.call("GET", statusPath(request)));
  found.set("of two owners", { bundle: new Uint8Array(answer.rawPayload), identity });
  return found;
}

function payloadOf(sealed: Uint8Array): Sha256Hex {
  return sha256Hex(sealed.subarray(requireAgeHeader(sealed).payloadOffset));
}

describe.skipIf(lacks)("a bundle, to a verifier of another language", () => {
  const folder = temporaryFolder();
  let bundles: Awaited<ReturnType<typeof realBundles>>;
  let foreign: ForeignVerifier;
  beforeAll(async () => {
    bundles = await realBundles();
    foreign = new ForeignVerifier();
  });
  afterAll(async () => {
    foreign[Symbol.dispose]();
    await folder[Symbol.asyncDispose]();
  });

  test("holds, of whatever keys, owners, sound and rendition", async () => {
    expect(bundles.size).toBe(7);
    for (const [name, { bundle }] of bundles) {
      const verdict = await foreign.verdict("bundle", bundle);
      expect(verdict, name).toEqual({ code: 0, why: "" });
      expect((await ownVerdict("bundle", bundle)).code).toBe(0);
    }
  });

  test("does not hold in any way that a hostile one is made", async () => {
    for (const [name, { bundle }] of bundles) {
      for (const [how, bytes] of await hostileBundles(bundle)) {
        const [theirs, ours] = [
          await foreign.verdict("bundle", bytes),
          await ownVerdict("bundle", bytes),
        ];
        expect([theirs.code, ours.code], `${name}: ${how}: ${theirs.why}`).toEqual([1, 1]);
      }
    }
  });

  test("does not hold with any byte changed", { timeout: 300_000 }, async () => {
    const { bundle } = bundles.get("x25519, one segment") ?? { bundle: new Uint8Array() };
    const age = bundle.length - (membersOf(bundle).at(-1)?.[1].length ?? 0) - 700;
    const places = Array.from({ length: bundle.length }, (_each, at) => at).filter((at) =>
      at < age || at > bundle.length - 700 ? at % 3 === 0 : at % 101 === 0,
    );
    const theirs = await foreign.verdicts("bundle", bundle, places, 1);
    const survivors: number[] = [];
    for (const [index, at] of places.entries()) {
      const ours = await ownVerdict("bundle", bundle.with(at, (bundle[at] ?? 0) ^ 1));
      if (ours.code !== 1 || theirs[index]?.code !== 1) survivors.push(at);
    }
    expect(places.length).toBeGreaterThan(1_000);
    expect(survivors).toEqual([]);
  });

  test("is opened for an X25519 identity, and refused in words for a post-quantum one", async () => {
    const zip = path.join(folder.path, "bundle.zip");
    const key = path.join(folder.path, "key.txt");
    const to = path.join(folder.path, "opened");
    const { bundle, identity } = bundles.get("x25519, with sound") ?? {
      bundle: new Uint8Array(),
      identity: "",
    };
    writeFileSync(zip, bundle);
    writeFileSync(key, `${identity}\n`);
    const made = runForeign("--open", key, "--to", to, zip);
    expect(made.code, made.text).toBe(0);
    const sealed = membersOf(bundle).filter(([name]) => name.startsWith("files/"));
    expect(readdirSync(to)).toHaveLength(sealed.length);
    for (const [name, bytes] of sealed) {
      const opened = readFileSync(path.join(to, path.basename(name).replace(/age$/, "mp4")));
      expect(new Uint8Array(opened)).toEqual(
        await openSealedFile(bytes, [identity], payloadOf(bytes)),
      );
    }
    const other = await generateReader("x25519");
    writeFileSync(key, other.identity);
    expect(runForeign("--open", key, "--to", path.join(folder.path, "b"), zip)).toMatchObject({
      code: 1,
      text: expect.stringContaining("sealed for somebody else"),
    });
    const pq = bundles.get("pq, one segment");
    writeFileSync(zip, pq?.bundle ?? new Uint8Array());
    writeFileSync(key, pq?.identity ?? "");
    expect(runForeign("--open", key, "--to", path.join(folder.path, "c"), zip)).toMatchObject({
      code: 1,
      text: expect.stringContaining("no ML-KEM-768"),
    });
  });

  test("is none where the file is something else: exit 2", () => {
    const file = path.join(folder.path, "something");
    writeFileSync(file, "something else");
    expect(runForeign(file).code).toBe(2);
    expect(runForeign(path.join(folder.path, "gone")).code).toBe(2);
  });
});
