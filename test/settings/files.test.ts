import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { SettingsError } from "../../src/settings/file.ts";
import { readSettings, SETTINGS_FILE } from "../../src/settings/settings.ts";

const root = mkdtempSync(path.join(os.tmpdir(), "doorward-settings-files-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

function newFolder(): string {
  const folder = path.join(root, String(folders++));
  mkdirSync(folder);
  return folder;
}

describe("what is no settings file is refused", () => {
  test("a file that was named and is not there, which is not made up for", async () => {
    const folder = newFolder();
    const file = path.join(folder, "mine.yaml");
    await expect(readSettings(folder, file, {})).rejects.toThrow(
      `Cannot read settings: there is no file ${file}`,
    );
    expect(() => statSync(path.join(folder, SETTINGS_FILE))).toThrow("ENOENT");
  });

  test.each([
    ["bytes that are no text", Buffer.from([0x6e, 0xff, 0xfe, 0x0a])],
    ["a file that is far too large", Buffer.alloc(300 * 1024, "#")],
    ["aliases that would blow it up", Buffer.from(bomb())],
  ])("%s", async (_, content) => {
    const folder = newFolder();
    writeFileSync(path.join(folder, SETTINGS_FILE), content);
    const startedMs = performance.now();
    await expect(readSettings(folder, null, {})).rejects.toMatchObject({
      message: expect.stringContaining(SETTINGS_FILE),
      code: "WRONG_SETTINGS",
    });
    expect(performance.now() - startedMs).toBeLessThan(2_000);
  });

  test("a folder where the file should be", async () => {
    const folder = newFolder();
    mkdirSync(path.join(folder, SETTINGS_FILE));
    await expect(readSettings(folder, null, {})).rejects.toThrow(SettingsError);
  });
});

/** Nine lists of nine of the list before: a billion entries in 300 bytes. */
function bomb(): string {
  const names = "abcdefghi".split("");
  return names
    .map((name, index) => {
      const before = names[index - 1];
      const item = before === undefined ? "x" : `*${before}`;
      return `${name}: &${name} [${Array.from({ length: 9 }, () => item).join(", ")}]`;
    })
    .join("\n");
}
