import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { envelopeSigner, generateReader, generateSigningKey } from "../../src/owner/identity.ts";
import { openFileKey } from "../../src/owner/release.ts";
import { confirmingOnce, headerFor, rewrapClip } from "../../src/owner/rewrap.ts";
import { requireAgeHeader } from "../../src/protocol/age-header.ts";
import { fromBase64, sha256Hex, toBase64 } from "../../src/protocol/bytes.ts";
import { sealedFileName } from "../../src/protocol/clip.ts";
import {
  PAYLOAD_TYPES,
  signEnvelope,
  type Envelope,
  type EnvelopeSigner,
  type PayloadType,
} from "../../src/protocol/envelope.ts";
import type { ClipId } from "../../src/protocol/ids.ts";
import {
  recipientsOf,
  rewrapChallenge,
  verifyRewrap,
  type Rewrap,
} from "../../src/protocol/rewrap.ts";
import { createAuthenticator } from "../support/authenticator.ts";
import { newDevice, testChain } from "../support/test-household.ts";
import { firstClip, startTestHub, type TestDevice, type TestHub } from "../support/test-hub.ts";
import { removeAndRotate } from "../support/test-rewrap.ts";
import { addBlurred, followTestHub } from "../support/test-rendition.ts";

interface Sent {
  rewrap: Rewrap;
  headers: string[];
  payloadType?: PayloadType;
  signers?: EnvelopeSigner[];
}

