import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { generateReader, type ReaderKey } from "../../src/owner/identity.ts";
import { cliOwner, type CliOwner } from "../support/cli-owner.ts";
import { runCli } from "../support/live-hub.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { statusPath, typeRequest } from "../support/test-consent.ts";
import { firstClip } from "../support/test-hub.ts";
import { startTwoOwners, summaryOf, type TwoOwners } from "../support/two-owners.ts";

describe("two owners at two command lines", () => {
  const [annas, bens] = [temporaryFolder(), temporaryFolder()];
  let hub: TwoOwners;
  let anna: CliOwner;
  let ben: CliOwner;
  let recipient: ReaderKey;
  beforeAll(async () => {
    hub = await startTwoOwners({}, { clips: 2, nowMs: "system" });
    anna = cliOwner(annas.path, hub.owner.bundle, hub.hub.url);
    ben = cliOwner(bens.path, hub.partner.bundle, hub.hub.url);
    recipient = await generateReader("x25519");
  });
  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
    for (const folder of [annas, bens]) await folder[Symbol.asyncDispose]();
  });

  test("one proposes parts of two recordings, the other checks and signs, and either takes it back", async () => {
    const request = await typeRequest(hub, { recipient: recipient.recipient });
    const { request: id } = request.record;
    const [first, second = ""] = hub.clips;
    const cut = ["--clip", `${first ?? ""}:original`, "--clip", `${second}:original:audio`];
    const terms = ["--purpose", "The parcel, only that", "--expires", "7d"];
    const proposed = await anna.owner("approve", id, ...cut, ...terms);
    expect([proposed.code, proposed.stderr]).toEqual([
      0,
      expect.stringContaining("One more owner has to sign"),
    ]);
    const waits = await ben.owner("requests");
    expect(waits.stdout).toContain("one more person is needed. Nothing has been sent.");
    const early = await runCli(
      ["export", request.statusUrl, "--out", path.join(annas.path, "early.zip")],
      annas.path,
    );
    expect(early.code).toBe(1);
    const again = await anna.owner("cosign", id);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("one person")]);
    const signed = await ben.owner("cosign", id);
    expect(signed.code, signed.stderr).toBe(0);
    for (const words of [
      "For: The parcel, only that",
      "The request gives another purpose: To see who took the parcel",
      "Signed so far by 1 of 2 owners.",
      "nobody but this recipient was let in",
    ])
      expect(signed.stderr).toContain(words);
    expect((await hub.call("GET", statusPath(request))).statusCode).toBe(200);
    const revoked = await ben.owner("revoke", id);
    expect(revoked.stdout).toContain("What was fetched (once) cannot be recalled.");
    expect((await hub.call("GET", statusPath(request))).statusCode).toBe(404);
    const twice = await anna.owner("revoke", id);
    expect([twice.code, twice.stderr]).toEqual([
      1,
      "Cannot take back: there is no approval in force\n",
    ]);
  });

  test("a proposal and a typed request are taken back", async () => {
    const request = await typeRequest(hub, { recipient: recipient.recipient });
    const { request: id } = request.record;
    await anna.json("approve", id, "--clip", firstClip(hub), "--rendition", "original");
    const foreign = await ben.owner("withdraw", id, "--proposal");
    expect([foreign.code, foreign.stderr]).toEqual([
      1,
      expect.stringContaining("somebody else made it"),
    ]);
    expect(await anna.json("withdraw", id, "--proposal")).toMatchObject({ state: "received" });
    expect((await summaryOf(hub, request)).proposal).toBeUndefined();
    expect(await ben.json("withdraw", id)).toMatchObject({ state: "withdrawn" });
  });

  test("there is no command that approves more than what is named", async () => {
    const request = await typeRequest(hub, { recipient: recipient.recipient });
    const { request: id } = request.record;
    for (const args of [
      ["approve", id],
      ["approve", id, "--all"],
      ["approve", id, "--clip", "all"],
      ["approve-all"],
    ]) {
      const { code } = await anna.owner(args[0] ?? "", ...args.slice(1));
      expect(code, args.join(" ")).not.toBe(0);
    }
    expect((await summaryOf(hub, request)).proposal).toBeUndefined();
  });
});
