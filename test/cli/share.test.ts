import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { verifyBundle } from "../../src/protocol/verify-bundle.ts";
import { readShareAnswer, secretOfFragment, shareKeys } from "../../src/protocol/share.ts";
import { cliOwner, type CliOwner } from "../support/cli-owner.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { typeRequest } from "../support/test-consent.ts";
import { fetchShare } from "../support/test-share.ts";
import { firstClip, requireOk, startTestHub, type TestHub } from "../support/test-hub.ts";

describe("sharing from the command line", () => {
  const folder = temporaryFolder();
  let hub: TestHub;
  let anna: CliOwner;
  beforeAll(async () => {
    hub = await startTestHub({ clips: 1, nowMs: "system" });
    anna = cliOwner(folder.path, hub.owner.bundle, hub.hub.url);
  });
  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  test("prints a link that opens what was named, says how often it was opened, and ends with a revocation", async () => {
    const request = await typeRequest(hub, { kind: "household" });
    const id = request.record.request;
    const cut = ["--clip", `${firstClip(hub)}:original`, "--views", "2"];
    const nowhere = await anna.owner("share", id, ...cut);
    expect([nowhere.code, nowhere.stderr]).toEqual([
      2,
      expect.stringContaining("nobody outside reaches this hub"),
    ]);
    const made = await anna.owner("share", id, ...cut, "--base", "https://door.example.org/");
    expect(made.code, made.stderr).toBe(0);
    expect(made.stderr).toContain("Whoever has this link can see it: 2 times");
    const link = new URL(made.stdout.trim());
    expect(link.href).toContain("https://door.example.org/share/#");
    const secret = secretOfFragment(link.hash);
    const { token } = shareKeys(secret ?? new Uint8Array());
    const fetchIt = () => fetchShare(hub, token);
    const { bundle } = readShareAnswer(new Uint8Array(requireOk(await fetchIt()).rawPayload));
    expect((await verifyBundle(bundle)).holds).toBe(true);
    expect((await anna.owner("shares", id)).stdout).toContain("open   opened 1 of 2 times");
    expect((await anna.owner("revoke", id)).code).toBe(0);
    expect((await anna.owner("shares", id)).stdout).toContain("ended  opened 1 of 2 times");
    expect((await fetchIt()).statusCode).toBe(404);
  });
});