describe("sealing a clip anew is refused", () => {
  let hub: TestHub;
  let clip: ClipId;
  let owner: TestDevice;
  let removed: TestDevice;
  let good: { rewrap: Rewrap; headers: string[]; keys: Uint8Array[] };
  let bytes: Uint8Array[];
  beforeAll(async () => {
    hub = await startTestHub({ clips: 2 });
    clip = firstClip(hub);
    await addBlurred(hub, clip);
    removed = await hub.admit("owner");
    owner = await removeAndRotate(hub, removed.key.device);
    good = await make();
    bytes = onDisk();
  });
  afterAll(async () => hub[Symbol.asyncDispose]());

  function onDisk(): Uint8Array[] {
    const { clips } = hub.hub.services;
    return clips
      .files(clip)
      .map((file) => readFileSync(path.join(clips.folderOf(clip), sealedFileName(file))));
  }

  /** As an owner's device makes it. */
  async function make(): Promise<typeof good> {
    const { clips, household } = hub.hub.services;
    const { keyring } = household;
    if (!keyring) throw new Error("nobody has claimed this hub");
    const keys: Uint8Array[] = [];
    const headers: string[] = [];
    const files: Rewrap["files"] = [];
    for (const file of clips.files(clip)) {
      const sealed = readFileSync(path.join(clips.folderOf(clip), sealedFileName(file)));
      const key = await openFileKey(sealed, [hub.owner.bundle.readers.originals ?? ""]);
      const header = headerFor(key, recipientsOf(keyring.readers, file.rendition));
      const { segment, track, rendition, payloadSha256 } = file;
      files.push({ segment, track, rendition, payloadSha256, headerSha256: sha256Hex(header) });
      headers.push(toBase64(header));
      keys.push(key);
    }
    const { origin, head } = keyring;
    return { rewrap: { v: 1, origin, clip, keyringHead: head, files }, headers, keys };
  }

  async function send(sent: Sent, as = owner, to: string = clip): Promise<string> {
    const [signer = envelopeSigner(owner.key), ...others] = sent.signers ?? [];
    const type = sent.payloadType ?? PAYLOAD_TYPES.rewrap;
    const statement = await signEnvelope(type, sent.rewrap, signer);
    for (const other of others)
      statement.signatures.push(...(await signEnvelope(type, sent.rewrap, other)).signatures);
    return post(statement, sent.headers, as, to);
  }

  async function post(
    statement: Envelope,
    headers: readonly string[],
    as = owner,
    to: string = clip,
  ): Promise<string> {
    const body = { statement, headers };
    const answer = await hub.call("POST", `/api/clips/${to}/rewrap`, { as, body });
    const { code, message } = answer.json<{ code?: string; message?: string }>();
    return code === undefined ? "taken" : `${code} ${message ?? ""}`;
  }

  /** The header of one file is another one, and the statement says so. */
  function withHeader(index: number, header: Uint8Array): Sent {
    const files = good.rewrap.files.map((file, at) =>
      at === index ? { ...file, headerSha256: sha256Hex(header) } : file,
    );
    return {
      rewrap: { ...good.rewrap, files },
      headers: good.headers.with(index, toBase64(header)),
    };
  }

  test("when it is signed by nobody who may, or by more than one", async () => {
    const { rewrap, headers } = good;
    const adult = await hub.admit("adult");
    // Admitting changes the chain; what is below must be about the signature alone.
    good = await make();
    const stale = await send({ rewrap, headers });
    expect(stale).toMatch(/^KEYRING_CHANGED/);
    const by = (...signers: EnvelopeSigner[]): Promise<string> => send({ ...good, signers });
    expect(await by(envelopeSigner(adult.key))).toMatch(/signed by no owner in force/);
    expect(await by(envelopeSigner(removed.key))).toMatch(/signed by no owner in force/);
    expect(await by(envelopeSigner(generateSigningKey()))).toMatch(/signed by no owner in force/);
    const own = envelopeSigner(owner.key);
    expect(await by(own, own)).toMatch(/one signature/);
    const forged = { ...own, sign: async () => new Uint8Array(64) };
    expect(await by(forged)).toMatch(/does not verify/);
    expect(await send(good, adult)).toMatch(/^NOT_ALLOWED/);
    const viewer = await hub.admit("viewer");
    good = await make();
    expect(await send(good, viewer)).toMatch(/^NOT_ALLOWED/);
    const list = await hub.call("GET", "/api/sealed-before?beforeEpoch=9", { as: viewer });
    expect(list.statusCode).toBe(403);
  });

  test("when it was signed as something else, for another household, clip or keyring", async () => {
    const { rewrap, headers } = good;
    for (const payloadType of [PAYLOAD_TYPES.decision, PAYLOAD_TYPES.login, PAYLOAD_TYPES.keyring])
      expect(await send({ rewrap, headers, payloadType })).toMatch(/^MALFORMED_INPUT/);
    const other = { ...rewrap, origin: `doorward/${"0".repeat(32)}` };
    expect(await send({ rewrap: other, headers })).toMatch(/another household/);
    const [, second = ""] = hub.clips;
    expect(await send({ rewrap, headers }, owner, second)).toMatch(/another clip/);
    expect(await send({ rewrap: { ...rewrap, clip: second }, headers })).toMatch(/another clip/);
    expect(await send({ rewrap, headers }, owner, "0".repeat(32))).toMatch(/^NOT_FOUND/);
    const old = { ...rewrap, keyringHead: "0".repeat(64) };
    expect(await send({ rewrap: old, headers })).toMatch(/^KEYRING_CHANGED/);
    const more = { ...rewrap, note: "more" } as Rewrap;
    expect(await send({ rewrap: more, headers })).toMatch(/^MALFORMED_INPUT/);
  });

  test("when a file is left out, twice, another one, or has another payload", async () => {
    const { rewrap, headers } = good;
    const { files } = rewrap;
    const [first] = files;
    if (!first) throw new Error("no file");
    const sent = (changed: Rewrap["files"], with_ = headers): Promise<string> =>
      send({ rewrap: { ...rewrap, files: changed }, headers: with_ });
    expect(await sent(files.slice(1), headers.slice(1))).toMatch(
      /1 files of the clip are left out/,
    );
    expect(await sent([...files, first], [...headers, headers[0] ?? ""])).toMatch(/there twice/);
    expect(await sent(files.with(0, { ...first, segment: 99 }))).toMatch(/not what the ledger/);
    const payloadSha256 = "0".repeat(64);
    expect(await sent(files.with(0, { ...first, payloadSha256 }))).toMatch(/not what the ledger/);
    expect(await sent(files, headers.slice(1))).toMatch(/a header for each file/);
    expect(await sent(files, headers.toReversed())).toMatch(/not the one signed for/);
  });

  test("when a header has a stanza more, less or of another kind, or bytes after it", async () => {
    const { readers } = (await followTestHub(hub, owner)).keyring;
    const [key] = good.keys;
    if (!key) throw new Error("no key");
    const pq = (await generateReader("pq")).recipient;
    const { rendition } = good.rewrap.files[0] ?? {};
    const right = recipientsOf(readers, rendition ?? "original");
    const wrong = [
      right.slice(1),
      [...right, readers.owners],
      right.map(() => pq),
      [pq, ...right.slice(1)],
    ];
    for (const recipients of wrong)
      expect(await send(withHeader(0, headerFor(key, recipients)))).toMatch(
        /must have [23] stanzas of type X25519/,
      );
    const whole = fromBase64(good.headers[0] ?? "", "header");
    expect(await send(withHeader(0, Buffer.concat([whole, Buffer.from("x")])))).toMatch(
      /something follows a header/,
    );
    expect(await send(withHeader(0, whole.subarray(0, 40)))).toMatch(/^MALFORMED_INPUT/);
    expect(await send(withHeader(0, Buffer.from("no header at all\n")))).toMatch(
      /^MALFORMED_INPUT/,
    );
  });

  test("and nothing of all this was entered, or has touched a file", async () => {
    expect(hub.ledgerKinds().filter((kind) => kind === "rewrap")).toEqual([]);
    expect(onDisk()).toEqual(bytes);
    expect(await send(good)).toBe("taken");
  });
});

