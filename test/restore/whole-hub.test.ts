import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { openSealedFile } from "../../src/owner/open-clip.ts";
import { recoverySheet } from "../../src/owner/recovery.ts";
import { cliOwner, pointTo } from "../support/cli-owner.ts";
import { runCli, type CommandResult } from "../support/live-hub.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { startTestHub, type TestHub } from "../support/test-hub.ts";
import { HandCopy, sheetFile } from "./hand-copy.ts";

interface Printed {
  readonly clips: number;
  readonly files: number;
  readonly missingFiles: number;
  readonly missing: readonly string[];
  readonly ledger: { readonly entries: number; readonly added: number };
  readonly goneEntries: number;
}

function clipBytes(directory: string): Map<string, string> {
  const clips = path.join(directory, "clips");
  return new Map(
    readdirSync(clips, { recursive: true, encoding: "utf8", withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .map((file) => [path.relative(clips, file), readFileSync(file).toString("base64")]),
  );
}

function restoring(args: string[], cwd: string): Promise<CommandResult> {
  return runCli(["restore", ...args], cwd);
}

test("a hub that burnt goes on from its copy and the recovery sheet, and an owner says that he knows", async () => {
  await using folder = temporaryFolder();
  const [old, fresh] = ["old", "fresh"].map((name) => path.join(folder.path, name));
  if (old === undefined || fresh === undefined) throw new Error("no folders");
  const copy = new HandCopy(path.join(folder.path, "copy"));
  const before: TestHub = await startTestHub({ dataDirectory: old, nowMs: "system", clips: 2 });
  const { bundle } = before.owner;
  if (!before.recovery) throw new Error("no sheet");
  const sheet = sheetFile(folder.path, recoverySheet(before.recovery, "x25519"));
  const phone = cliOwner(folder.path, bundle, before.hub.url);
  const adult = await before.admit("adult");
  mkdirSync(path.join(folder.path, "adult"));
  const second = cliOwner(path.join(folder.path, "adult"), adult.bundle, before.hub.url);
  expect((await phone.owner("witness")).code).toBe(0);
  await copy.state(before);
  await before.record();
  copy.batch(before);
  const copiedEntries = before.hub.services.ledger.size();
  const files = clipBytes(old);
  // Seen by both devices, and in no copy.
  const lost = await before.record();
  expect((await phone.owner("witness")).code).toBe(0);
  expect((await second.owner("witness")).code).toBe(0);
  const seen = before.hub.services.ledger.size();
  await before[Symbol.asyncDispose]();
  rmSync(old, { recursive: true });

  const from = ["--from", copy.folder, "--sheet", sheet, "--json"];
  const drill = await restoring([...from, "--drill"], folder.path);
  expect([drill.code, drill.stderr]).toEqual([0, ""]);
  const proven = JSON.parse(drill.stdout) as Printed;
  expect(proven).toMatchObject({ clips: 3, files: files.size, missingFiles: 0 });
  expect(proven.ledger).toMatchObject({
    entries: copiedEntries,
    added: copiedEntries - proven.ledger.entries + proven.ledger.added,
  });
  expect(proven.ledger.added).toBeGreaterThan(0);
  expect(readdirSync(folder.path)).not.toContain("fresh");

  const restored = await restoring([...from, "--data", fresh], folder.path);
  expect([restored.code, restored.stderr]).toEqual([0, ""]);
  expect(clipBytes(fresh)).toEqual(files);
  for (const entry of readdirSync(fresh, { recursive: true, withFileTypes: true })) {
    const { mode } = statSync(path.join(entry.parentPath, entry.name));
    expect(mode & 0o777, entry.name).toBe(entry.isDirectory() ? 0o700 : 0o600);
  }
  expect((await runCli(["check", "--data", fresh], folder.path)).stdout).toContain(
    "Every storage invariant holds.",
  );
  // Not twice, and not over it.
  const again = await restoring([...from, "--data", fresh], folder.path);
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("it is not empty")]);

  await using after = await startTestHub({ dataDirectory: fresh, nowMs: "system", owner: bundle });
  const { ledger } = after.hub.services;
  expect(ledger.origin).toBe(bundle.origin);
  expect(ledger.entry(copiedEntries)?.entry).toMatchObject({ kind: "restored", by: null });
  for (const keys of [phone.keys, second.keys]) pointTo(keys, after.hub.url);

  const met = await phone.owner("witness");
  expect([met.code, met.stderr]).toEqual([1, expect.stringContaining("restored from a copy")]);
  expect(met.stderr).toContain("doorward owner restored");
  const looked = await phone.owner("restored", "--json");
  expect(looked.code).toBe(1);
  expect(JSON.parse(looked.stdout)).toMatchObject({
    ...{ waits: true, answer: "sign", by: null, isInForce: true, isOlderThanContact: false },
    ...{ index: copiedEntries, seenSize: seen, gone: seen - copiedEntries, acceptance: null },
    lostRecordings: [lost],
  });
  // Who cannot sign waits for an owner.
  const early = await second.owner("restored", "--accept", "--yes");
  expect([early.code, early.stderr]).toEqual([
    1,
    expect.stringContaining("an owner has to accept"),
  ]);

  const accepted = await phone.owner("restored", "--accept", "--yes");
  expect([accepted.code, accepted.stderr]).toEqual([
    0,
    expect.stringContaining("follows the restored"),
  ]);
  const evidence = readFileSync(accepted.stdout.trim(), "utf8");
  expect(evidence).toContain(`${bundle.origin}\n${seen}\n`);
  const alarmed = await phone.owner("witness");
  expect([alarmed.code, alarmed.stdout + alarmed.stderr]).toEqual([
    1,
    expect.stringContaining("ALARM: The hub was set up anew from a copy"),
  ]);
  expect((await phone.owner("witness", "--acknowledge")).code).toBe(0);
  expect((await phone.owner("witness")).code).toBe(0);

  const theirs = await second.owner("restored", "--json");
  expect(JSON.parse(theirs.stdout)).toMatchObject({
    answer: "go_on",
    acceptance: { device: after.owner.key.device, seenSize: seen },
  });
  expect((await second.owner("witness")).code).toBe(1);
  expect((await second.owner("restored", "--accept", "--yes")).code).toBe(0);
  expect((await second.owner("restored")).code).toBe(0);

  const identity = bundle.readers.originals ?? "";
  for (const clip of after.hub.services.clips.list().clips.map(({ id }) => id))
    for (const file of after.hub.services.clips.files(clip)) {
      const sealed = readFileSync(after.hub.services.clips.pathOf(clip, file));
      expect(await openSealedFile(sealed, [identity], file.payloadSha256)).toBeDefined();
    }
  await after.record();
  expect(ledger.size()).toBeGreaterThan(copiedEntries + 2);
}, 240_000);

