import { chmodSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { checkStorage } from "../../src/cli/check-storage.ts";
import { sealBytes } from "../../src/clips/sealed-file.ts";
import type { ClipId } from "../../src/protocol/ids.ts";
import { only, openStore, reader, recordInto, type Opened } from "../clips/test-store.ts";

describe("the storage check", () => {
  async function failing(opened: Opened): Promise<string[]> {
    const checks = await checkStorage(opened.dataDirectory, opened.database);
    return checks.filter(({ holds }) => !holds).map(({ invariant }) => invariant);
  }

  test("holds on a store with closed and torn clips, and says what it looked at", async () => {
    await using opened = openStore();
    await recordInto(opened, 9);
    await recordInto(opened, 3, ["file-closed", "clip-closed"]);
    await opened.store.recoverOrphans();
    const checks = await checkStorage(opened.dataDirectory, opened.database);
    expect(checks.filter(({ holds }) => !holds)).toEqual([]);
    expect(checks.length).toBeGreaterThanOrEqual(10);
    for (const { detail } of checks) expect(detail).not.toBe("");
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
