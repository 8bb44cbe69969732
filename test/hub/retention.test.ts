import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { generateReader } from "../../src/owner/identity.ts";
import { approve, statusPath, typeRequest } from "../support/test-consent.ts";
import { startTestHub } from "../support/test-hub.ts";

test("what was released stays for its recipient, whatever the settings say; the rest goes for good", async () => {
  const dataDirectory = mkdtempSync(path.join(os.tmpdir(), "doorward-kept-"));
  try {
    const recipient = await generateReader("x25519");
    const { owner, clips, statusUrl } = await (async () => {
      await using hub = await startTestHub({ clips: 2, dataDirectory });
      const request = await typeRequest(hub, { recipient: recipient.recipient });
      await approve(hub, request, { clip: hub.clips[0] ?? "" });
      return { owner: hub.owner.bundle, clips: hub.clips, statusUrl: statusPath(request) };
    })();
    const [released = "", other = ""] = clips;
    const settings = { retention: { motionMs: 1, bellMs: 1, spaceBytes: 0 } };
    {
      await using hub = await startTestHub({ dataDirectory, owner, settings });
      const list = async () =>
        (await hub.call("GET", "/api/clips", { as: hub.owner }))
          .json<{ clips: { id: string }[] }>()
          .clips.map(({ id }) => id);
      expect((await list()).length).toBeGreaterThan(0);
      await hub.hub.services.retention.run();
      expect(await list()).toEqual([released]);
      const gone = await hub.call("GET", `/api/clips/${other}`, { as: hub.owner });
      expect(gone.statusCode).toBe(404);
      const refused = await hub.call("DELETE", `/api/clips/${released}`, { as: hub.owner });
      expect(refused.statusCode).toBe(409);
      expect(refused.json()).toMatchObject({ code: "CLIP_RELEASED" });
      expect((await hub.call("GET", statusUrl)).statusCode).toBe(200);
      expect(hub.ledgerKinds().filter((kind) => kind === "deletion").length).toBe(1);
      expect(hub.filesOutsideTheStore()).toEqual([]);
    }
    await using hub = await startTestHub({ dataDirectory, owner, settings });
    expect(hub.log.filter((line) => /torn|missing/.test(line))).toEqual([]);
  } finally {
    rmSync(dataDirectory, { recursive: true, force: true });
  }
});
