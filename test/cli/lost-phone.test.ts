import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clipIdentities, readDeviceBundle } from "../../src/owner/device-bundle.ts";
import { openSealedFile } from "../../src/owner/open-clip.ts";
import { startPairing } from "../../src/owner/pairing.ts";
import { recoverySheet } from "../../src/owner/recovery.ts";
import { roleOfDevice } from "../../src/protocol/keyring.ts";
import { signingKeyWords } from "../../src/protocol/words.ts";
import { keyringOf } from "../support/test-recovery.ts";
import { cliOwner, type CliOwner } from "../support/cli-owner.ts";
import { runCli, type CommandResult } from "../support/live-hub.ts";
import { proposeAdmission } from "../support/propose-admission.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { requireOk, startTestHub, type TestHub } from "../support/test-hub.ts";
import type { ClipId } from "../../src/protocol/ids.ts";

// The way of a household at the command line, one step after another.

const folder = temporaryFolder();
let hub: TestHub;
let first: CliOwner;
beforeAll(async () => {
  hub = await startTestHub({ clips: 1, nowMs: "system" });
  first = cliOwner(path.join(folder.path, "first"), hub.owner.bundle, hub.hub.url);
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

const keysOf = (name: string): string => path.join(folder.path, name, "keys");
const run = (name: string, ...args: string[]): Promise<CommandResult> =>
  runCli(["owner", ...args, "--keys", keysOf(name)], folder.path);

/** With what lies in the folder of a device, and nothing else. */
async function opens(name: string, clip: ClipId): Promise<boolean> {
  const stored = JSON.parse(
    readFileSync(path.join(keysOf(name), "device.json"), "utf8"),
  ) as unknown;
  const [file] = hub.hub.services.clips.files(clip);
  if (!file) throw new Error("an empty clip");
  const sealed = new Uint8Array(readFileSync(hub.hub.services.clips.pathOf(clip, file)));
  const identities = clipIdentities(readDeviceBundle(stored));
  return openSealedFile(sealed, identities, file.payloadSha256).then(
    () => true,
    () => false,
  );
}

const clipAt = (index: number): ClipId => {
  const clip = hub.clips[index];
  if (clip === undefined) throw new Error("no such clip");
  return clip;
};

/** A further device of the household, with its keys in a folder as pairing leaves them. */
async function device(name: string): Promise<void> {
  const { bundle } = await hub.admit("owner");
  cliOwner(path.join(folder.path, name), bundle, hub.hub.url);
}

test("a device is removed, and opens nothing that comes after; the others do", async () => {
  await device("phone");
  await device("tablet");
  const [phone, tablet] = (await hub.call("GET", "/api/devices", { as: hub.owner }))
    .json<{ device: string }[]>()
    .slice(1)
    .map((one) => one.device);
  // Both have the same name, so it says whom there is.
  const unclear = await first.owner("remove", "a device of role owner", "--yes");
  expect(unclear.code, unclear.stderr).toBe(2);
  for (const id of [phone, tablet]) expect(unclear.stderr).toContain(id?.slice(0, 16));
  const removed = await first.owner("remove", phone?.slice(0, 12) ?? "", "--yes");
  expect(removed.code, removed.stderr).toBe(0);
  expect(removed.stderr).toContain("owner rewrap");
  await hub.record();
  expect((await run("phone", "clips")).code).toBe(1);
  // The tablet fetches what was passed on to it at its next contact, whatever it asks.
  expect((await run("tablet", "clips")).code).toBe(0);
  expect([await opens("phone", clipAt(0)), await opens("phone", clipAt(1))]).toEqual([true, false]);
  for (const name of ["first", "tablet"])
    expect([await opens(name, clipAt(0)), await opens(name, clipAt(1))]).toEqual([true, true]);
}, 60_000);

test("a new sheet takes the old one's place, and brings a new phone in, unless an owner objects", async () => {
  if (!hub.recovery) throw new Error("no sheet");
  const old = path.join(folder.path, "old.txt");
  writeFileSync(old, recoverySheet(hub.recovery, "x25519"));
  const { file } = await first.json<{ file: string }>("sheet", "--new");
  const { person } = hub.owner.bundle;
  const at = ["--hub", hub.hub.url, "--yes", "--person", person.slice(0, 8)];
  const refused = await run("new", "recover", "--sheet", old, ...at);
  expect([refused.code, refused.stderr.includes("in force")], refused.stderr).toEqual([1, true]);
  expect(existsSync(keysOf("new"))).toBe(false);
  const announced = await run("new", "recover", "--sheet", file, ...at, "--label", "new phone");
  expect(announced.code, announced.stderr).toBe(0);
  expect(announced.stderr).toContain("any owner can object");
  const admitted = keyringOf(hub).pending?.admit;
  expect(roleOfDevice(keyringOf(hub), admitted?.id ?? hub.owner.key.device)).toBe("adult");
  await hub.record();
  expect([await opens("new", clipAt(1)), await opens("new", clipAt(2))]).toEqual([false, true]);
  const early = await run("new", "recover", "--finish", "--sheet", file);
  expect([early.code, early.stderr.includes("72 hours")], early.stderr).toEqual([1, true]);
  const promised = await first.owner("remove", "a device of role owner", "--yes");
  expect(promised.code, promised.stderr).toBe(1);
  expect(promised.stderr).toContain("doorward owner object");
  const objected = await first.owner("object");
  expect(objected.code, objected.stderr).toBe(0);
  expect(objected.stderr).toContain("WARNING: somebody has used the recovery sheet");
  expect(keyringOf(hub).pending).toBeNull();
}, 60_000);

test("what two must sign waits for the second, who sees what it is", async () => {
  const person = "b".repeat(32);
  await hub.admit("viewer", { person });
  await hub.admit("viewer", { person });
  await hub.change({
    kind: "policy",
    policy: { exportSigners: 1, keyringSigners: 2, vetoWindowMs: 0 },
  });
  const removal = await first.owner("remove", person, "--yes");
  expect(removal.stderr).toContain("remove again: one more device is still in.");
  expect(removal.stderr).not.toContain("cannot open");
  const proposed = await first.owner("policy", "--veto", "24h");
  expect([proposed.code, proposed.stderr.includes("keyring sign")]).toEqual([0, true]);
  expect(keyringOf(hub).policy.vetoWindowMs).toBe(0);
  const [, id = ""] = /keyring sign ([0-9a-f]{16})/.exec(proposed.stderr) ?? [];
  const signed = await run("tablet", "keyring", "sign", id, "--yes");
  expect(signed.code, signed.stderr).toBe(0);
  expect(signed.stderr).toContain("24 h");
  expect(keyringOf(hub).policy).toMatchObject({ keyringSigners: 2, vetoWindowMs: 86_400_000 });
  const newcomer = await startPairing("a newcomer");
  const { commitment } = newcomer;
  const started = await hub.call("POST", "/api/pairings", { body: { commitment } });
  const headers = { "x-doorward-pairing": started.json<{ token: string }>().token };
  await proposeAdmission(hub, hub.owner, { role: "owner", person: "a".repeat(32) }, async (at) => {
    const url = `/api/pairings/${at}/reveal`;
    requireOk(await hub.call("POST", url, { headers, body: newcomer.reveal }));
  });
  const listed = await run("tablet", "keyring");
  expect(listed.stdout).toContain("Admit a new person as owner.\n  That is one more who may sign");
  expect(listed.stdout).toContain(signingKeyWords(newcomer.signingKey.publicKey).join(" "));
}, 60_000);
