import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import { parseRecoverySheet } from "../../src/owner/recovery.ts";
import { runCli, startLiveHub, type CommandResult, type LiveHub } from "../support/live-hub.ts";

// A camera that nobody answers for: these tests need none.
const CAMERAS = "cameras:\n  - id: front\n    main: rtsp://127.0.0.1:9/main";

describe("owner claim", () => {
  let hub: LiveHub;
  beforeAll(async () => {
    hub = await startLiveHub({ cameras: CAMERAS });
  });
  afterAll(() => hub[Symbol.asyncDispose]());

  const folder = (name: string): string => path.join(hub.ownerDirectory, name);
  const claim = (code: string, keys: string, passphrase = ""): Promise<CommandResult> =>
    runCli(
      ["owner", "claim", "--hub", hub.url, "--code", code, "--keys", folder(keys), "--classic"],
      hub.ownerDirectory,
      { DOORWARD_PASSPHRASE: passphrase },
    );

  test("with a wrong code says so, and leaves no device behind", async () => {
    const { code, stderr } = await claim("AAAA-AAAA-AAAA", "keys");
    expect(code).toBe(1);
    expect(stderr).toContain("the code is not the one on the hub's console");
    expect(readdirSync(folder("keys"))).toEqual(["recovery.txt"]);
  });

  test("with the right one founds the household, sealed by the passphrase", async () => {
    const { code, stderr, stdout } = await claim(hub.ready.claimCode ?? "", "keys", "a passphrase");
    expect(code).toBe(0);
    expect(stderr).toContain("recovery sheet opened a test file");
    expect(stderr).toContain("this is a TRIAL");
    expect(stdout + stderr).not.toMatch(/AGE-SECRET-KEY/);
    const names = readdirSync(folder("keys")).toSorted();
    expect(names).toEqual(["device.age", "hub.json", "recovery.txt", "seen.json"]);
    for (const name of names)
      expect(statSync(path.join(folder("keys"), name)).mode & 0o077).toBe(0);
    expect(statSync(folder("keys")).mode & 0o077).toBe(0);
    const sealed = readFileSync(path.join(folder("keys"), "device.age"), "latin1");
    expect(sealed).toMatch(/^age-encryption\.org\/v1\n-> scrypt /);
  });

  test("opens nothing without that passphrase", async () => {
    const list = (environment: Record<string, string>): Promise<CommandResult> =>
      runCli(["owner", "clips", "--keys", folder("keys")], hub.ownerDirectory, environment);
    const wrong = await list({ DOORWARD_PASSPHRASE: "another" });
    expect([wrong.code, wrong.stderr]).toEqual([
      1,
      "Cannot open keys: the passphrase does not fit\n",
    ]);
    const right = await list({ DOORWARD_PASSPHRASE: "a passphrase" });
    expect([right.code, right.stdout]).toEqual([0, "Nothing has been recorded yet.\n"]);
  });

  test("leaves a sheet whose keys are the household's", async () => {
    const sheet = await parseRecoverySheet(
      readFileSync(path.join(folder("keys"), "recovery.txt"), "utf8"),
    );
    const listed = await runCli(
      ["owner", "ledger", "--keys", folder("keys"), "--json"],
      hub.ownerDirectory,
      { DOORWARD_PASSPHRASE: "a passphrase" },
    );
    expect(listed.code).toBe(0);
    // The keyring itself is in the database, in the clear: it is what clips are sealed to.
    const file = path.join(hub.dataDirectory, "doorward.db");
    await using database = openDatabase(file, { readOnly: true });
    const payloads = database
      .prepare<[], string>("SELECT envelope FROM keyring_statements")
      .pluck()
      .all()
      .map((envelope) => (JSON.parse(envelope) as { payload: string }).payload)
      .map((payload) => Buffer.from(payload, "base64").toString());
    expect(payloads.some((payload) => payload.includes(sheet.reader.recipient))).toBe(true);
    const stored = [readFileSync(file), readFileSync(`${file}-wal`)].map((bytes) =>
      bytes.toString("latin1"),
    );
    expect([...payloads, ...stored].join()).not.toContain(sheet.reader.identity);
  });

  test("a second time is refused: the hub has its household, and the folder its device", async () => {
    const again = await claim(hub.ready.claimCode ?? "", "others");
    expect([again.code, again.stderr]).toEqual([
      1,
      "Cannot claim: this hub has a household already; doorward owner join lets this device into it\n",
    ]);
    const same = await claim(hub.ready.claimCode ?? "", "keys");
    expect(same.code).toBe(1);
    expect(same.stderr).toContain("holds a device already");
  });

  test("without a hub says that nobody is there, with the exit code for that", async () => {
    const args = ["owner", "claim", "--hub", "http://localhost:9", "--code", "x"];
    const { code, stderr } = await runCli([...args, "--keys", folder("none")], hub.ownerDirectory);
    expect([code, stderr]).toEqual([
      3,
      "Cannot reach http://localhost:9: is the hub running there?\n",
    ]);
    const unclear = await runCli(["owner", "claim"], hub.ownerDirectory);
    expect(unclear.code).toBe(2);
    expect(unclear.stderr).toContain("Usage: doorward owner claim");
  });

  test("a hub that is claimed prints no code at its next start", async () => {
    await hub.stop();
    await hub.restart();
    expect(hub.ready.claimCode).toBeNull();
  });
});