describe("a restore", () => {
  async function copied(
    work: (parts: {
      hub: TestHub;
      copy: HandCopy;
      folder: string;
      keys: string;
      sheet: string;
    }) => Promise<void>,
  ): Promise<void> {
    await using folder = temporaryFolder();
    await using hub = await startTestHub({ nowMs: "system", clips: 1 });
    const copy = new HandCopy(path.join(folder.path, "copy"));
    const { keys } = cliOwner(folder.path, hub.owner.bundle, hub.hub.url);
    if (!hub.recovery) throw new Error("no sheet");
    const sheet = sheetFile(folder.path, recoverySheet(hub.recovery, "x25519"));
    await work({ hub, copy, folder: folder.path, keys, sheet });
  }

  test("with an owner's keys says what is missing or was changed, and goes on where it was stopped", async () => {
    await copied(async ({ hub, copy, folder, keys }) => {
      await copy.state(hub);
      const all = copy.names().filter((name) => name.endsWith(".video.original.age"));
      const [changed, gone] = all;
      if (changed === undefined || gone === undefined) throw new Error("no files");
      const bytes = readFileSync(path.join(copy.folder, changed));
      const altered = Buffer.from(bytes);
      altered[altered.length - 1] = (altered.at(-1) ?? 0) ^ 1;
      writeFileSync(path.join(copy.folder, changed), altered);
      const data = path.join(folder, "fresh");
      const run = (more: string[]) =>
        restoring(["--from", copy.folder, "--keys", keys, "--json", ...more], folder);
      const drill = await run(["--drill"]);
      expect(drill.code).toBe(1);
      expect(JSON.parse(drill.stdout)).toMatchObject({ missingFiles: 1, missing: [changed] });
      writeFileSync(path.join(copy.folder, changed), bytes);
      // As a stop leaves it: a mark, one file that is whole, one that is not, and what is no hub's.
      mkdirSync(path.join(data, path.dirname(changed)), { recursive: true });
      writeFileSync(path.join(data, changed), altered);
      writeFileSync(
        path.join(data, "restoring.json"),
        JSON.stringify({ v: 1, origin: hub.owner.bundle.origin, sequence: 1, writer: copy.writer }),
      );
      const started = await runCli(["hub", "--data", data, "--port", "0"], folder);
      expect([started.code, started.stderr + started.stdout]).toEqual([
        3,
        expect.stringContaining("is not finished"),
      ]);
      const restored = await run(["--data", data]);
      expect([restored.code, restored.stderr]).toEqual([0, ""]);
      expect(readFileSync(path.join(data, changed)).equals(bytes)).toBe(true);
      expect(readdirSync(data)).not.toContain("restoring.json");
    });
  }, 120_000);

  test("takes no state that the ledger's key has not signed, or that another sheet opens", async () => {
    await copied(async ({ hub, copy, folder, keys, sheet }) => {
      await copy.state(hub);
      await using other = await startTestHub({ nowMs: "system" });
      if (!other.recovery) throw new Error("no sheet");
      const drill = (args: string[]) =>
        restoring(["--from", copy.folder, "--drill", ...args], folder);
      const foreign = path.join(folder, "foreign");
      mkdirSync(foreign);
      const theirs = sheetFile(foreign, recoverySheet(other.recovery, "x25519"));
      const wrong = await drill(["--sheet", theirs]);
      expect([wrong.code, wrong.stderr]).toEqual([
        1,
        expect.stringContaining("do not open this state"),
      ]);
      expect((await drill(["--sheet", sheet])).code).toBe(0);
      expect((await drill(["--keys", keys])).code).toBe(0);
      const part = copy.names().find((name) => name.endsWith(".part")) ?? "";
      const bytes = readFileSync(path.join(copy.folder, part));
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
      writeFileSync(path.join(copy.folder, part), bytes);
      const damaged = await drill(["--sheet", sheet]);
      expect([damaged.code, damaged.stderr]).toEqual([
        1,
        expect.stringContaining("not what its index says"),
      ]);
    });
  }, 120_000);
});
