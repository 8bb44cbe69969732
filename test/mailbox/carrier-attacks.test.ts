import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { generateReaders } from "../../src/owner/device-bundle.ts";
import { RequestSummary } from "../../src/protocol/api.ts";
import { MAILBOX_SIZES } from "../../src/protocol/mailbox.ts";
import { typeRequest } from "../support/test-consent.ts";
import type { TestHub } from "../support/test-hub.ts";
import {
  awayDevice,
  refusal,
  refuse,
  startMailboxHub,
  stateOf,
  turn,
  type AwayDevice,
} from "../support/test-mailbox.ts";
import { startWebDav, type WebDavServer } from "../support/webdav-server.ts";

// Whoever runs the mailbox can hold back, and nothing else.

interface Scene extends AsyncDisposable {
  readonly dav: WebDavServer;
  readonly hub: TestHub;
  readonly away: AwayDevice;
  readonly request: string;
  /** Name of what lies there for the device. */
  readonly item: string;
}

async function scene(options: { clips?: number } = {}): Promise<Scene> {
  const stack = new AsyncDisposableStack();
  const dav = stack.use(await startWebDav());
  const hub = stack.use(await startMailboxHub({ kind: "webdav", ...dav }, options));
  const { request } = (await typeRequest(hub, sought(hub))).record;
  await turn(hub);
  const away = awayDevice(hub.owner);
  await away.atHome(hub);
  const item = (await away.store.read())?.item ?? "";
  return {
    ...{ dav, hub, away, request, item },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function sought(hub: TestHub) {
  const atMs = hub.hub.services.clips.list().clips[0]?.startedAtMs ?? Date.now();
  return {
    sought: {
      cameras: ["front"],
      from: new Date(atMs - 60_000).toISOString(),
      to: new Date(atMs + 60_000).toISOString(),
      tracks: ["video" as const],
      clearFaces: true,
    },
  };
}

/** The name that the device writes to. */
async function signed(away: AwayDevice, request: string): Promise<string> {
  const found = await away.look();
  const decision = await refusal(found, away.device, request);
  const { item } = found.client.state.inbox;
  await found.client.post(`/api/requests/${request}/decision`, { decision }, RequestSummary);
  return item;
}

function flipped(bytes: Uint8Array | undefined, at: number): Uint8Array {
  const copy = new Uint8Array(bytes ?? []);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

test("altered by one bit, at the beginning, in the middle and at the end: refused on both sides", async () => {
  await using s = await scene({ clips: 1 });
  const whole = s.dav.files.get(s.item) ?? new Uint8Array();
  for (const at of [25, 3_000, whole.length - 1]) {
    s.dav.files.set(s.item, flipped(whole, at));
    await expect(s.away.look()).rejects.toMatchObject({ code: "MAILBOX_ALTERED" });
  }
  s.dav.files.set(s.item, whole);
  const inbox = await signed(s.away, s.request);
  const reply = s.dav.files.get(inbox) ?? new Uint8Array();
  for (const at of [0, 20, reply.length - 1]) {
    s.dav.files.set(inbox, flipped(reply, at));
    await turn(s.hub);
    expect(stateOf(s.hub, s.request)).toBe("received");
  }
  s.dav.files.set(inbox, reply);
  await turn(s.hub);
  expect(stateOf(s.hub, s.request)).toBe("refused");
});

test("a piece that is altered, cut, swapped or gone is never taken for the recording", async () => {
  await using s = await scene({ clips: 1 });
  const { client } = await s.away.look();
  const [first, second] = client.state.pieces;
  if (!first || !second) throw new Error("no pieces");
  const nameOf = (piece: typeof first): string => piece.parts[0]?.item ?? "";
  const get = () => client.bytes(`/api/clips/${first.clip}/files/${first.name}`);
  const good = s.dav.files.get(nameOf(first)) ?? new Uint8Array();
  expect((await get()).length).toBe(first.sizeBytes);
  const put = (bytes: Uint8Array): void => void s.dav.files.set(nameOf(first), bytes);
  for (const bad of [
    flipped(good, 40),
    good.subarray(0, 100),
    new Uint8Array(0),
    s.dav.files.get(nameOf(second)) ?? new Uint8Array(),
  ]) {
    put(bad);
    await expect(get()).rejects.toMatchObject({ code: "MAILBOX_ALTERED" });
  }
  s.dav.files.delete(nameOf(first));
  await expect(get()).rejects.toMatchObject({ code: "PIECE_NOT_THERE" });
  put(good);
  expect((await get()).length).toBe(first.sizeBytes);
});

test("an older state is told from a newer one, and raises no alarm about the hub", async () => {
  await using s = await scene();
  const older = s.dav.files.get(s.item) ?? new Uint8Array();
  await s.away.look();
  await typeRequest(s.hub);
  await turn(s.hub);
  const newer = s.dav.files.get(s.item) ?? new Uint8Array();
  expect((await s.away.look()).client.state.requests).toHaveLength(2);
  s.dav.files.set(s.item, older);
  await expect(s.away.look()).rejects.toMatchObject({ code: "MAILBOX_OLD" });
  s.dav.files.set(s.item, newer);
  expect((await s.away.look()).client.state.requests).toHaveLength(2);
  // Seen at home, and only then shown what was before.
  const fresh = awayDevice(s.hub.owner);
  await fresh.atHome(s.hub);
  await typeRequest(s.hub);
  await fresh.atHome(s.hub);
  await turn(s.hub);
  s.dav.files.set(s.item, newer);
  await expect(fresh.look()).rejects.toMatchObject({ code: "MAILBOX_OLD" });
});

test("a reply that is put again, later or under another name, changes nothing", async () => {
  await using s = await scene();
  const second = (await typeRequest(s.hub)).record.request;
  await turn(s.hub);
  const inbox = await signed(s.away, s.request);
  const reply = s.dav.files.get(inbox) ?? new Uint8Array();
  await turn(s.hub);
  expect(stateOf(s.hub, s.request)).toBe("refused");
  const size = s.hub.hub.services.ledger.size();
  const { client } = await s.away.look();
  s.dav.files.set(inbox, reply);
  await turn(s.hub);
  s.dav.files.set(client.state.inbox.item, reply);
  await turn(s.hub);
  expect(s.hub.hub.services.ledger.size()).toBe(size);
  expect(stateOf(s.hub, second)).toBe("received");
});

test("dropped, it is put again; nothing is lost, and it is taken once", async () => {
  await using s = await scene();
  const inbox = await signed(s.away, s.request);
  s.dav.files.delete(inbox);
  await turn(s.hub);
  expect(stateOf(s.hub, s.request)).toBe("received");
  expect((await s.away.store.read())?.outbox).toHaveLength(1);
  await s.away.look();
  await turn(s.hub);
  expect(stateOf(s.hub, s.request)).toBe("refused");
  s.dav.files.delete(s.item);
  await expect(s.away.look()).rejects.toMatchObject({ code: "MAILBOX_EMPTY" });
});

test("another household's things, with its own good signatures, are nobody's here", async () => {
  await using s = await scene();
  await using other = await scene();
  s.dav.files.set(s.item, other.dav.files.get(other.item) ?? new Uint8Array());
  await expect(s.away.look()).rejects.toMatchObject({ code: "MAILBOX_ALTERED" });
  // Sealed to this very device by whoever knows its public key, signed by another ledger's.
  const memory = await other.away.store.read();
  const forged = await other.away.look();
  const { keyring } = s.hub.hub.services.household;
  const [device] = keyring?.devices.values() ?? [];
  const { signState, pad } = await import("../../src/protocol/mailbox.ts");
  const state = {
    ...forged.client.state,
    keyring: s.hub.hub.services.household.statements(),
    origin: keyring?.origin ?? "",
    device: device?.id ?? "",
    sequence: (memory?.sequence ?? 0) + 10,
  };
  const content = pad(signState(state, () => new Uint8Array(64)));
  const sealed = s.hub.hub.services.seal(content, [device?.record.transfer ?? ""]);
  s.dav.files.set(s.item, sealed);
  await expect(s.away.look()).rejects.toMatchObject({
    code: "MAILBOX_ALTERED",
    message: expect.stringContaining("has not signed it"),
  });
});

test("two devices, each with its own; one that is removed decides nothing, and gets nothing more", async () => {
  await using s = await scene();
  const second = await s.hub.admit("owner");
  await turn(s.hub);
  const other = awayDevice(second);
  expect(await other.atHome(s.hub)).toBe(true);
  const found = await other.look();
  expect(found.client.state.device).not.toBe((await s.away.look()).client.state.device);
  await refuse(other, s.request);
  const { keyring } = s.hub.hub.services.household;
  if (!keyring) throw new Error("no keyring");
  const { kind, recovery } = keyring.readers;
  const readers = { kind, ...(await generateReaders(kind)).recipients, recovery };
  await s.hub.change({ kind: "remove", device: second.key.device, readers });
  await turn(s.hub);
  expect(stateOf(s.hub, s.request)).toBe("received");
  const item = (await other.store.read())?.item ?? "";
  expect(s.dav.files.has(item)).toBe(false);
  await refuse(s.away, s.request);
  await turn(s.hub);
  expect(stateOf(s.hub, s.request)).toBe("refused");
});

test("two devices decide the same request: one is taken, the other is told", async () => {
  await using s = await scene();
  const second = awayDevice(await s.hub.admit("owner"));
  await turn(s.hub);
  await second.atHome(s.hub);
  await s.away.atHome(s.hub);
  await turn(s.hub);
  await refuse(s.away, s.request);
  await refuse(second, s.request);
  await turn(s.hub);
  const told = [await s.away.look(), await second.look()].map(
    ({ client }) => client.state.answers[0],
  );
  expect(told.filter((answer) => answer?.taken === true)).toHaveLength(1);
  expect(told.find((answer) => answer?.taken === false)?.code).toBe("NOT_OPEN");
});

test("nothing that ever lay there says anything: every byte looked through, every size one of three", async () => {
  await using s = await scene({ clips: 1 });
  await refuse(s.away, s.request);
  await turn(s.hub);
  await s.away.look();
  const secrets = readFileSync(path.join(s.hub.dataDirectory, "secrets/ledger.pem"), "utf8");
  const words = [
    ...["A. Requester", "Somewhere PD", "parcel", "2026-0042", "front", "police", "refused"],
    ...["doorward/", s.request, s.hub.clips[0] ?? "-", s.hub.owner.key.device, "BEGIN PRIVATE"],
    ...["keyring", "payload", "recipient", secrets.split("\n")[1] ?? "-", "ftyp", "moof", "mdat"],
  ];
  expect(s.dav.everything.length).toBeGreaterThan(4);
  for (const { name, bytes } of s.dav.everything) {
    expect(name).toMatch(/^[0-9a-f]{32}$/);
    const text = Buffer.from(bytes).toString("latin1");
    for (const word of words) expect(text.includes(word), `${name} has ${word}`).toBe(false);
    const over = MAILBOX_SIZES.map((size) => bytes.length - size).filter((more) => more >= 0);
    expect(Math.min(...over)).toBeLessThan(4_096);
  }
  // (control: the same look finds what is in the clear)
  expect(JSON.stringify((await s.away.look()).client.state.answers)).toContain(s.request);
  expect(s.dav.log.every((line) => /^(?:PUT|GET|DELETE|MKCOL) (?:[0-9a-f]{32})?$/.test(line))).toBe(
    true,
  );
});

test("a server that sends elsewhere, refuses, floods or is away: the hub goes on, and says it", async () => {
  await using s = await scene();
  const desk = s.hub.hub.services.mailbox;
  const troubleOf = () => desk.answerFor(s.hub.owner.key.device).trouble;
  await using elsewhere = await startWebDav();
  s.dav.hook = () => ({ status: 302, headers: { location: `${elsewhere.url}/x` } });
  await turn(s.hub);
  expect(troubleOf()).toContain("another address");
  expect(elsewhere.log).toEqual([]);
  s.dav.hook = () => ({ status: 200, body: new Uint8Array(3 * 1024 * 1024) });
  await turn(s.hub);
  expect(troubleOf()).toContain("too large");
  s.dav.hook = () => ({ status: 401 });
  await turn(s.hub);
  expect(troubleOf()).toContain("user and password");
  s.dav.hook = () => ({ status: 507 });
  await turn(s.hub);
  expect(troubleOf()).toContain("no room");
  s.dav.hook = null;
  await turn(s.hub);
  expect(troubleOf()).toBeNull();
  const places = s.hub.hub.services.connections.list();
  expect(places.map(({ what, address }) => `${what} ${address}`)).toContain(
    `mailbox ${new URL(s.dav.url).host}`,
  );
});
