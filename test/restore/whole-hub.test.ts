import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { check } from "../../src/cli/check.ts";
import { ownerWitness } from "../../src/cli/owner-witness.ts";
import { ownerRestored } from "../../src/cli/owner-restored.ts";
import { openSealedFile } from "../../src/owner/open-clip.ts";
import { recoverySheet } from "../../src/owner/recovery.ts";
import { utf8Bytes } from "../../src/protocol/bytes.ts";
import type { CopySettings } from "../../src/settings/copy.ts";
import { inProcess } from "../support/cli-in-process.ts";
import { cliOwner, pointTo } from "../support/cli-owner.ts";
import { DAV_LOGIN, runWebDav } from "../support/copy-places.ts";
import { runCli } from "../support/live-hub.ts";
import { missingCommands } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { startTestHub, type TestHub } from "../support/test-hub.ts";

interface Printed {
  readonly files: number;
  readonly state: { readonly sequence: number; readonly writer: string };
  readonly ledger: { readonly entries: number; readonly added: number };
}

/** For the hub that copies and for who restores: the same names. */
const LOGIN = {
  DOORWARD_COPY_USER: DAV_LOGIN.user ?? "",
  DOORWARD_COPY_PASSWORD: DAV_LOGIN.password ?? "",
};

function clipBytes(directory: string): Map<string, string> {
  const clips = path.join(directory, "clips");
  return new Map(
    readdirSync(clips, { recursive: true, encoding: "utf8", withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .map((file) => [path.relative(clips, file), readFileSync(file).toString("base64")]),
  );
}

async function copied({ hub }: TestHub): Promise<void> {
  await hub.services.copy.now();
  expect(hub.services.copy.state()).toMatchObject({ trouble: null, behind: { files: 0 } });
}

test.skipIf(missingCommands("rclone"))(
  "a hub that burnt goes on from its copy and the recovery sheet, and an owner says that he knows",
  async () => {
    await using folder = temporaryFolder();
    await using server = await runWebDav(path.join(folder.path, "server"));
    const [old, fresh, second] = ["old", "fresh", "second"].map((name) =>
      path.join(folder.path, name),
    );
    if (old === undefined || fresh === undefined || second === undefined) throw new Error();
    const copy: CopySettings = {
      at: { kind: "webdav", url: server.url },
      ...{ bytesPerSecond: null, everyMs: 3_600_000, deletions: "follow" },
    };
    const options = {
      ...{ nowMs: "system" as const, settings: { copy }, environment: LOGIN },
    };
    const before = await startTestHub({ ...options, dataDirectory: old, clips: 2 });
    const { bundle } = before.owner;
    if (!before.recovery) throw new Error("no sheet");
    const sheet = path.join(folder.path, "sheet.txt");
    writeFileSync(sheet, utf8Bytes(recoverySheet(before.recovery, "x25519")), { mode: 0o600 });
    const phone = cliOwner(folder.path, bundle, before.hub.url);
    const adult = await before.admit("adult");
    mkdirSync(second);
    const other = cliOwner(second, adult.bundle, before.hub.url);
    const witness = async (keys: string, ...more: string[]) =>
      inProcess(ownerWitness, "--keys", keys, ...more);
    const restored = async (keys: string, ...more: string[]) =>
      inProcess(ownerRestored, "--keys", keys, ...more);
    expect((await witness(phone.keys)).code).toBe(0);
    await copied(before);
    await before.record();
    await copied(before);
    const copiedEntries = before.hub.services.ledger.size();
    const files = clipBytes(old);
    // Seen by both devices, and in no copy.
    const lost = await before.record();
    for (const { keys } of [phone, other]) expect((await witness(keys)).code).toBe(0);
    const seen = before.hub.services.ledger.size();
    await before[Symbol.asyncDispose]();
    rmSync(old, { recursive: true });

    const from = ["restore", "--from", server.url, "--sheet", sheet, "--json"];
    const withoutLogin = await runCli([...from, "--drill"], folder.path);
    expect([withoutLogin.code, withoutLogin.stdout]).toEqual([1, ""]);
    const drill = await runCli([...from, "--drill"], folder.path, LOGIN);
    expect([drill.code, drill.stderr]).toEqual([0, ""]);
    const proven = JSON.parse(drill.stdout) as Printed;
    expect(proven).toMatchObject({
      ...{ clips: 3, files: files.size, missingFiles: 0, ledger: { entries: copiedEntries } },
    });
    expect(proven.ledger.added).toBeGreaterThan(0);
    expect(readdirSync(folder.path)).not.toContain("fresh");

    const done = await runCli([...from, "--data", fresh, "--yes"], folder.path, LOGIN);
    expect([done.code, done.stderr]).toEqual([0, ""]);
    expect(clipBytes(fresh)).toEqual(files);
    for (const entry of readdirSync(fresh, { recursive: true, withFileTypes: true })) {
      const { mode } = statSync(path.join(entry.parentPath, entry.name));
      expect(mode & 0o777, entry.name).toBe(entry.isDirectory() ? 0o700 : 0o600);
    }
    expect((await inProcess(check, "--data", fresh)).stdout).toContain(
      "Every storage invariant holds.",
    );

    await using after = await startTestHub({ ...options, dataDirectory: fresh, owner: bundle });
    const { ledger } = after.hub.services;
    expect(ledger.origin).toBe(bundle.origin);
    expect(ledger.entry(copiedEntries)?.entry).toMatchObject({ kind: "restored", by: null });
    for (const { keys } of [phone, other]) pointTo(keys, after.hub.url);

    const met = await witness(phone.keys);
    expect([met.code, met.stderr]).toEqual([1, expect.stringContaining("restored from a copy")]);
    const looked = await restored(phone.keys, "--json");
    expect(looked.code).toBe(1);
    expect(JSON.parse(looked.stdout)).toMatchObject({
      ...{ waits: true, answer: "sign", by: null, isInForce: true, isOlderThanContact: false },
      ...{ index: copiedEntries, seenSize: seen, gone: seen - copiedEntries, acceptance: null },
      lostRecordings: [lost],
    });
    // Who cannot sign waits for an owner.
    const early = await restored(other.keys, "--accept", "--yes");
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
    const alarmed = await witness(phone.keys);
    expect([alarmed.code, alarmed.stdout + alarmed.stderr]).toEqual([
      1,
      expect.stringContaining("ALARM: The hub was set up anew from a copy"),
    ]);
    expect((await witness(phone.keys, "--acknowledge")).code).toBe(0);
    expect((await witness(phone.keys)).code).toBe(0);

    expect(JSON.parse((await restored(other.keys, "--json")).stdout)).toMatchObject({
      answer: "go_on",
      acceptance: { device: after.owner.key.device, seenSize: seen },
    });
    expect((await witness(other.keys)).code).toBe(1);
    expect((await restored(other.keys, "--accept", "--yes")).code).toBe(0);
    expect((await restored(other.keys)).code).toBe(0);

    const identity = bundle.readers.originals ?? "";
    for (const clip of after.hub.services.clips.list().clips.map(({ id }) => id))
      for (const file of after.hub.services.clips.files(clip)) {
        const sealed = readFileSync(after.hub.services.clips.pathOf(clip, file));
        expect(await openSealedFile(sealed, [identity], file.payloadSha256)).toBeDefined();
      }

    // It copies on to the same place, under a name of its own, and that is the one to take next time.
    await after.record();
    await copied(after);
    const next = await runCli([...from, "--drill"], folder.path, LOGIN);
    expect([next.code, next.stderr]).toEqual([
      0,
      expect.stringContaining("2 installations have written to this copy"),
    ]);
    const { state, ...found } = JSON.parse(next.stdout) as Printed;
    expect(found).toMatchObject({ clips: 4, missingFiles: 0, ledger: { entries: ledger.size() } });
    expect(state.writer).not.toBe(proven.state.writer);
    expect(state.sequence).toBeGreaterThan(proven.state.sequence);
  },
  240_000,
);
