import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generateReader, type ReaderKey } from "../../src/owner/identity.ts";
import { openSealedFile } from "../../src/owner/open-clip.ts";
import { openFileKey } from "../../src/owner/release.ts";
import { requireAgeHeader } from "../../src/protocol/age-header.ts";
import { BUNDLE_FOLDER } from "../../src/protocol/bundle.ts";
import { concatBytes } from "../../src/protocol/bytes.ts";
import type { SealedFile } from "../../src/protocol/clip.ts";
import { readZip } from "../../src/protocol/zip.ts";
import { framesIn } from "../clips/test-stream.ts";
import { approve, statusPath, typeRequest, type Chosen } from "../support/test-consent.ts";
import { firstClip, requireOk, startTestHub, type TestHub } from "../support/test-hub.ts";

// Invariant 5: the scope of a consent is a set of keys.

async function opens(file: Uint8Array, identity: string): Promise<boolean> {
  try {
    (await openFileKey(file, [identity])).fill(0);
    return true;
  } catch {
    return false;
  }
}

describe.each(["x25519", "pq"] as const)("a consent for one segment, keys of kind %s", (kind) => {
  let hub: TestHub;
  let recipient: ReaderKey;
  let bundle: Uint8Array;
  let files: readonly SealedFile[];
  const sealed = (file: SealedFile): Uint8Array =>
    new Uint8Array(readFileSync(hub.hub.services.clips.pathOf(firstClip(hub), file)));
  const released = (): Uint8Array[] =>
    [...readZip(bundle, 100)]
      .filter(([name]) => name.startsWith(BUNDLE_FOLDER))
      .map(([, content]) => content);

  async function release(chosen: Omit<Chosen, "clip">): Promise<Uint8Array> {
    const request = await typeRequest(hub, { recipient: recipient.recipient });
    await approve(hub, request, { clip: firstClip(hub), ...chosen });
    const answer = requireOk(await hub.call("GET", statusPath(request)));
    return new Uint8Array(answer.rawPayload);
  }

  beforeAll(async () => {
    hub = await startTestHub({ clips: 2, kind });
    recipient = await generateReader(kind);
    bundle = await release({ segments: [1, 1] });
    files = hub.hub.services.clips.files(firstClip(hub));
  });
  afterAll(() => hub[Symbol.asyncDispose]());

  test("opens this segment with the recipient's key: forty frames, no more and no fewer", async () => {
    const [file, ...rest] = released();
    expect(rest).toEqual([]);
    const opened = await openSealedFile(file ?? new Uint8Array(), [recipient.identity], null);
    expect(framesIn(opened)).toEqual(Array.from({ length: 40 }, (_, index) => 40 + index));
    expect(framesIn(opened, "sound")).toEqual([]);
  });

  test("opens it for nobody else: not for the household's own readers, not for another key", async () => {
    const [file = new Uint8Array()] = released();
    const { originals = "", blurred = "", owners = "" } = hub.owner.bundle.readers;
    const recovery = hub.recovery?.reader.identity ?? "";
    const stranger = (await generateReader(kind)).identity;
    for (const identity of [originals, blurred, owners, recovery, stranger])
      expect(await opens(file, identity)).toBe(false);
  });

  test("opens no other file of the house with the recipient's key", async () => {
    for (const clip of hub.clips)
      for (const file of hub.hub.services.clips.files(clip)) {
        const bytes = new Uint8Array(readFileSync(hub.hub.services.clips.pathOf(clip, file)));
        expect(await opens(bytes, recipient.identity)).toBe(false);
        expect(await opens(bytes, hub.owner.bundle.readers.originals ?? "")).toBe(true);
      }
  });

  test("lends its header to no other payload", async () => {
    const [file = new Uint8Array()] = released();
    const { headerBytes } = requireAgeHeader(file);
    let tried = 0;
    for (const other of files) {
      const bytes = sealed(other);
      const payload = bytes.subarray(requireAgeHeader(bytes).payloadOffset);
      const grafted = concatBytes(headerBytes, payload);
      const isOwn = other.segment === 1 && other.track === "video";
      const outcome = openSealedFile(grafted, [recipient.identity], null);
      if (isOwn) expect(framesIn(await outcome)).toHaveLength(40);
      else await expect(outcome).rejects.toMatchObject({ code: "FILE_ALTERED" });
      tried += 1;
    }
    expect(tried).toBeGreaterThan(4);
  });

  test("holds nothing of a neighbouring segment, and no byte of the hub's own headers", () => {
    const bytes = Buffer.from(bundle);
    for (const file of files) {
      const whole = sealed(file);
      const { headerBytes, payloadOffset } = requireAgeHeader(whole);
      expect(bytes.includes(Buffer.from(headerBytes))).toBe(false);
      const isIn = file.segment === 1 && file.track === "video";
      for (let at = payloadOffset; at + 64 <= whole.length; at += 1_024)
        expect(bytes.includes(Buffer.from(whole.subarray(at, at + 64)))).toBe(isIn);
    }
  });

  test("with sound named it has the sound of these segments, and of no other", async () => {
    bundle = await release({ segments: [0, 1], audio: true });
    const opened = await Promise.all(
      released().map((file) => openSealedFile(file, [recipient.identity], null)),
    );
    const frames = opened.flatMap((each) => framesIn(each));
    const sounds = opened.flatMap((each) => framesIn(each, "sound"));
    expect(Math.max(...frames)).toBe(79);
    expect(frames).toHaveLength(80);
    expect(Math.max(...sounds)).toBeLessThan(80);
    expect(sounds.length).toBeGreaterThan(70);
  });

  test("two consents for the same segment share no header", async () => {
    const [one] = released();
    bundle = await release({ segments: [0, 1], audio: true });
    const [two] = released();
    expect(requireAgeHeader(one ?? new Uint8Array()).headerBytes).not.toEqual(
      requireAgeHeader(two ?? new Uint8Array()).headerBytes,
    );
  });
});