test("a statement needs the passkey where the keyring says so, and one confirmation does for all clips", async () => {
  const chain = await testChain();
  const authenticator = createAuthenticator("ES256");
  const device = newDevice("owner", { passkey: authenticator.passkey });
  const keyring = await chain.add(device.change);
  const payloadSha256 = "1".repeat(64);
  const listed = [
    {
      ...{ segment: 0, track: "video", rendition: "original", sizeBytes: 1, fromMs: 0, toMs: 1 },
      payloadSha256,
    },
  ] as unknown as Parameters<typeof verifyRewrap>[2]["listed"];
  const header = headerFor(new Uint8Array(16), recipientsOf(keyring.readers, "original"));
  const verify = async (signer: EnvelopeSigner, clip: string, challenge: Uint8Array) => {
    const rewrap: Rewrap = {
      ...{ v: 1, origin: keyring.origin, clip, keyringHead: keyring.head },
      files: [
        {
          ...{ segment: 0, track: "video", rendition: "original", payloadSha256 },
          headerSha256: sha256Hex(header),
        },
      ],
    };
    const statement = await signEnvelope(PAYLOAD_TYPES.rewrap, rewrap, signer, challenge);
    return verifyRewrap(statement, [toBase64(header)], { keyring, clip, listed });
  };
  const plain = envelopeSigner(device.key);
  const challenge = rewrapChallenge(keyring);
  let asked = 0;
  const confirming = confirmingOnce({
    ...plain,
    assert: async (wanted) => {
      asked += 1;
      return authenticator.assert(wanted);
    },
  });
  await expect(verify(plain, "a".repeat(32), challenge)).rejects.toThrow(/passkey did not confirm/);
  for (const clip of ["a", "b", "c"])
    expect((await verify(confirming, clip.repeat(32), challenge)).device).toBe(device.key.device);
  expect(asked).toBe(1);
  const other = rewrapChallenge({ ...keyring, head: chain.keyring().genesis });
  const elsewhere = confirmingOnce({ ...plain, assert: async (w) => authenticator.assert(w) });
  await expect(verify(elsewhere, "a".repeat(32), other)).rejects.toThrow(/passkey did not/);
});

describe("a hub that lies to the device that seals anew", () => {
  test("has no original's key sealed to those who may see blurred video alone", async () => {
    await using hub = await startTestHub({ clips: 1 });
    const clip = firstClip(hub);
    await addBlurred(hub, clip);
    const device = await hub.admit("adult");
    const owner = await removeAndRotate(hub, device.key.device);
    const { clips } = hub.hub.services;
    const at = (rendition: string): string =>
      path.join(clips.folderOf(clip), `000.video.${rendition}.age`);
    // Header and first chunk of the original under the name of the blurred file.
    writeFileSync(at("blurred"), readFileSync(at("original")));
    const followed = await followTestHub(hub, owner);
    const signer = envelopeSigner(owner.key);
    const made = rewrapClip(followed, { bundle: owner.bundle, signer }, clip);
    await expect(made).rejects.toMatchObject({ code: "FILE_ALTERED" });
    expect(hub.ledgerKinds()).not.toContain("rewrap");
  });

  test("gets no header for a payload that the key does not open", async () => {
    await using hub = await startTestHub({ clips: 1 });
    const clip = firstClip(hub);
    const device = await hub.admit("adult");
    const owner = await removeAndRotate(hub, device.key.device);
    const { clips } = hub.hub.services;
    const [one = "", other = ""] = clips
      .files(clip)
      .filter(({ track }) => track === "video")
      .map((file) => path.join(clips.folderOf(clip), sealedFileName(file)));
    const [first, second] = [readFileSync(one), readFileSync(other)];
    const header = second.subarray(0, requireAgeHeader(second).payloadOffset);
    writeFileSync(
      one,
      Buffer.concat([header, first.subarray(requireAgeHeader(first).payloadOffset)]),
    );
    const followed = await followTestHub(hub, owner);
    const signer = envelopeSigner(owner.key);
    await expect(
      rewrapClip(followed, { bundle: owner.bundle, signer }, clip),
    ).rejects.toMatchObject({ code: "FILE_ALTERED" });
  });

  test("is told where this device has no reader that is in force", async () => {
    await using hub = await startTestHub({ clips: 1 });
    const device = await hub.admit("adult");
    await removeAndRotate(hub, device.key.device);
    const signer = envelopeSigner(hub.owner.key);
    const followed = await followTestHub(hub);
    await expect(
      rewrapClip(followed, { bundle: hub.owner.bundle, signer }, firstClip(hub)),
    ).rejects.toMatchObject({ code: "READERS_OLD" });
  });
});
