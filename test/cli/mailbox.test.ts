import { expect, test } from "vitest";
import { generateReader } from "../../src/owner/identity.ts";
import { parseRequestId } from "../../src/protocol/ids.ts";
import { cliOwner } from "../support/cli-owner.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { typeRequest } from "../support/test-consent.ts";
import { startMailboxHub, turn } from "../support/test-mailbox.ts";
import { startWebDav } from "../support/webdav-server.ts";

interface Listed {
  readonly requests: {
    readonly id: string;
    readonly clips: string[];
    readonly isOnItsWay: boolean;
  }[];
  readonly pieces: number;
  readonly answers: { readonly request: string; readonly taken: boolean }[];
}

test("from the command line, with the hub out of reach: look, approve, refuse, and see it taken", async () => {
  await using dav = await startWebDav();
  await using hub = await startMailboxHub({ kind: "webdav", ...dav }, { clips: 1 });
  await using folder = temporaryFolder();
  const { services } = hub.hub;
  const atMs = services.clips.list().clips[0]?.startedAtMs ?? 0;
  const sought = {
    cameras: ["front"],
    from: new Date(atMs - 60_000).toISOString(),
    to: new Date(atMs + 60_000).toISOString(),
    tracks: ["video" as const],
    clearFaces: true,
  };
  const { recipient } = await generateReader("x25519");
  const first = (await typeRequest(hub, { sought, recipient })).record.request;
  const second = (await typeRequest(hub, { sought, recipient })).record.request;
  await turn(hub);
  const cli = cliOwner(folder.path, hub.owner.bundle, hub.hub.url);
  const before = await cli.owner("mailbox", "list");
  expect(before.code).toBe(1);
  expect(before.stderr).toContain("never told of one at home");
  expect((await cli.owner("mailbox", "keep")).code).toBe(0);
  // From here on nothing reaches the hub.
  const { pointTo } = await import("../support/cli-owner.ts");
  pointTo(cli.keys, "http://127.0.0.1:9");
  await turn(hub);
  const listed = await cli.json<Listed>("mailbox", "list");
  expect(listed.requests.map(({ id }) => id).toSorted()).toEqual([first, second].toSorted());
  expect(listed.pieces).toBeGreaterThan(0);
  const clip = listed.requests[0]?.clips[0] ?? "";
  const approved = await cli.owner(
    ...(["mailbox", "approve", first, "--clip", `${clip}:original`, "--yes"] as const),
  );
  expect(approved.stderr).toContain("Only this key will open it");
  expect(approved.code).toBe(0);
  expect((await cli.owner("mailbox", "refuse", second)).code).toBe(0);
  await turn(hub);
  const stateOf = (id: string) => services.requests.get(parseRequestId(id))?.state;
  expect([stateOf(first), stateOf(second)]).toEqual(["packaged", "refused"]);
  const after = await cli.json<Listed>("mailbox", "list");
  expect(after.requests).toEqual([]);
  expect(after.answers.map(({ taken }) => taken)).toEqual([true, true]);
});
