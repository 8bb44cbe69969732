import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkStorage } from "../../src/cli/check-storage.ts";
import { clipIdentities } from "../../src/owner/device-bundle.ts";
import { generateReader } from "../../src/owner/identity.ts";
import { fetchListedClip } from "../../src/owner/listed-clip.ts";
import { openSealedFile } from "../../src/owner/open-clip.ts";
import { sendRendition, type SealedSegment } from "../../src/owner/rendition.ts";
import { clipFolder, sealedFileName } from "../../src/protocol/clip.ts";
import { parseClipId } from "../../src/protocol/ids.ts";
import { blurredOnDevice, verifyBundle } from "../../src/protocol/verify-bundle.ts";
import { openDatabase } from "../../src/base/database.ts";
import { cliOwner } from "../support/cli-owner.ts";
import { runCli } from "../support/live-hub.ts";
import { missingCommands } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temporary.ts";
import {
  clipDetail,
  decide,
  draftApproval,
  releasedBundle,
  signTerms,
  typeRequest,
} from "../support/test-consent.ts";
import { firstClip, startTestHub, type TestHub } from "../support/test-hub.ts";
import { addBlurred, blurredNames, followTestHub, sealBlurred } from "../support/test-rendition.ts";

const lacks = missingCommands("ffmpeg");

describe.skipIf(lacks)("a clip that an owner blurred on his own device", () => {
  const folder = temporaryFolder();
  let hub: TestHub;
  let sealed: SealedSegment[];
  let clip: string;
  beforeAll(async () => {
    hub = await startTestHub({ clips: 1, footage: "real", kind: "pq", nowMs: "system" });
    clip = firstClip(hub);
    const made = await sealBlurred(hub, clip);
    sealed = made.sealed;
    await sendRendition(made.followed.client, clip, sealed);
  });
  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  test("is listed with what each file was made from, and proven by its own entry", async () => {
    const followed = await followTestHub(hub);
    const listed = await fetchListedClip(followed, clip, "release");
    expect(listed.renditions).toEqual(["original", "blurred"]);
    expect(listed.renditionEntries?.length).toBe(1);
    const originals = listed.files.filter(({ rendition }) => rendition === "original");
    const blurred = listed.files.filter(({ rendition }) => rendition === "blurred");
    expect(blurred.map(({ segment }) => segment)).toEqual(originals.map(({ segment }) => segment));
    expect(blurred.map(({ derivedFrom }) => derivedFrom)).toEqual(
      originals.map(({ payloadSha256 }) => payloadSha256),
    );
    expect(originals.every((file) => !("derivedFrom" in file))).toBe(true);
    expect(hub.ledgerKinds().filter((kind) => kind === "rendition").length).toBe(1);
    expect(hub.filesOutsideTheStore()).toEqual([]);
  });

  test("opens for a viewer, who sees no original", async () => {
    const viewer = await hub.admit("viewer");
    const { client } = await followTestHub(hub, viewer);
    const [first] = sealed;
    const name = sealedFileName(
      first?.file ?? { segment: 0, track: "video", rendition: "blurred" },
    );
    const bytes = await client.bytes(`/api/clips/${clip}/files/${name}`);
    const identities = clipIdentities(viewer.bundle);
    const opened = await openSealedFile(bytes, identities, first?.file.payloadSha256 ?? "");
    expect(Buffer.from(opened.subarray(4, 8)).toString()).toBe("ftyp");
    await expect(
      client.bytes(`/api/clips/${clip}/files/${name.replace("blurred", "original")}`),
    ).rejects.toMatchObject({ code: "NOT_ALLOWED" });
  });

  test("leaves by the command line, blurred without being asked, and says where it was blurred", async () => {
    const at = (name: string): string => path.join(folder.path, name);
    const recipient = await generateReader("pq");
    writeFileSync(at("key.txt"), recipient.identity);
    const request = await typeRequest(hub, { recipient: recipient.recipient });
    const owner = cliOwner(folder.path, hub.owner.bundle, hub.hub.url);
    const { statusUrl } = await owner.json<{ statusUrl: string }>(
      "approve",
      request.record.request,
      ...["--clip", clip, "--yes"],
    );
    const exported = await runCli(["export", statusUrl, "--out", at("bundle.zip")], folder.path);
    expect(exported.code, exported.stderr).toBe(0);
    const verified = await runCli(["verify", at("bundle.zip")], folder.path);
    expect(verified.code, verified.stdout).toBe(0);
    expect(verified.stdout).toContain(`Blurred on an owner's device: ${sealed.length} files`);
    const json = await runCli(["verify", at("bundle.zip"), "--json"], folder.path);
    expect(JSON.parse(json.stdout)).toMatchObject({ holds: true, blurredOnDevice: sealed.length });
    const opened = await runCli(
      ["open", at("bundle.zip"), "--identity", at("key.txt"), "--out", at("opened")],
      folder.path,
    );
    expect(opened.code, opened.stderr).toBe(0);
    const [movie = ""] = readdirSync(at("opened")).filter((name) => name.endsWith(".mp4"));
    const decoded = spawnSync("ffmpeg", [
      ...["-v", "error", "-i", path.join(at("opened"), movie), "-f", "null", "-"],
    ]);
    expect([decoded.status, decoded.stderr.toString()]).toEqual([0, ""]);
  });

  test("holds in the storage check, also with a file that is just coming", async () => {
    await using database = openDatabase(path.join(hub.dataDirectory, "doorward.db"));
    const checks = await checkStorage(hub.dataDirectory, database);
    expect(checks.filter(({ holds }) => !holds)).toEqual([]);
    database
      .prepare("UPDATE clip_files SET derived_from = ? WHERE derived_from IS NOT NULL")
      .run("0".repeat(64));
    const damaged = await checkStorage(hub.dataDirectory, database);
    expect(damaged.filter(({ holds }) => !holds).map(({ invariant }) => invariant)).toEqual([
      "rows-in-ledger",
    ]);
    for (const { file } of sealed)
      database
        .prepare("UPDATE clip_files SET derived_from = ? WHERE clip = ? AND name = ?")
        .run(file.derivedFrom, clip, sealedFileName(file));
  });

  test("goes with its clip, both renditions", async () => {
    const { retention } = hub.hub.services;
    const other = await hub.record();
    await addBlurred(hub, other);
    const stored = hub.hub.services.clips.get(parseClipId(other));
    const where = path.join(
      hub.dataDirectory,
      "clips",
      clipFolder(parseClipId(other), stored?.startedAtMs ?? 0),
    );
    const before = (await retention.preview()).usedBytes;
    const sizes = hub.hub.services.clips
      .files(parseClipId(other))
      .map(({ sizeBytes }) => sizeBytes);
    expect(existsSync(where)).toBe(true);
    await deleteForGood(hub, other);
    expect(existsSync(where)).toBe(false);
    expect(before - (await retention.preview()).usedBytes).toBe(
      sizes.reduce((total, size) => total + size, 0),
    );
  });
});

