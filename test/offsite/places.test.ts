import { createHash, randomBytes } from "node:crypto";
import { chmod, chown, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openFolderPlace } from "../../src/offsite/place-folder.ts";
import { openS3Place } from "../../src/offsite/place-s3.ts";
import { openWebDavPlace } from "../../src/offsite/place-webdav.ts";
import { readAll, type Place, type PlaceContent } from "../../src/offsite/place.ts";
import {
  DAV_LOGIN,
  runFolder,
  runS3,
  runWebDav,
  S3_LOGIN,
  type RunningPlace,
} from "../support/copy-places.ts";
import { missingCommands } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temporary.ts";

const signal = new AbortController().signal;
/** Debian's user for what belongs to nobody. */
const NOBODY = 65_534;
const NAME = "clips/2026-11/0123456789abcdef0123456789abcdef/000.video.original.age";

function contentOf(bytes: Uint8Array, partBytes = 65_536): PlaceContent {
  return {
    sizeBytes: bytes.length,
    sha256: createHash("sha256").update(bytes).digest("hex"),
    open: async function* () {
      for (let at = 0; at < bytes.length; at += partBytes) yield bytes.subarray(at, at + partBytes);
    },
  };
}

async function listed(place: Place, prefix = ""): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for await (const { name, sizeBytes } of place.list(prefix, signal)) found[name] = sizeBytes;
  return found;
}

async function ranged(place: Place, name: string, from: number, sizeBytes: number) {
  const parts: Uint8Array[] = [];
  for await (const part of place.read(name, signal, { from, sizeBytes })) parts.push(part);
  return Buffer.concat(parts);
}

const KINDS = {
  folder: { run: runFolder, needs: [] as string[] },
  webdav: { run: runWebDav, needs: ["rclone"] },
  s3: { run: runS3, needs: [] as string[] },
};

