import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { bech32 } from "@scure/base";
import { describe, expect, test } from "vitest";
import { generateReader } from "../../src/owner/identity.ts";
import { fromBase64 } from "../../src/protocol/bytes.ts";
import type { CameraSettings } from "../../src/settings/cameras.ts";
import { pictureAndTone } from "../support/rtsp-server.ts";
import { missingCommands } from "../support/requirements.ts";
import { processTree } from "../support/memory-scan.ts";
import { approve, statusPath, typeRequest } from "../support/test-consent.ts";
import { claimHub, firstClip, requireOk, startTestHub, type TestHub } from "../support/test-hub.ts";

// Invariant 1: the hub cannot open what it has recorded, and before the claim nothing is recorded
// or shown live.

/** A secret in each spelling in which somebody could have stored it. */
function spellings(secret: Uint8Array): Buffer[] {
  const bytes = Buffer.from(secret);
  return [
    bytes,
    ...[bytes.toString("hex"), bytes.toString("base64"), bytes.toString("base64url")].map((text) =>
      Buffer.from(text),
    ),
  ];
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
}

function isOnDisk(directory: string, needles: readonly Buffer[]): boolean {
  return filesBelow(directory).some((file) => {
    const bytes = readFileSync(file);
    return needles.some((needle) => bytes.includes(needle));
  });
}

test.each(["x25519", "pq"] as const)(
  "no secret of the household is anywhere in the hub's data, keys of kind %s",
  async (kind) => {
    await using hub = await startTestHub({ clips: 1, kind });
    const recipient = await generateReader(kind);
    const request = await typeRequest(hub, { recipient: recipient.recipient });
    await approve(hub, request, { clip: firstClip(hub) });
    requireOk(await hub.call("GET", statusPath(request)));
    await hub.admit("owner");

    const { readers, signingSeed } = hub.owner.bundle;
    const identities = [
      ...Object.values(readers),
      hub.recovery?.reader.identity ?? "",
      recipient.identity,
    ];
    expect(identities).toHaveLength(5);
    for (const identity of identities) {
      const secret = bech32.decodeToBytes(identity.toLowerCase()).bytes;
      const needles = [...spellings(secret), Buffer.from(identity)];
      expect(isOnDisk(hub.dataDirectory, needles)).toBe(false);
    }
    const keys = [fromBase64(signingSeed, "seed"), hub.recovery?.signingKey.secret];
    for (const key of keys)
      expect(isOnDisk(hub.dataDirectory, spellings(key ?? new Uint8Array()))).toBe(false);
    expect(isOnDisk(hub.dataDirectory, [Buffer.from(hub.owner.token)])).toBe(false);
    // What must be found, so that this search can fail.
    const publicKey = hub.owner.key.publicKey;
    expect(
      isOnDisk(
        hub.dataDirectory,
        spellings(publicKey).concat(Buffer.from(hub.hub.services.household.keyring?.genesis ?? "")),
      ),
    ).toBe(true);
  },
);

describe.skipIf(missingCommands("ffmpeg"))("before the claim", () => {
  const camerasOf = (hub: TestHub): string[] => {
    return hub.hub.services.health().cameras.map(({ main }) => main);
  };

  /** The hub's helpers that take in a camera: ffmpeg itself, or the sandbox around it. */
  async function decoders(hub: TestHub): Promise<string[]> {
    const tree = await processTree(hub.hub.ingest.pid ?? 0);
    return tree
      .filter((pid) => pid !== hub.hub.ingest.pid)
      .map((pid) => readFileSync(`/proc/${pid}/comm`, "utf8").trim());
  }

  test("no camera is connected to, nothing is recorded; with the claim both begin", async () => {
    const camera: CameraSettings = {
      id: "front",
      name: "Front door",
      audio: false,
      faces: "keep",
      source: "ffmpeg",
      input: pictureAndTone(),
    };
    await using hub = await startTestHub({
      claimed: false,
      nowMs: "system",
      settings: { cameras: [camera] },
    });
    await sleep(2_500);
    expect(camerasOf(hub)).toEqual(["idle"]);
    expect(await decoders(hub)).toEqual([]);
    expect(filesBelow(path.join(hub.dataDirectory, "clips"))).toEqual([]);
    expect(hub.ledgerKinds()).toEqual([]);

    const { code } = hub.hub.services.claimDesk;
    await claimHub(hub.call, code, { kind: "x25519", nowMs: Date.now() });
    await expect.poll(() => camerasOf(hub), { timeout: 30_000 }).toEqual(["streaming"]);
    const inClips = (): number => filesBelow(path.join(hub.dataDirectory, "clips")).length;
    await expect.poll(inClips, { timeout: 30_000 }).toBeGreaterThan(0);
  });
});