test("what is still sent for a clip that is gone makes no folder for it again", async () => {
  await using hub = await startTestHub({ clips: 1 });
  const clip = parseClipId(firstClip(hub));
  const { sealed } = await sealBlurred(hub, clip, (movie) => movie.slice(0, 1_000));
  const { renditions, clips } = hub.hub.services;
  const copy = { files: sealed.map(({ file }) => file), replaces: [] };
  const upload = await renditions.begin(clip, hub.owner.key.device, copy);
  const where = clips.folderOf(clip);
  await deleteForGood(hub, clip);
  const [first] = sealed;
  const late = renditions.receive(clip, upload, 0, first?.bytes ?? new Uint8Array());
  await expect(late).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect(existsSync(where)).toBe(false);
});

/** Deletes one clip as an owner, as if the ten minutes were over. */
async function deleteForGood(hub: TestHub, clip: string): Promise<void> {
  const { retention } = hub.hub.services;
  await retention.run();
  retention.remove(parseClipId(clip));
  await using database = openDatabase(path.join(hub.dataDirectory, "doorward.db"));
  database.prepare("UPDATE clip_retention SET goes_counted_ms = 0 WHERE clip = ?").run(clip);
  await retention.run();
}

describe("a bundle with a blurred file", () => {
  test("carries the rendition's entry, and holds", async () => {
    await using hub = await startTestHub({ clips: 1 });
    const clip = firstClip(hub);
    await addBlurred(hub, clip);
    const { bundle, terms } = await releasedBundle(hub, { clip, rendition: "blurred" });
    const report = await verifyBundle(bundle);
    expect(report.checks.filter(({ holds }) => !holds)).toEqual([]);
    expect(report.approval && blurredOnDevice(report.approval)).toBe(terms.clips[0]?.files.length);
    expect(terms.redactions.faces).toBe("blurred");
  });

  test("without one carries no rendition's entry: that a clip was blurred is nobody's business", async () => {
    await using hub = await startTestHub({ clips: 1 });
    const clip = firstClip(hub);
    await addBlurred(hub, clip);
    const { bundle } = await releasedBundle(hub, { clip });
    const report = await verifyBundle(bundle);
    expect(report.holds).toBe(true);
    expect(report.checks[3]?.detail).toBe("4 entries");
  });

  test("of a hub that lies about what it was made from holds neither for the owner nor for others", async () => {
    await using hub = await startTestHub({ clips: 1 });
    const clip = firstClip(hub);
    const made = await addBlurred(hub, clip);
    const { ledger } = hub.hub.services;
    const files = made.map(({ file }) => ({ ...file, derivedFrom: "0".repeat(64) }));
    const entryIndex = ledger.append({
      ...{ v: 2, kind: "rendition", atMs: hub.clock.nowMs, clip, files },
      device: hub.owner.key.device,
    });
    await using database = openDatabase(path.join(hub.dataDirectory, "doorward.db"));
    database
      .prepare(
        "UPDATE clip_files SET derived_from = ?, entry_index = ? WHERE rendition = 'blurred'",
      )
      .run("0".repeat(64), entryIndex);
    await expect(fetchListedClip(await followTestHub(hub), clip, "release")).rejects.toMatchObject({
      field: "rendition",
    });
    const { bundle } = await releasedBundle(hub, { clip, rendition: "blurred" });
    const failed = (await verifyBundle(bundle)).checks.filter(({ holds }) => !holds);
    expect(failed.map(({ check }) => check)).toEqual(["the owners signed this approval"]);
    expect(failed[0]?.detail).toContain("was made from nothing that was recorded");
  });

  test("is not approved by the hub where derivedFrom is left out or another's", async () => {
    await using hub = await startTestHub({ clips: 1 });
    const clip = firstClip(hub);
    await addBlurred(hub, clip);
    for (const change of ["left out", "0".repeat(64)]) {
      const recipient = (await generateReader("x25519")).recipient;
      const request = (await typeRequest(hub, { recipient })).record.request;
      const terms = await draftApproval(hub, request, { clip, rendition: "blurred" });
      const clips = terms.clips.map((one) => ({
        ...one,
        files: one.files.map(({ derivedFrom: _derivedFrom, ...file }) =>
          change === "left out" ? file : { ...file, derivedFrom: change },
        ),
      }));
      const answer = await decide(hub, request, await signTerms(hub, { ...terms, clips }));
      expect(answer.json(), change).toMatchObject({ code: "DECISION_WRONG_FILE" });
    }
  });
});

