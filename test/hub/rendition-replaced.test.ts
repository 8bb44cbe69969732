import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import { RenditionUploads } from "../../src/clips/renditions.ts";
import { checkStorage } from "../../src/cli/check-storage.ts";
import { clipIdentities, deviceOfBundle } from "../../src/owner/device-bundle.ts";
import { fetchListedClip } from "../../src/owner/listed-clip.ts";
import { openSealedFile } from "../../src/owner/open-clip.ts";
import { replacedBy, sealRendition, sealStill, sendRendition } from "../../src/owner/rendition.ts";
import { watchLedger } from "../../src/owner/watch.ts";
import { sealedFileName } from "../../src/protocol/clip.ts";
import { parseClipId } from "../../src/protocol/ids.ts";
import { blurredOnDevice, verifyBundle } from "../../src/protocol/verify-bundle.ts";
import { releasedBundle } from "../support/test-consent.ts";
import { firstClip, requireOk, startTestHub, type TestHub } from "../support/test-hub.ts";
import { revokeAs } from "../support/two-owners.ts";
import { addHubCopy } from "../support/test-hub-copy.ts";
import { blurredNames, followTestHub, openOriginals } from "../support/test-rendition.ts";

/** An owner's copy of all segments and a still, sealed; what is in it does not matter here. */
async function ownCopy(hub: TestHub, id: string) {
  const followed = await followTestHub(hub);
  const clip = await fetchListedClip(followed, id, "release");
  const originals = await openOriginals(followed, clip, hub.owner);
  const made = originals.map(({ segment }) => ({ segment, bytes: randomBytes(500) }));
  const still = await sealStill(clip, followed.keyring, { segment: 0, bytes: randomBytes(50) });
  const files = [...(await sealRendition(clip, followed.keyring, made)), still];
  return { client: followed.client, clip, files, replaces: replacedBy(clip) };
}

describe("a copy that an owner makes because a face was missed in the hub's", () => {
  let hub: TestHub;
  let clip: string;
  let tooEarly: unknown;
  beforeAll(async () => {
    hub = await startTestHub({ clips: 1, faces: "blur-copy" });
    clip = firstClip(hub);
    // Here, so that each test below holds by itself.
    const { client, files, replaces } = await ownCopy(hub, clip);
    tooEarly = await sendRendition(client, clip, files, { replaces }).catch(
      (error: unknown) => error,
    );
    await addHubCopy(hub, clip, { whole: [1], reason: "timed-out" });
  });
  afterAll(() => hub[Symbol.asyncDispose]());

  test("is not taken while the hub is still making its own", () => {
    expect(tooEarly).toMatchObject({ code: "RENDITION_WAITING" });
  });

  test("begins from what the hub made: proven, with what of it is pixelated whole", async () => {
    const listed = await fetchListedClip(await followTestHub(hub), clip, "release");
    expect(listed.blur).toMatchObject({ state: "done", reason: "timed-out", whole: 1 });
    const shown = listed.files
      .filter(({ rendition }) => rendition === "blurred")
      .map(({ track, pixelated }) => `${track} ${pixelated}`);
    expect(new Set(shown)).toEqual(new Set(["video faces", "video whole", "poster faces"]));
  });

  test("waits while an approval names the one whose place it takes, whose bundle holds ever after", async () => {
    const { bundle, request } = await releasedBundle(hub, { clip, rendition: "blurred" });
    const { client, files, replaces } = await ownCopy(hub, clip);
    await expect(sendRendition(client, clip, files, { replaces })).rejects.toMatchObject({
      code: "RENDITION_RELEASED",
    });
    requireOk(await revokeAs(hub, request));
    // Neither a part of it, nor without a still where there was one, nor beside it.
    const videos = files.filter(({ file }) => file.track === "video");
    for (const [sent, named, code] of [
      [files, replaces.slice(1), "RENDITION_KNOWN"],
      [files, [], "RENDITION_KNOWN"],
      [files, [...replaces, "0".repeat(64)], "RENDITION_KNOWN"],
      [videos, replaces, "RENDITION_INCOMPLETE"],
    ] as const)
      await expect(sendRendition(client, clip, sent, { replaces: named })).rejects.toMatchObject({
        code,
      });
    await sendRendition(client, clip, files, { replaces });
    const followed = await followTestHub(hub);
    const listed = await fetchListedClip(followed, clip, "release");
    expect(replacedBy(listed).toSorted()).toEqual(
      files.map(({ file }) => file.payloadSha256).toSorted(),
    );
    expect(listed.files.some(({ pixelated }) => pixelated !== undefined)).toBe(false);
    expect(listed.blur).toEqual({ state: "done", reason: null, segments: videos.length, whole: 0 });
    // Signed for before: its bundle carries the entries of its own files.
    const report = await verifyBundle(bundle);
    expect(report.checks.filter(({ holds }) => !holds)).toEqual([]);
    expect(report.checks.map(({ detail }) => detail).join()).toContain("pixelated whole");
    const after = await verifyBundle(
      (await releasedBundle(hub, { clip, rendition: "blurred" })).bundle,
    );
    expect(after.checks.filter(({ holds }) => !holds)).toEqual([]);
    expect(after.approval && blurredOnDevice(after.approval)).toBe(videos.length);
  });

  test("is the only one on the disk, opens for a viewer, and the storage check and a device's watch hold", async () => {
    const viewer = await hub.admit("viewer");
    const followed = await followTestHub(hub, viewer);
    const listed = await fetchListedClip(followed, clip, "look");
    for (const file of listed.files.filter(({ rendition }) => rendition === "blurred")) {
      const url = `/api/clips/${clip}/files/${sealedFileName(file)}`;
      const bytes = await followed.client.bytes(url);
      const identities = clipIdentities(viewer.bundle);
      expect((await openSealedFile(bytes, identities, file.payloadSha256)).length).toBeGreaterThan(
        0,
      );
    }
    expect(blurredNames(hub, clip).filter((name) => name.endsWith(".partial"))).toEqual([]);
    await using database = openDatabase(path.join(hub.dataDirectory, "doorward.db"));
    const checks = await checkStorage(hub.dataDirectory, database);
    expect(checks.filter(({ holds }) => !holds)).toEqual([]);
    const watched = await watchLedger(followed, null, () => hub.clock.nowMs);
    expect(watched.alarms.filter(({ kind }) => kind === "missing_clip")).toEqual([]);
    expect(watched.watch.filesOf(clip)).toBe(listed.files.length);
  });
});

