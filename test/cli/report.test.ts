import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createKeys } from "../../src/cli/keys-directory.ts";
import { utf8Text } from "../../src/protocol/bytes.ts";
import { parseCanonicalJson } from "../../src/protocol/canonical-json.ts";
import { runCli } from "../support/live-hub.ts";
import { refuse, releasedBundle, typeRequest } from "../support/test-consent.ts";
import { firstClip, startTestHub, type TestHub } from "../support/test-hub.ts";

/** A hub that listens, with a history; the command line runs in processes of its own. */
const folder = mkdtempSync(path.join(os.tmpdir(), "doorward-report-"));
const keys = path.join(folder, "keys");
const file = path.join(folder, "report.json");
let hub: TestHub;

beforeAll(async () => {
  hub = await startTestHub({ clips: 1, nowMs: "system" });
  process.env["DOORWARD_PASSPHRASE"] = "";
  await createKeys(keys, { bundle: hub.owner.bundle, hubUrl: hub.hub.url });
  const { bundle } = await releasedBundle(hub, { clip: firstClip(hub), segments: [0, 0] });
  await writeFile(path.join(folder, "bundle.zip"), bundle);
  await refuse(hub, await typeRequest(hub, { kind: "police_emergency", urgency: "emergency" }));
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

describe("doorward owner report", () => {
  test("tells what was asked and what left, in words that blame nobody", async () => {
    const { code, stdout } = await runCli(["owner", "report", "--keys", keys], folder);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^police_voluntary( +[0-9]+){7}$/m);
    expect(stdout).toMatch(/^police_emergency {11}1 {9}0 {9}0 {9}1 /m);
    expect(stdout).toContain("Said to be an emergency: 1. That changed nothing.");
    expect(stdout).toContain(
      "Releases: 1, with 1 files. Links: 0. Downloads: 1. Taken back: 0. Time over: 0.",
    );
    expect(stdout).toMatch(/^Seconds asked for: 1200\. Granted: [1-9][0-9]*\.$/m);
    expect(stdout).toContain("Approvals with clear faces: 1. With sound: 0.");
    expect(stdout).toContain("Disclosures without an owner's approval: 0");
    expect(stdout).not.toMatch(/suspect|suspicious|offender|criminal/i);
  });

  test("writes a file that anybody can check, and prints the same figures as JSON", async () => {
    const before = hub.ledgerKinds().length;
    const made = await runCli(["owner", "report", "--keys", keys, "--json", "--out", file], folder);
    expect(made.code).toBe(0);
    const told = JSON.parse(made.stdout) as Record<string, unknown>;
    expect(made.stderr).toContain(`doorward verify --report ${file}`);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    // It is read from the ledger and leaves no entry in it.
    expect(hub.ledgerKinds().length).toBe(before);

    const checked = await runCli(["verify", "--report", file, "--json"], folder);
    expect(checked.code).toBe(0);
    expect(JSON.parse(checked.stdout)).toMatchObject({ holds: true, cosignedBy: 1, ...told });
    expect(told).toMatchObject({ figures: { releases: 1, disclosuresWithoutApproval: 0 } });
  });

  test("leaves the hub with this device's cosignature, as a witness does", async () => {
    const answer = await hub.call("GET", "/api/ledger/checkpoint", { as: hub.owner });
    const { checkpoint, cosigned } = answer.json<{ checkpoint: string; cosigned: string }>();
    expect(cosigned.split("\n").slice(0, 3)).toEqual(checkpoint.split("\n").slice(0, 3));
    expect(cosigned).toContain(hub.owner.key.device.slice(0, 32));
  });

  test("takes nothing that it does not know: exit 2", async () => {
    const refused = await runCli(["owner", "report", "--keys", keys, "--from", "x"], folder);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("owner report --keys DIR [--json] [--out FILE]");
  });
});

describe("doorward verify --report", () => {
  test("prints every check and the figures: exit 0", async () => {
    const { code, stdout } = await runCli(["verify", "--report", file], folder);
    expect(code).toBe(0);
    expect(stdout.match(/^holds {8} /gm)).toHaveLength(9);
    expect(stdout).toContain("Disclosures without an owner's approval: 0");
  });

  test("refuses one that was changed: exit 1", async () => {
    const text = utf8Text(await readFile(file), "report");
    const changed = path.join(folder, "changed.json");
    await writeFile(changed, text.replace('"outcome":"refused"', '"outcome":"expired"'));
    const { code, stdout } = await runCli(["verify", "--report", changed], folder);
    expect(code).toBe(1);
    expect(stdout).toContain("DOES NOT HOLD  no entry of the ledger is missing");
    expect(stdout).not.toContain("Disclosures");
  });

  test("says of anything else that it is no report: exit 2", async () => {
    const bundle = path.join(folder, "bundle.zip");
    expect(await runCli(["verify", "--report", bundle], folder)).toMatchObject({
      code: 2,
      stderr: "This is not a transparency report of Doorward.\n",
    });
    expect((await runCli(["verify", "--report", path.join(folder, "gone")], folder)).code).toBe(2);
    expect((await runCli(["verify", file], folder)).code).toBe(2);
    // Control: without the option the bundle is one, and holds.
    expect((await runCli(["verify", bundle], folder)).code).toBe(0);
  });
});

test("a release that nobody signed for is said aloud by both, and both exit with 1", async () => {
  const { record } = await typeRequest(hub);
  hub.hub.services.ledger.append({
    v: 1,
    kind: "release",
    atMs: hub.clock.nowMs,
    request: record.request,
    decisionSha256: "0".repeat(64),
    files: 1,
  });
  const bad = path.join(folder, "bad.json");
  const made = await runCli(["owner", "report", "--keys", keys, "--out", bad], folder);
  expect(made.code).toBe(1);
  expect(made.stdout).toContain("Disclosures without an owner's approval: 1");
  expect(existsSync(bad)).toBe(true);
  const checked = await runCli(["verify", "--report", bad], folder);
  expect(checked.code).toBe(1);
  expect(checked.stdout).toContain("DOES NOT HOLD  nothing left without an owner's approval");
  expect(checked.stdout).toContain("Disclosures without an owner's approval: 1");
  const { entries } = parseCanonicalJson(await readFile(bad), "report") as { entries: unknown[] };
  expect(entries).toHaveLength(hub.ledgerKinds().length);
});

describe("doorward owner receipt and owner statement", () => {
  const cli = (...args: string[]) => runCli(args, folder);

  test("write files that anybody can check without the hub", async () => {
    const receipt = path.join(folder, "entry.tlog-proof");
    const made = await cli("owner", "receipt", "0", "--keys", keys, "--out", receipt);
    expect([made.code, made.stdout]).toEqual([0, expect.stringContaining("Entry 0 of ledger")]);
    const checked = await cli("verify", "--receipt", receipt);
    expect(checked.code).toBe(0);
    expect(checked.stdout.match(/^holds {8} /gm)).toHaveLength(4);
    const bytes = await readFile(receipt);
    await writeFile(receipt, bytes.with(300, (bytes[300] ?? 0) ^ 1));
    expect((await cli("verify", "--receipt", receipt)).code).toBe(1);
    expect((await cli("verify", "--receipt", path.join(folder, "bundle.zip"))).code).toBe(2);

    const statement = path.join(folder, "month.tlog-proof");
    const month = new Date().toISOString().slice(0, 7);
    const words = ["--words", "Ask me again next month."];
    const given = ["owner", "statement", "--month", month, "--keys", keys, "--out", statement];
    expect((await cli(...given)).code).toBe(1);
    expect((await cli(...given, ...words, "--yes")).code).toBe(0);
    const shown = await cli("verify", "--statement", statement);
    expect([shown.code, shown.stdout]).toEqual([0, expect.stringContaining(`month ${month}`)]);
    expect(shown.stdout).toContain("Ask me again next month.");
  });
});

describe("doorward owner witness", () => {
  test("says what is missing, exits with 1, and not again once somebody has looked", async () => {
    const clip = firstClip(hub);
    const [listed] = hub.hub.services.clips.files(clip);
    if (!listed) throw new Error("no file");
    rmSync(hub.hub.services.clips.pathOf(clip, listed));
    const found = await runCli(["owner", "witness", "--keys", keys], folder);
    expect([found.code, found.stderr]).toEqual([1, expect.stringContaining("ALARM")]);
    expect(found.stdout).toContain("none changed or removed");
    expect(found.stderr).toContain(`ALARM: Recording ${clip} is in the ledger`);
    const looked = await runCli(["owner", "witness", "--acknowledge", "--keys", keys], folder);
    expect(looked.code).toBe(0);
    const again = await runCli(["owner", "witness", "--json", "--keys", keys], folder);
    expect(again.code).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({ alarms: [] });
  });
});