test("a stop in the middle of an upload leaves nothing, also where the files had their names already", async () => {
  const dataDirectory = mkdtempSync(path.join(os.tmpdir(), "doorward-upload-"));
  try {
    let left: { owner: TestHub["owner"]["bundle"]; clip: string };
    {
      await using hub = await startTestHub({ clips: 1, dataDirectory });
      const clip = firstClip(hub);
      const { sealed } = await sealBlurred(hub, clip, (movie) => movie.slice(0, 1_000));
      const { renditions } = hub.hub.services;
      const upload = await renditions.begin(parseClipId(clip), hub.owner.key.device, {
        files: sealed.map(({ file }) => file),
        replaces: [],
      });
      for (const { file, bytes } of sealed)
        await renditions.receive(parseClipId(clip), upload, file.segment, bytes);
      const [first] = blurredNames(hub, clip);
      const stored = hub.hub.services.clips.folderOf(parseClipId(clip));
      const partial = path.join(stored, first ?? "");
      writeFileSync(partial.replace(".partial", ""), readFileSync(partial));
      rmSync(partial);
      left = { owner: hub.owner.bundle, clip };
    }
    await using hub = await startTestHub({ dataDirectory, owner: left.owner });
    expect(blurredNames(hub, left.clip)).toEqual([]);
    expect(hub.ledgerKinds()).not.toContain("torn");
    expect((await clipDetail(hub, left.clip)).renditions).toEqual(["original"]);
    await addBlurred(hub, left.clip);
    expect((await clipDetail(hub, left.clip)).renditions).toEqual(["original", "blurred"]);
  } finally {
    rmSync(dataDirectory, { recursive: true, force: true });
  }
});
