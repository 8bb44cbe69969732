import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { generateReader } from "../../src/owner/identity.ts";
import { cliOwner } from "../support/cli-owner.ts";
import { runCli } from "../support/live-hub.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { typeRequest } from "../support/test-consent.ts";
import { firstClip, startTestHub } from "../support/test-hub.ts";
import { addHubCopy } from "../support/test-hub-copy.ts";

describe("the command line, of a copy with gaps", () => {
  test("says how it stands, gives a viewer the blurred still, and lets blurred leave by default", async () => {
    await using hub = await startTestHub({ clips: 1, faces: "blur-copy", nowMs: "system" });
    await using folder = temporaryFolder();
    const clip = firstClip(hub);
    const owner = cliOwner(folder.path, hub.owner.bundle, hub.hub.url);
    expect((await owner.owner("clips")).stdout).toContain(
      "original (blurred copy being made: 0 of 3 pieces)",
    );
    const early = (await typeRequest(hub, {})).record.request;
    const refused = await owner.owner("approve", early, "--clip", clip, "--yes");
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("or choose clear faces with --rendition original");
    await addHubCopy(hub, clip, { whole: [1], absent: [2], reason: "too-old" });
    expect((await owner.owner("clips")).stdout).toContain(
      "original+blurred (blurred copy: 1 pieces left out, 1 pixelated whole: too-old)",
    );
    const [listed] = await owner.json<{ renditions: string[]; segments: number }[]>("clips");
    expect(listed).toMatchObject({ renditions: ["original", "blurred"], segments: 3 });

    const viewer = await hub.admit("viewer");
    const still = path.join(folder.path, "still.jpg");
    const asViewer = cliOwner(path.join(folder.path, "viewer"), viewer.bundle, hub.hub.url);
    const opened = await asViewer.owner("open", clip, "--poster", "--out", still);
    expect(opened.code, opened.stderr).toBe(0);
    expect(readFileSync(still).length).toBe(100);

    const recipient = await generateReader(hub.owner.bundle.kind);
    const key = path.join(folder.path, "key.txt");
    writeFileSync(key, recipient.identity);
    const { record } = await typeRequest(hub, { recipient: recipient.recipient });
    const approved = await owner.owner("approve", record.request, "--clip", clip, "--yes");
    expect(approved.code, approved.stderr).toBe(0);
    expect(approved.stderr).toContain("Blurred by the hub as it recorded: 2 files.");
    expect(approved.stderr).toContain("Pixelated whole, since they could not be looked at: 1");
    expect(approved.stderr).toContain("Faces: blurred.");
    // Nobody else could fetch there: this hub has no address for those outside.
    expect(approved.stderr).toContain("That address answers on the hub's own machine alone");
    expect(approved.stderr).toContain(`doorward export ${approved.stdout.trim()} --out bundle.zip`);
    const bundle = path.join(folder.path, "bundle.zip");
    await runCli(["export", approved.stdout.trim(), "--out", bundle], folder.path);
    const verified = await runCli(["verify", bundle, "--json"], folder.path);
    expect(JSON.parse(verified.stdout)).toMatchObject({
      holds: true,
      ...{ blurredByHub: 2, blurredOnDevice: 0, pixelatedWhole: 1 },
    });
  });
});
