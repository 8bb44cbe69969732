import { once } from "node:events";
import { existsSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { announcedText } from "../../src/hub/announce.ts";
import { askLan } from "../support/lan-client.ts";
import { claimHub, startTestHub, type TestHub } from "../support/test-hub.ts";

const LAN = { addresses: () => ["127.0.0.1"], mdns: false } as const;
const UNNAMED = {
  ...{ isOpen: null, name: null, port: 0, certificatePort: 0, certificate: null, proxy: null },
} as const;
const ENVIRONMENT = { DOORWARD_PORT: "0" };

const unnamedHub = (): Promise<TestHub> =>
  startTestHub({
    ...{ claimed: false, lan: LAN, settings: { lan: UNNAMED }, environment: ENVIRONMENT },
  });

const fileOf = ({ dataDirectory }: TestHub, kind: string, name: string): string =>
  path.join(dataDirectory, "secrets", "lan", `${kind}-${name}.pem`);

/** Which of the files of a name's certificates are there. */
const kept = (hub: TestHub, name: string): boolean[] =>
  ["authority", "leaf"].map((kind) => existsSync(fileOf(hub, kind, name)));

async function until(what: string, isSo: () => boolean): Promise<void> {
  for (let tries = 0; !isSo(); tries += 1) {
    if (tries > 1_000) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe("a name that is chosen before the claim", () => {
  test("leaves nothing of the one before it behind, and says so to whom trusted that", async () => {
    await using hub = await unnamedHub();
    const { lan } = hub.hub.services;
    expect(kept(hub, "doorward.local")).toEqual([true, true]);
    const before = lan.state().words;
    await lan.chooseName("elm.local");
    expect(kept(hub, "doorward.local")).toEqual([false, false]);
    expect(kept(hub, "elm.local")).toEqual([true, true]);
    expect(hub.log.at(-1)).toContain("for doorward.local, is gone: a phone that trusted it");
    const { certificatePage } = lan.state();
    const page = await (await fetch(certificatePage ?? "")).text();
    expect(page).toContain("another certificate before, for doorward.local");
    // Back again it is another one.
    await lan.chooseName("doorward.local");
    expect(kept(hub, "elm.local")).toEqual([false, false]);
    expect(lan.state().words).not.toEqual(before);
    expect((await askLan(hub, "/api/hub")).status).toBe(200);
  });

  test("is the household's after the claim: nothing is removed any more", async () => {
    await using hub = await unnamedHub();
    const { lan, claimDesk } = hub.hub.services;
    await lan.chooseName("elm.local");
    await claimHub(hub.call, claimDesk.code, { kind: "x25519", nowMs: hub.clock.nowMs });
    await lan.setOpen(true);
    await expect(lan.chooseName("ash.local")).rejects.toMatchObject({ code: "CLAIM_GONE" });
    await lan.moveTo("oak.local");
    await lan.endMove("oak.local");
    await lan.configure();
    expect(lan.state().name).toBe("oak.local");
    expect(kept(hub, "elm.local")).toEqual([true, true]);
    expect(kept(hub, "oak.local")).toEqual([true, true]);
  });
});

describe("a hub that cannot have the local network", () => {
  test("starts on its own machine where ports are taken, says so, and opens when they are free", async () => {
    const holders = [0, 1].map(() => net.createServer().listen(0, "127.0.0.1"));
    await Promise.all(holders.map(async (holder) => once(holder, "listening")));
    const [port = 0, certificatePort = 0] = holders.map(
      (holder) => (holder.address() as net.AddressInfo).port,
    );
    await using hub = await startTestHub({
      ...{ lan: { ...LAN, lookEveryMs: 50 }, environment: ENVIRONMENT },
      settings: { lan: { ...UNNAMED, isOpen: true, port, certificatePort } },
    });
    const { services, url } = hub.hub;
    expect((await fetch(`${url}/api/hub`)).status).toBe(200);
    const said = `Port ${port} of 127.0.0.1 is in use; set another one below listen`;
    expect(services.lan.state()).toMatchObject({ isOpen: false, certificatePage: null });
    expect(hub.log.filter((line) => line.includes(said))).toHaveLength(1);
    const { warnings } = services.health();
    expect(warnings.find(({ code }) => code === "LAN_TROUBLE")?.message).toContain(said);
    const console_ = announcedText({ url, claimCode: "X", cameras: [], lan: services.lan.state() });
    expect(console_).toContain(url);
    expect(console_).toContain(said);
    expect(console_).toContain("looks again by itself");

    for (const holder of holders) holder.close();
    await until("the local network to open", () => services.lan.state().trouble === null);
    expect((await askLan(hub, "/api/hub")).status).toBe(200);
    const { certificatePage, origin } = services.lan.state();
    expect((await fetch(certificatePage ?? "")).status).toBe(200);
    await until("the log", () =>
      hub.log.some((line) => line.includes(`all is well again; ${origin}; certificate page http`)),
    );
  });

  test("starts without any network, and opens when there is one", async () => {
    let addresses: string[] = [];
    await using hub = await startTestHub({
      ...{ environment: ENVIRONMENT, settings: { lan: { ...UNNAMED, isOpen: true } } },
      lan: { addresses: () => addresses, lookEveryMs: 50 },
    });
    const { services, url } = hub.hub;
    expect((await fetch(`${url}/api/hub`)).status).toBe(200);
    const { trouble, isOpen } = services.lan.state();
    expect(isOpen).toBe(false);
    expect(trouble).toMatch(/^This machine has no address on a local network/);
    expect(hub.log).toContain(`local network: ${trouble}`);
    addresses = ["127.0.0.1"];
    await until("the local network to open", () => services.lan.state().isOpen);
    expect((await askLan(hub, "/api/hub")).status).toBe(200);
  });
});

test("the fingerprint is shown to owners and to nobody else", async () => {
  await using hub = await startTestHub({
    ...{ lan: LAN, environment: ENVIRONMENT, settings: { lan: { ...UNNAMED, isOpen: true } } },
  });
  const { lan } = hub.hub.services;
  await lan.moveTo("door.example.org");
  const viewer = await hub.admit("viewer");
  const { fingerprint, moving } = lan.state();
  expect(fingerprint).toMatch(/^[0-9A-F]{2}( [0-9A-F]{2}){31}$/);
  expect(moving?.fingerprint).not.toBe(fingerprint);
  const shown = async (as: TestHub["owner"]) =>
    (await hub.call("GET", "/api/lan", { as })).json<object>();
  expect(await shown(hub.owner)).toMatchObject({
    ...{ fingerprint, moving: { fingerprint: moving?.fingerprint } },
  });
  expect(await shown(viewer)).toMatchObject({ fingerprint: null, moving: { fingerprint: null } });
});
