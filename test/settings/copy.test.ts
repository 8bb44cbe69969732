import { writeFile, mkdir } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { hostOf, openCopyPlace } from "../../src/settings/copy.ts";
import { SettingsError } from "../../src/settings/file.ts";
import { readSettingsFrom, type Settings } from "../../src/settings/settings.ts";
import { temporaryFolder } from "../support/temporary.ts";

const read = (text: string): Settings =>
  readSettingsFrom({
    ...{ file: "doorward.yaml", text, secrets: new Map(), environment: {}, facesUnsaid: "keep" },
  });
const copyOf = (text: string): Settings["copy"] => read(`name: x\ncopy: ${text}\n`).copy;
const S3 = "to: s3://house/door, endpoint: https://s3.example.org";

test("a copy goes to a folder, a WebDAV folder or a bucket, at a rate that spares the line", () => {
  expect(copyOf("{ to: /mnt/usb/../usb/door }")).toEqual({
    at: { kind: "folder", folder: "/mnt/usb/door" },
    ...{ bytesPerSecond: null, everyMs: 900_000, deletions: "follow" },
  });
  expect(copyOf("{ to: https://dav.example.org/door/, rate: 50kB, every: 6h }")).toEqual({
    at: { kind: "webdav", url: "https://dav.example.org/door/" },
    ...{ bytesPerSecond: 50_000, everyMs: 6 * 3_600_000, deletions: "follow" },
  });
  expect(copyOf(`{ ${S3}, region: eu-west-3, deletions: keep }`)).toEqual({
    at: {
      ...{ kind: "s3", endpoint: "https://s3.example.org", region: "eu-west-3" },
      ...{ bucket: "house", prefix: "door/" },
    },
    ...{ bytesPerSecond: 1_000_000, everyMs: 900_000, deletions: "keep" },
  });
  expect(read("name: x\n").copy).toBeUndefined();
});

test.each([
  ["{ to: usb/door }", "to", "expected a folder as /mnt/usb/doorward"],
  ["{ to: ftp://example.org/door }", "to", "expected a folder as /mnt/usb/doorward"],
  ["{ to: https://u:p@dav.example.org/door }", "to", ""],
  ["{ to: http://dav.example.org/door }", "to", ""],
  ["{ to: s3://house/door }", "to", "expected endpoint beside it"],
  ["{ to: s3://House, endpoint: https://s3.example.org }", "to", "expected a folder as"],
  ["{ to: s3://house/../x, endpoint: https://s3.example.org }", "to", "expected a folder as"],
  ["{ to: s3://house, endpoint: https://a:b@s3.example.org }", "endpoint", ""],
  ["{ to: /mnt/usb, endpoint: https://s3.example.org }", "to", "expected s3://bucket/prefix"],
  ["{ to: /mnt/usb, rate: 2 }", "rate", "expected a size a second as 2MB"],
  ["{ to: /mnt/usb, rate: 5kB }", "rate", "at least 10kB"],
  ["{ to: /mnt/usb, every: 0m }", "every", "expected a time as 15m or 6h"],
  ["{ to: /mnt/usb, deletions: never }", "deletions", "expected follow or keep"],
  ["{ to: /mnt/usb, password: secret }", "", "password"],
])("copy: %s is refused, with file, line and what was expected", (text, field, why) => {
  let message = "accepted";
  try {
    copyOf(text);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    ({ message } = error);
  }
  expect(message).toContain("doorward.yaml");
  expect(message).toContain(field === "" ? "2: copy" : `2: copy.${field}: `);
  expect(message).toContain(why);
  expect(message).not.toMatch(/u:p@|a:b@|secret/);
});

test("the host that is reached is known, with its port", () => {
  const host = (text: string) => {
    const copy = copyOf(text);
    return copy ? hostOf(copy.at) : "none";
  };
  expect(host("{ to: /mnt/usb }")).toBeNull();
  expect(host("{ to: https://dav.example.org/door }")).toBe("dav.example.org:443");
  expect(host(`{ ${S3} }`)).toBe("s3.example.org:443");
});

test("a store without its keys, and secrets/copy.yaml that is none, say what to do", async () => {
  await using folder = temporaryFolder();
  const at = copyOf(`{ ${S3} }`)?.at;
  if (!at) throw new Error("no place");
  await expect(openCopyPlace(at, folder.path, {})).rejects.toMatchObject({
    code: "PLACE_REFUSED",
    message: expect.stringContaining("secrets/copy.yaml") as string,
  });
  await mkdir(path.join(folder.path, "secrets"));
  const file = path.join(folder.path, "secrets/copy.yaml");
  await writeFile(file, "accessKeyId: one\nsecret: two\n", { mode: 0o600 });
  await expect(openCopyPlace(at, folder.path, {})).rejects.toThrow(/copy\.yaml.*secret/s);
  await writeFile(file, "accessKeyId: one\nsecretAccessKey: two\n", { mode: 0o600 });
  await using place = await openCopyPlace(at, folder.path, {});
  expect(place.address).toBe("s3://house/door/ (s3.example.org)");
});
