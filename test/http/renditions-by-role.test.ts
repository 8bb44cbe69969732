import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { clipIdentities } from "../../src/owner/device-bundle.ts";
import { openSealedFile } from "../../src/owner/open-clip.ts";
import type { ClipDetail } from "../../src/protocol/api.ts";
import { requireAgeHeader } from "../../src/protocol/age-header.ts";
import { sealedFileName } from "../../src/protocol/clip.ts";
import type { Role } from "../../src/protocol/keyring.ts";
import { clipDetail } from "../support/test-consent.ts";
import {
  firstClip,
  requireOk,
  startTestHub,
  type TestDevice,
  type TestHub,
} from "../support/test-hub.ts";
import { addHubCopy } from "../support/test-hub-copy.ts";

// Whoever sees blurred recordings gets the bytes of these and of nothing else, and opens nothing else
// even where somebody hands it to him: twice, by the routes and by the keys.

describe("the files of a recording with a blurred copy", () => {
  let hub: TestHub;
  let clip: ClipDetail;
  const devices = new Map<Role, TestDevice>();
  beforeAll(async () => {
    hub = await startTestHub({ clips: 1, faces: "blur-copy" });
    await addHubCopy(hub, firstClip(hub));
    clip = await clipDetail(hub, firstClip(hub));
    devices.set("owner", hub.owner);
    for (const role of ["adult", "viewer", "guest"] as const)
      devices.set(role, await hub.admit(role));
  });
  afterAll(() => hub[Symbol.asyncDispose]());

  const as = (role: Role): TestDevice => devices.get(role) ?? hub.owner;
  const ask = (role: Role, name: string) =>
    hub.call("GET", `/api/clips/${clip.id}/files/${name}`, { as: as(role) });

  test("are those of both renditions, of picture, sound and stills", () => {
    const kinds = new Set(clip.files.map(({ track, rendition }) => `${track} ${rendition}`));
    expect([...kinds].toSorted()).toEqual([
      ...["audio original", "poster blurred", "poster original"],
      ...["video blurred", "video original"],
    ]);
  });

  test.each<[Role, boolean, boolean]>([
    ["owner", true, true],
    ["adult", true, true],
    ["viewer", false, true],
    ["guest", false, false],
  ])("go to a device of role %s: originals %s, blurred %s", async (role, clear, blurred) => {
    for (const file of clip.files) {
      const name = sealedFileName(file);
      const may = file.rendition === "blurred" ? blurred : clear;
      for (const first of ["", "?first=1"]) {
        const answer = await ask(role, `${name}${first}`);
        expect([name, answer.statusCode]).toEqual([name, may ? 200 : 403]);
        if (!may) expect(answer.json()).toMatchObject({ code: "NOT_ALLOWED" });
      }
    }
  });

  test("open for a viewer where they are blurred, and not where they are not, whoever hands them over", async () => {
    const identities = clipIdentities(as("viewer").bundle);
    for (const file of clip.files) {
      const { rawPayload } = requireOk(await ask("owner", sealedFileName(file)));
      const sealed = new Uint8Array(rawPayload);
      const isBlurred = file.rendition === "blurred";
      expect(requireAgeHeader(sealed).stanzas.length).toBe(isBlurred ? 3 : 2);
      const opened = openSealedFile(sealed, identities, file.payloadSha256);
      if (isBlurred) expect((await opened).length).toBeGreaterThan(0);
      else await expect(opened).rejects.toMatchObject({ code: "NO_READER" });
    }
  });

  test("are no look at the recording where it is the blurred still, and one where it is anything else", async () => {
    const viewer = await hub.admit("viewer");
    const views = (): number => hub.ledgerKinds().filter((kind) => kind === "view").length;
    const get = (name: string) =>
      hub.call("GET", `/api/clips/${clip.id}/files/${name}`, { as: viewer });
    const before = views();
    requireOk(await get("poster.blurred.age"));
    expect(views()).toBe(before);
    requireOk(await get("000.video.blurred.age"));
    expect(views()).toBe(before + 1);
  });
});