test("an approval that comes while the folder is made durable keeps the copy that it names", async () => {
  await using hub = await startTestHub({ clips: 1, faces: "blur-copy" });
  const { services } = hub.hub;
  const id = parseClipId(firstClip(hub));
  await addHubCopy(hub, id);
  const { files, replaces } = await ownCopy(hub, id);
  const { keyring } = services.household;
  if (!keyring) throw new Error("nobody has claimed this hub");
  let isApproved = false;
  let entries = 0;
  await using database = openDatabase(path.join(hub.dataDirectory, "doorward.db"));
  const uploads = RenditionUploads.open({
    ...{ database, store: services.clips, nowMs: () => hub.clock.nowMs, keyring: () => keyring },
    appendEntry: () => ++entries,
    released: () => new Set(isApproved ? replaces : []),
  });
  const announced = files.map(({ file }) => file);
  const upload = await uploads.begin(id, deviceOfBundle(hub.owner.bundle), {
    files: announced,
    replaces,
  });
  for (const { file, bytes } of files) await uploads.receive(id, upload, file.segment, bytes);
  const exclusively = services.clips.exclusively.bind(services.clips);
  // What `list` does before it awaits the disk is done when it returns; then the approval comes.
  vi.spyOn(services.clips, "exclusively").mockImplementation((list) =>
    exclusively(() => {
      const listed = list();
      isApproved = true;
      return listed;
    }),
  );
  await expect(uploads.close(id, upload)).rejects.toMatchObject({ code: "RENDITION_RELEASED" });
  expect(entries).toBe(0);
  const kept = services.clips.files(id).map(({ payloadSha256 }) => payloadSha256 as string);
  expect(kept).toEqual(expect.arrayContaining(replaces));
  expect(blurredNames(hub, id).filter((name) => name.endsWith(".partial"))).toEqual([]);
});

test("a stop between the entry and the names is made good at the next start", async () => {
  const dataDirectory = mkdtempSync(path.join(os.tmpdir(), "doorward-replaced-"));
  try {
    let owner: TestHub["owner"]["bundle"];
    let clip: string;
    let wanted: string[];
    {
      await using hub = await startTestHub({ clips: 1, faces: "blur-copy", dataDirectory });
      clip = firstClip(hub);
      owner = hub.owner.bundle;
      await addHubCopy(hub, clip);
      const { client, files, replaces } = await ownCopy(hub, clip);
      const folder = hub.hub.services.clips.folderOf(parseClipId(clip));
      const before = new Map(
        blurredNames(hub, clip).map((name) => [name, readFileSync(path.join(folder, name))]),
      );
      await sendRendition(client, clip, files, { replaces });
      wanted = files.map(({ file }) => file.payloadSha256).toSorted();
      // As it was when the entry had just been written: the old files have the names.
      await using database = openDatabase(path.join(dataDirectory, "doorward.db"));
      for (const [name, bytes] of before) {
        renameSync(path.join(folder, name), path.join(folder, `${name}.partial`));
        writeFileSync(path.join(folder, name), bytes);
        database
          .prepare("INSERT INTO rendition_uploads (clip, name) VALUES (?, ?)")
          .run(clip, name);
      }
    }
    await using hub = await startTestHub({ dataDirectory, owner });
    const { clip: listed, client } = await ownCopy(hub, clip);
    expect(replacedBy(listed).toSorted()).toEqual(wanted);
    for (const file of listed.files.filter(({ rendition }) => rendition === "blurred")) {
      const bytes = await client.bytes(`/api/clips/${clip}/files/${sealedFileName(file)}`);
      await openSealedFile(bytes, clipIdentities(hub.owner.bundle), file.payloadSha256);
    }
    expect(blurredNames(hub, clip).filter((name) => name.endsWith(".partial"))).toEqual([]);
    expect(hub.ledgerKinds()).not.toContain("torn");
  } finally {
    rmSync(dataDirectory, { recursive: true, force: true });
  }
});
