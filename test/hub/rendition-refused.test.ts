import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sealBytes } from "../../src/clips/sealed-file.ts";
import { generateReader } from "../../src/owner/identity.ts";
import type { SealedSegment } from "../../src/owner/rendition.ts";
import { parseRecipient, requireAgeHeader } from "../../src/protocol/age-header.ts";
import { sha256Hex } from "../../src/protocol/bytes.ts";
import { LIMITS } from "../../src/protocol/limits.ts";
import { clipDetail } from "../support/test-consent.ts";
import { firstClip, startTestHub, type TestHub } from "../support/test-hub.ts";
import { addBlurred, blurredNames, sealBlurred } from "../support/test-rendition.ts";
import { recoverOrphans } from "../clips/recover-orphans.ts";

describe("the hub takes no rendition", () => {
  let hub: TestHub;
  let clip: string;
  let sealed: SealedSegment[];
  const base = (): string => `/api/clips/${clip}/renditions`;
  const octets = { "content-type": "application/octet-stream" };
  beforeAll(async () => {
    hub = await startTestHub({ clips: 2 });
    clip = firstClip(hub);
    ({ sealed } = await sealBlurred(hub, clip, (movie) => movie.slice(0, 70_000)));
  });
  afterAll(() => hub[Symbol.asyncDispose]());

  const files = () => sealed.map(({ file }) => file);
  async function begin(changed: unknown[] = files(), at = base()): Promise<string> {
    const answer = await hub.call("POST", at, { as: hub.owner, body: { files: changed } });
    expect(answer.statusCode, answer.body).toBe(200);
    return answer.json<{ upload: string }>().upload;
  }
  const send = (upload: string, segment: number, body: Uint8Array, at = base()) =>
    hub.call("POST", `${at}/${upload}/files/${segment}`, {
      ...{ as: hub.owner, headers: octets },
      body: Buffer.from(body),
    });
  const first = (): SealedSegment => {
    const [one] = sealed;
    if (!one) throw new Error("nothing was sealed");
    return one;
  };
  /** After a refusal the disk, the list and the ledger are as before. */
  async function nothingStays(upload: string | null): Promise<void> {
    if (upload !== null) {
      const closed = await hub.call("POST", `${base()}/${upload}/close`, { as: hub.owner });
      expect(closed.statusCode).toBe(409);
      expect(closed.json()).toMatchObject({ code: "RENDITION_INCOMPLETE" });
      await hub.call("DELETE", `${base()}/${upload}`, { as: hub.owner });
    }
    expect(blurredNames(hub, clip)).toEqual([]);
    expect((await clipDetail(hub, clip)).renditions).toEqual(["original"]);
    expect(hub.ledgerKinds()).not.toContain("rendition");
  }

  test.each<[string, (list: SealedSegment["file"][]) => unknown[]]>([
    ["of an unknown segment", ([one, ...rest]) => [{ ...one, segment: 77 }, ...rest]],
    ["that leaves a segment out", (list) => list.slice(1)],
    ["with a segment twice", ([one, ...rest]) => [one, one, ...rest]],
    ["made from nothing", ([one, ...rest]) => [{ ...one, derivedFrom: "0".repeat(64) }, ...rest]],
    [
      "made from another segment's original",
      ([one, two, ...rest]) => [{ ...one, derivedFrom: two?.derivedFrom }, two, ...rest],
    ],
    ["of another time", ([one, ...rest]) => [{ ...one, toMs: (one?.toMs ?? 0) + 1 }, ...rest]],
    [
      "far larger than what it was made from",
      ([one, ...rest]) => [{ ...one, sizeBytes: 30 * 1024 * 1024 }, ...rest],
    ],
    [
      "that calls itself original",
      ([one, ...rest]) => [{ ...one, rendition: "original" }, ...rest],
    ],
    ["of sound", ([one, ...rest]) => [{ ...one, track: "audio" }, ...rest]],
    ["without a file", () => []],
    ["with a member more", ([one, ...rest]) => [{ ...one, boxes: [1, 2, 3, 4] }, ...rest]],
  ])("%s", async (_, change) => {
    const body = { files: change(files()) };
    const answer = await hub.call("POST", base(), { as: hub.owner, body });
    expect(answer.statusCode, answer.body).toBe(422);
    await nothingStays(null);
  });

  test("of another clip, or of none", async () => {
    for (const other of [hub.clips[1] ?? "", "0".repeat(32)]) {
      const body = { files: files() };
      const url = `/api/clips/${other}/renditions`;
      const answer = await hub.call("POST", url, { as: hub.owner, body });
      expect([404, 422]).toContain(answer.statusCode);
    }
    const upload = await begin();
    const at = `/api/clips/${hub.clips[1] ?? ""}/renditions`;
    expect((await send(upload, 0, first().bytes, at)).statusCode).toBe(404);
    await nothingStays(upload);
  });

  test("from anybody but an owner", async () => {
    const upload = await begin();
    for (const role of ["adult", "viewer", "guest"] as const) {
      const as = await hub.admit(role);
      const body = { files: files() };
      expect((await hub.call("POST", base(), { as, body })).statusCode).toBe(403);
      for (const [method, url] of [
        ["POST", `${base()}/${upload}/files/0`],
        ["POST", `${base()}/${upload}/close`],
        ["DELETE", `${base()}/${upload}`],
      ] as const)
        expect((await hub.call(method, url, { as })).statusCode, url).toBe(403);
    }
    await nothingStays(upload);
  });

  test("whose file has other bytes, another length or another payload hash", async () => {
    const upload = await begin();
    const { bytes } = first();
    const changed = bytes.slice();
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
    for (const body of [
      changed,
      bytes.slice(0, -1),
      new Uint8Array([...bytes, 0]),
      sealed[1]?.bytes,
    ]) {
      const answer = await send(upload, 0, body ?? new Uint8Array());
      expect(answer.statusCode, answer.body).toBe(422);
    }
    await nothingStays(upload);
  });

  test("that is sealed to fewer, more or other kinds of keys, or not sealed at all", async () => {
    const { readers } = hub.hub.services.household.keyring ?? {};
    const three = [readers?.originals, readers?.blurred, readers?.recovery].map((one) => one ?? "");
    const pq = await Promise.all([1, 2, 3].map(async () => (await generateReader("pq")).recipient));
    for (const [what, recipients] of Object.entries({
      two: three.slice(1),
      four: [...three, readers?.owners ?? ""],
      "another kind": pq,
      nobody: null,
    })) {
      const bytes =
        recipients === null
          ? new Uint8Array(70_000).fill(65)
          : sealBytes(new Uint8Array(1_000), recipients.map(parseRecipient));
      const payloadSha256 =
        recipients === null
          ? "0".repeat(64)
          : sha256Hex(bytes.subarray(requireAgeHeader(bytes).payloadOffset));
      const [one, ...rest] = files();
      const upload = await begin([{ ...one, sizeBytes: bytes.length, payloadSha256 }, ...rest]);
      const answer = await send(upload, 0, bytes);
      expect(answer.statusCode, what).toBe(422);
      expect(answer.json(), what).toMatchObject({ field: "age header" });
      await nothingStays(upload);
    }
  });

  test("whose file comes twice, was not announced, is too large, or is no file", async () => {
    const upload = await begin();
    expect((await send(upload, 0, first().bytes)).statusCode).toBe(204);
    expect((await send(upload, 0, first().bytes)).json()).toMatchObject({ code: "FILE_KNOWN" });
    expect((await send(upload, 99, first().bytes)).statusCode).toBe(404);
    const large = await send(upload, 1, new Uint8Array(LIMITS.renditionFileBytes + 1));
    expect(large.statusCode).toBe(413);
    const url = `${base()}/${upload}/files/1`;
    const json = await hub.call("POST", url, { as: hub.owner, body: { some: "thing" } });
    expect(json.statusCode).toBe(422);
    await nothingStays(upload);
  });

  test("while it is not complete, and nothing of it when it is given up", async () => {
    const upload = await begin();
    expect((await send(upload, 0, first().bytes)).statusCode).toBe(204);
    expect(blurredNames(hub, clip)).toEqual(["000.video.blurred.age.partial"]);
    expect(await recoverOrphans(hub.hub.services.clips)).toMatchObject({ torn: [] });
    expect(
      (
        await hub.call("GET", `/api/clips/${clip}/files/000.video.blurred.age`, {
          as: hub.owner,
        })
      ).statusCode,
    ).toBe(404);
    await nothingStays(upload);
    expect((await send(upload, 1, first().bytes)).statusCode).toBe(404);
  });

  test("of which a newer one has taken the place, or that was left lying", async () => {
    const older = await begin();
    await send(older, 0, first().bytes);
    const newer = await begin();
    expect((await send(older, 1, sealed[1]?.bytes ?? new Uint8Array())).statusCode).toBe(404);
    expect((await send(newer, 0, first().bytes)).statusCode).toBe(204);
    hub.clock.nowMs += 11 * 60_000;
    await hub.hub.services.renditions.dropIdle();
    expect((await send(newer, 1, first().bytes)).statusCode).toBe(404);
    await nothingStays(null);
  });

  test("that was sealed to readers which are no longer in force", async () => {
    await using other = await startTestHub({ clips: 1 });
    const id = firstClip(other);
    const made = await sealBlurred(other, id, (movie) => movie.slice(0, 1_000));
    const path = `/api/clips/${id}/renditions`;
    const begun = await other.call("POST", path, {
      as: other.owner,
      body: { files: made.sealed.map(({ file }) => file) },
    });
    const { upload } = begun.json<{ upload: string }>();
    for (const { file, bytes } of made.sealed)
      await other.call("POST", `${path}/${upload}/files/${file.segment}`, {
        ...{ as: other.owner, headers: octets, body: Buffer.from(bytes) },
      });
    await other.admit("viewer");
    const closed = await other.call("POST", `${path}/${upload}/close`, { as: other.owner });
    expect(closed.json()).toMatchObject({ code: "KEYRING_CHANGED" });
    expect(blurredNames(other, id)).toEqual([]);
    expect(other.ledgerKinds()).not.toContain("rendition");
  });

  test("where its entry cannot be written, and no file of it stays", async () => {
    const { ledger } = hub.hub.services;
    const upload = await begin();
    for (const { file, bytes } of sealed) await send(upload, file.segment, bytes);
    const append = ledger.append.bind(ledger);
    ledger.append = () => {
      throw new Error("no ledger");
    };
    const closed = await hub.call("POST", `${base()}/${upload}/close`, { as: hub.owner });
    ledger.append = append;
    expect(closed.statusCode).toBe(500);
    expect(blurredNames(hub, clip)).toEqual([]);
    expect((await clipDetail(hub, clip)).renditions).toEqual(["original"]);
  });

  test("a second time", async () => {
    await using other = await startTestHub({ clips: 1 });
    const made = await addBlurred(other, firstClip(other));
    const answer = await other.call("POST", `/api/clips/${firstClip(other)}/renditions`, {
      as: other.owner,
      body: { files: made.map(({ file }) => file) },
    });
    expect(answer.statusCode).toBe(409);
    expect(answer.json()).toMatchObject({ code: "RENDITION_KNOWN" });
  });
});