describe.for(Object.keys(KINDS) as (keyof typeof KINDS)[])("a place of kind %s", (kind) => {
  const { run, needs } = KINDS[kind];
  const missing = missingCommands(...needs);
  let folder: ReturnType<typeof temporaryFolder>;
  let running: RunningPlace;
  let place: Place;
  beforeAll(async () => {
    if (missing) return;
    folder = temporaryFolder();
    running = await run(folder.path);
    place = running.open();
  });
  afterAll(async () => {
    await place?.[Symbol.asyncDispose]();
    await running?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  test.skipIf(missing)(
    "keeps what is put, byte for byte, says its size, and gives ranges of it",
    async () => {
      const bytes = randomBytes(300_000);
      expect(await place.look(NAME, signal)).toBeNull();
      expect(await place.put(NAME, contentOf(bytes), signal)).toBe("put");
      expect(await place.look(NAME, signal)).toMatchObject({ sizeBytes: 300_000 });
      expect(Buffer.from(await readAll(place, NAME, 300_000, signal)).equals(bytes)).toBe(true);
      expect((await ranged(place, NAME, 7, 100_000)).equals(bytes.subarray(7, 100_007))).toBe(true);
      expect((await ranged(place, NAME, 299_999, 1)).equals(bytes.subarray(299_999))).toBe(true);
      await expect(readAll(place, NAME, 299_999, signal)).rejects.toMatchObject({
        code: "PLACE_LIES",
      });
    },
  );

  test.skipIf(missing)("overwrites nothing, and knows what it has", async () => {
    const name = "documents/0123456789abcdef0123456789abcdef.age";
    const [bytes, other] = [randomBytes(200_000), randomBytes(200_000)];
    await place.put(name, contentOf(bytes), signal);
    expect(await place.put(name, contentOf(bytes), signal)).toBe("known");
    for (const else_ of [other, other.subarray(1)])
      await expect(place.put(name, contentOf(else_), signal)).rejects.toMatchObject({
        code: "PLACE_TAKEN",
      });
    expect(Buffer.from(await readAll(place, name, 200_000, signal)).equals(bytes)).toBe(true);
  });

  test.skipIf(missing)("lists what is below a prefix, and nothing else", async () => {
    await place.put("ledger/one.age", contentOf(randomBytes(5)), signal);
    await place.put("state/00000001.aaaaaaaa/0000.part", contentOf(randomBytes(6)), signal);
    expect(await listed(place, "state/")).toEqual({ "state/00000001.aaaaaaaa/0000.part": 6 });
    expect(await listed(place)).toMatchObject({ "ledger/one.age": 5, [NAME]: 300_000 });
    expect(Object.keys(await listed(place)).filter((name) => name.includes("tmp"))).toEqual([]);
    expect(await listed(place, "nothing/")).toEqual({});
  });

  test.skipIf(missing)("removes, also what is not there", async () => {
    await place.put("ledger/two.age", contentOf(randomBytes(5)), signal);
    expect(await place.remove("ledger/two.age", signal)).toBe(true);
    expect(await place.remove("ledger/two.age", signal)).toBe(true);
    expect(await place.look("ledger/two.age", signal)).toBeNull();
  });

  test.skipIf(missing)("takes again what broke off while it was put", async () => {
    const bytes = randomBytes(400_000);
    const whole = contentOf(bytes);
    const breaking: PlaceContent = {
      ...whole,
      open: async function* () {
        yield bytes.subarray(0, 100_000);
        throw new Error("the disk was pulled");
      },
    };
    const name = "ledger/three.age";
    await expect(place.put(name, breaking, signal)).rejects.toThrow("pulled");
    const cut: PlaceContent = { ...whole, open: () => contentOf(bytes.subarray(0, -9)).open() };
    await expect(place.put(name, cut, signal)).rejects.toMatchObject({ code: "FILE_CHANGED" });
    // One of the stores keeps what came; it is known as the beginning of this, and goes.
    expect(await place.put(name, whole, signal)).toBe("put");
    expect(Buffer.from(await readAll(place, name, 400_000, signal)).equals(bytes)).toBe(true);
  });

  test.skipIf(missing)("goes nowhere by a name that leads out", async () => {
    for (const name of ["../out", "/etc/passwd", "a/../../b", "a//b", ".hidden", "a b", "ü"])
      await expect(place.put(name, contentOf(randomBytes(1)), signal), name).rejects.toThrow(
        /Cannot use/,
      );
  });

  test.skipIf(missing)("says that there is no such object", async () => {
    await expect(readAll(place, "ledger/none.age", 9, signal)).rejects.toMatchObject({
      code: "PLACE_OBJECT_MISSING",
    });
  });
});

describe("logins", () => {
  test.skipIf(missingCommands("rclone"))("a wrong password is refused", async () => {
    await using folder = temporaryFolder();
    await using running = await runWebDav(folder.path);
    await using place = openWebDavPlace(running.url, { ...DAV_LOGIN, password: "wrong" });
    await expect(place.put(NAME, contentOf(randomBytes(9)), signal)).rejects.toMatchObject({
      code: "PLACE_REFUSED",
      message: expect.not.stringContaining("wrong") as string,
    });
  });

  test("a signature by another key is refused, and says so by the store's own word", async () => {
    await using folder = temporaryFolder();
    await using running = await runS3(folder.path);
    const at = { endpoint: running.endpoint, region: "us-east-1", bucket: "house", prefix: "" };
    for (const login of [
      { ...S3_LOGIN, secretAccessKey: "another" },
      { ...S3_LOGIN, accessKeyId: "nobody" },
    ]) {
      await using place = openS3Place(at, login);
      await expect(listed(place)).rejects.toMatchObject({
        code: "PLACE_REFUSED",
        message: expect.stringMatching(/SignatureDoesNotMatch|InvalidAccessKeyId/) as string,
      });
      await expect(place.put(NAME, contentOf(randomBytes(9)), signal)).rejects.toMatchObject({
        code: "PLACE_REFUSED",
      });
    }
    await using nowhere = openS3Place({ ...at, bucket: "other" }, S3_LOGIN);
    await expect(listed(nowhere)).rejects.toMatchObject({ code: "PLACE_MISSING" });
  });
});

describe("a folder on a disk that somebody else has had", () => {
  test("that is not there is not made: the disk may not be connected", async () => {
    await using above = temporaryFolder();
    const directory = path.join(above.path, "usb");
    const place = openFolderPlace(directory);
    await expect(place.put(NAME, contentOf(randomBytes(9)), signal)).rejects.toMatchObject({
      code: "PLACE_MISSING",
    });
    await writeFile(directory, "a file");
    await expect(listed(place)).rejects.toMatchObject({ code: "PLACE_MISSING" });
  });

  test("links in it lead nowhere: nothing is written, read or removed through one", async () => {
    await using above = temporaryFolder();
    const directory = path.join(above.path, "usb");
    const outside = path.join(above.path, "outside");
    await mkdir(directory);
    await mkdir(outside);
    await writeFile(path.join(outside, "two.age"), "not theirs");
    await symlink(outside, path.join(directory, "ledger"));
    await mkdir(path.join(directory, "state"));
    await symlink(path.join(outside, "two.age"), path.join(directory, "state/one"));
    const place = openFolderPlace(directory);
    await expect(
      place.put("ledger/x.age", contentOf(randomBytes(9)), signal),
    ).rejects.toMatchObject({ code: "PLACE_LIES" });
    await expect(place.remove("ledger/two.age", signal)).rejects.toMatchObject({
      code: "PLACE_LIES",
    });
    await expect(readAll(place, "state/one", 99, signal)).rejects.toThrow();
    await expect(place.put("state/one", contentOf(randomBytes(9)), signal)).rejects.toMatchObject({
      code: "PLACE_TAKEN",
    });
    expect(await listed(place)).toEqual({});
    expect(await readdir(outside)).toEqual(["two.age"]);
    expect(await readFile(path.join(outside, "two.age"), "utf8")).toBe("not theirs");
  });

  test("that may not be written in says so", async () => {
    await using folder = temporaryFolder();
    const directory = folder.path;
    await chmod(directory, 0o500);
    const place = openFolderPlace(directory);
    // Root may write anywhere, so that it has to be somebody else for as long as that.
    const isRoot = process.getuid?.() === 0;
    if (isRoot) await chown(directory, NOBODY, NOBODY);
    if (isRoot) process.seteuid?.(NOBODY);
    try {
      await expect(place.put(NAME, contentOf(randomBytes(9)), signal)).rejects.toMatchObject({
        code: "PLACE_REFUSED",
      });
    } finally {
      if (isRoot) process.seteuid?.(0);
      await chmod(directory, 0o700);
    }
  });
});
