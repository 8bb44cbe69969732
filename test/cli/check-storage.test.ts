import { chmodSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { checkKeyring } from "../../src/cli/check-keyring.ts";
import { checkStorage } from "../../src/cli/check-storage.ts";
import { sealBytes } from "../../src/clips/sealed-file.ts";
import type { ClipId } from "../../src/protocol/ids.ts";
import { only, openStore, reader, recordInto, type Opened } from "../clips/test-store.ts";
import { recoverOrphans } from "../clips/recover-orphans.ts";

describe("the storage check", () => {
  async function failing(opened: Opened): Promise<string[]> {
    const checks = await checkStorage(opened.dataDirectory, opened.database);
    return checks.filter(({ holds }) => !holds).map(({ invariant }) => invariant);
  }

  test("holds on a store with closed and torn clips, and says what it looked at", async () => {
    await using opened = openStore();
    await recordInto(opened, 9);
    await recordInto(opened, 3, ["file-closed", "clip-closed"]);
    await recoverOrphans(opened.store);
    const checks = await checkStorage(opened.dataDirectory, opened.database);
    expect(checks.filter(({ holds }) => !holds)).toEqual([]);
    expect(checks.length).toBeGreaterThanOrEqual(10);
    for (const { detail } of checks) expect(detail).not.toBe("");
  });

  test("quick reads no recording: a changed byte is found by a full look, a cut file by both", async () => {
    await using opened = openStore();
    await recordInto(opened, 9);
    const options = { kind: null, isQuick: true } as const;
    const quick = async () =>
      (await checkStorage(opened.dataDirectory, opened.database, options)).filter(
        ({ holds }) => !holds,
      );
    expect(await quick()).toEqual([]);
    const [month = ""] = readdirSync(opened.clipsDirectory);
    const [clip = ""] = readdirSync(path.join(opened.clipsDirectory, month));
    const folder = path.join(opened.clipsDirectory, month, clip);
    const file = path.join(folder, readdirSync(folder)[0] ?? "");
    const bytes = readFileSync(file);
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    writeFileSync(file, bytes);
    expect(await quick()).toEqual([]);
    expect(await failing(opened)).toEqual(["files-intact"]);
    writeFileSync(file, bytes.subarray(0, -1));
    expect((await quick()).map(({ invariant }) => invariant)).toEqual(["files-present"]);
  });

  test("finds a file that is sealed for another kind of reader, and a clip of no keyring", async () => {
    await using opened = openStore();
    const clip = await recordInto(opened, 9);
    const kinds = await Promise.all(
      (["pq", "x25519"] as const).map(async (kind) =>
        (await checkStorage(opened.dataDirectory, opened.database, { kind }))
          .filter(({ holds }) => !holds)
          .map(({ invariant }) => invariant),
      ),
    );
    expect(kinds.toSorted((left, right) => left.length - right.length)).toEqual([
      ...[[], ["headers-one-kind"]],
    ]);
    expect(clip).toBeDefined();
    const { checks } = checkKeyring(opened.database);
    expect(checks.find(({ invariant }) => invariant === "sealed-for-the-keyring")).toMatchObject({
      holds: false,
    });
  });

  const damages: [string, (opened: Opened, file: string, clip: ClipId) => void | Promise<void>][] =
    [
      ["files-private", (_, file) => chmodSync(file, 0o640)],
      ["folders-private", (_, file) => chmodSync(path.dirname(file), 0o755)],
      ["files-present", (_, file) => rmSync(file)],
      [
        "files-intact",
        (_, file) => {
          const bytes = readFileSync(file);
          bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
          writeFileSync(file, bytes);
        },
      ],
      [
        "headers-plain-age",
        (_, file) => {
          const bytes = readFileSync(file);
          bytes[0] = 0x41;
          writeFileSync(file, bytes);
        },
      ],
      ["nothing-unaccounted", (_, file) => writeFileSync(`${file}.partial`, "x", { mode: 0o600 })],
      ["names-known", (_, file) => writeFileSync(`${file}.bak`, "x", { mode: 0o600 })],
      [
        "no-plaintext",
        (opened) =>
          writeFileSync(
            path.join(opened.clipsDirectory, "2026-11", "dump"),
            Buffer.concat([
              Buffer.from([0, 0, 0, 24]),
              Buffer.from("ftypiso5\0\0\0\0iso5iso6mp41"),
            ]),
            { mode: 0o600 },
          ),
      ],
      [
        "rows-in-ledger",
        (opened, _, clip) => {
          opened.database
            .prepare("UPDATE clip_files SET payload_sha256 = ? WHERE clip = ?")
            .run("0".repeat(64), clip);
        },
      ],
      [
        "headers-one-kind",
        (_, file) => {
          const one = sealBytes(Buffer.from("frame-0;"), [reader.recipient]);
          writeFileSync(file, one);
        },
      ],
      [
        "journal-wal",
        (opened) => {
          opened.database.pragma("journal_mode = DELETE");
        },
      ],
    ];
  test.each(damages)("finds what breaks %s", async (invariant, damage) => {
    await using opened = openStore();
    const clip = only(await recordInto(opened, 3));
    const [file] = opened.store.files(clip);
    if (file === undefined) throw new Error("no file");
    expect(await failing(opened)).toEqual([]);
    await damage(opened, opened.store.pathOf(clip, file), clip);
    expect(await failing(opened)).toContain(invariant);
  });

  test("finds a clip folder that was moved away", async () => {
    await using opened = openStore();
    await recordInto(opened, 1);
    const [month = ""] = readdirSync(opened.clipsDirectory);
    renameSync(path.join(opened.clipsDirectory, month), path.join(opened.dataDirectory, "gone"));
    expect(await failing(opened)).toContain("files-present");
  });
});
