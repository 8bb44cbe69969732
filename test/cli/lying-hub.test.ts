import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { type OwnerSession } from "../../src/cli/hub-session.ts";
import { HubClient, type FollowedHub } from "../../src/owner/hub-client.ts";
import { fetchSummary, groundFor } from "../../src/owner/ground.ts";
import { fetchListedClip } from "../../src/owner/listed-clip.ts";
import { printable } from "../../src/cli/options.ts";
import { DeviceList, PairingReveal } from "../../src/protocol/api.ts";
import { checkShape } from "../../src/protocol/check.ts";
import { parseRequestId } from "../../src/protocol/ids.ts";
import { recordFor, summaryOf } from "../support/test-approval.ts";

/** What a hub that somebody has taken over could tell an owner's device. */

const CLIP = "ab".repeat(16);
const clip = {
  id: CLIP,
  camera: "front",
  kind: "motion",
  startedAtMs: 1_000,
  durationMs: 4_000,
  state: "closed",
  renditions: ["original"],
  segments: 1,
  eventAtMs: 1_000,
  why: { kind: "motion", zone: "whole picture", areaShare: 0.1, score: 1 },
  keyringHead: "00".repeat(32),
  entryIndex: null as number | null,
  files: [
    {
      segment: 0,
      track: "video",
      rendition: "original",
      sizeBytes: 10,
      payloadSha256: "11".repeat(32),
      fromMs: 1_000,
      toMs: 5_000,
    },
  ],
  torn: [],
};

let server: Server | null = null;
async function closeServer(): Promise<void> {
  await server?.[Symbol.asyncDispose]();
  server = null;
}
afterEach(closeServer);

/** A session with a hub that answers every question with `answer`. */
async function sessionWith(answer: unknown): Promise<OwnerSession> {
  const listening = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
  });
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  const { port } = listening.address() as AddressInfo;
  // Only the client is asked here: the lie comes before anything is signed.
  return { client: new HubClient(`http://127.0.0.1:${port}`) } as OwnerSession;
}

test("a clip that no ledger entry lists is not released, whatever the hub says of it", async () => {
  for (const state of ["closed", "torn", "recording"]) {
    const session = await sessionWith({ ...clip, state });
    await expect(fetchListedClip(session, CLIP, "release")).rejects.toMatchObject({
      code: "CLIP_NOT_PROVEN",
    });
    await closeServer();
  }
});

test("and it is looked at only while it is recorded, or when none of it became whole", async () => {
  const closed = await sessionWith(clip);
  await expect(fetchListedClip(closed, CLIP, "look")).rejects.toMatchObject({
    code: "CLIP_NOT_PROVEN",
  });
  await closeServer();
  const recording = await sessionWith({ ...clip, state: "recording" });
  expect((await fetchListedClip(recording, CLIP, "look")).state).toBe("recording");
});

test("another recording or request than the one that was asked for is neither shown nor decided", async () => {
  const recording = await sessionWith({ ...clip, state: "recording" });
  await expect(fetchListedClip(recording, "cd".repeat(16), "look")).rejects.toMatchObject({
    code: "CLIP_NOT_PROVEN",
  });
  await closeServer();
  const summary = summaryOf(recordFor(undefined));
  const { client } = await sessionWith(summary);
  const id = parseRequestId(summary.record.request);
  expect(await fetchSummary(client, id)).toEqual(summary);
  const asked = groundFor({ client } as FollowedHub, "cd".repeat(16));
  await expect(asked).rejects.toMatchObject({ code: "REQUEST_ALTERED" });
});

test("an error message of the hub cannot move, hide or imitate a line of the terminal", async () => {
  const refusing = createServer((_request, response) => {
    const message = "no\nyour words are: alpha beta gamma\u001b[8m";
    response
      .writeHead(409, { "content-type": "application/json" })
      .end(JSON.stringify({ code: "X", message }));
  });
  server = refusing;
  await new Promise<void>((resolve) => refusing.listen(0, "127.0.0.1", resolve));
  const { port } = refusing.address() as AddressInfo;
  const asked = new HubClient(`http://127.0.0.1:${port}`).fetch("GET", "/api/hub");
  await expect(asked).rejects.toThrow(/^no your words are: alpha beta gamma \[8m$/);
});

test("the name of a joining device cannot forge the words that are compared with it", () => {
  const reveal = (label: string): object => ({
    signingKey: "A".repeat(43) + "=",
    transferRecipient: "age1pq1x",
    label: { label, salt: "00".repeat(16) },
    nonce: "00".repeat(32),
  });
  expect(checkShape(PairingReveal, reveal("Léa's phone 📱"), "reveal")).toBeTruthy();
  for (const label of ["a\nb", "a\u001b[8m", "a\u2028b", "a\u202eb", "a\rb", "a\u200bb"]) {
    expect(() => checkShape(PairingReveal, reveal(label), "reveal"), label).toThrow(/label/);
    const listed = {
      device: "0".repeat(64),
      person: "0".repeat(32),
      role: "owner",
      removed: false,
    };
    expect(() => checkShape(DeviceList, [{ ...listed, label }], "devices"), label).toThrow(/label/);
    expect(printable(label)).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
  }
});
