import { readdir, readFile, readlink } from "node:fs/promises";
import net from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startLiveHub, TEST_TIMEOUT_MS, type LiveHub } from "../support/live-hub.ts";
import { missingCommands } from "../support/requirements.ts";
import { RTSP_SERVER_COMMANDS, startRtspServer, type RtspServer } from "../support/rtsp-server.ts";
import { busyDoorFootage, NO_FOOTAGE } from "./door-footage.ts";

// The privacy switch on a hub as people run it, with a camera's real server: what is off is not
// connected to, and stays so over a restart.

const isMissing = missingCommands(...RTSP_SERVER_COMMANDS);
const ESTABLISHED = "01";

/** Connections that a process has to a port, as the kernel lists them. */
async function connectionsTo(pid: number, port: number): Promise<number> {
  const links = await Promise.all(
    (await readdir(`/proc/${pid}/fd`)).map((fd) =>
      readlink(`/proc/${pid}/fd/${fd}`).catch(() => ""),
    ),
  );
  const own = new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  return (await readFile(`/proc/${pid}/net/tcp`, "utf8"))
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(
      ([, , remote = "", state, , , , , , inode = ""]) =>
        remote.endsWith(`:${hex}`) && state === ESTABLISHED && own.has(inode),
    ).length;
}

/** Something at a camera's address that only counts who comes. */
async function startCounter(): Promise<{ port: number; count: () => number } & Disposable> {
  let count = 0;
  const server = net.createServer((socket) => {
    count += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as net.AddressInfo;
  return { port, count: () => count, [Symbol.dispose]: () => void server.close() };
}

describe.skipIf(isMissing)("the privacy switch", { timeout: TEST_TIMEOUT_MS }, () => {
  const door = isMissing ? NO_FOOTAGE : busyDoorFootage();
  let server: RtspServer;
  let counter: Awaited<ReturnType<typeof startCounter>>;
  let hub: LiveHub;
  const doorward = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await hub.cli(...args, "--keys", hub.keysDirectory);
    if (code !== 0) throw new Error(`exit code ${String(code)}: ${stderr}`);
    return stdout;
  };
  const mainOf = async (id: string): Promise<string | undefined> =>
    (await hub.health()).cameras.find((camera) => camera.id === id)?.main;
  const waitForMain = (id: string, state: string): Promise<true> =>
    hub.waitFor(`${id} ${state}`, async () => ((await mainOf(id)) === state ? true : null));
  const sockets = async (): Promise<number> => connectionsTo(await hub.ingestPid(), server.port);

  beforeAll(async () => {
    server = await startRtspServer({ media: door.file });
    counter = await startCounter();
    const cameras = [
      `{ id: front, main: "${server.mainUrl}", sub: "${server.subUrl}" }`,
      `{ id: other, main: "${server.subUrl}" }`,
      `{ id: shy, main: "rtsp://127.0.0.1:${counter.port}/main" }`,
    ];
    hub = await startLiveHub({ cameras: `cameras:\n  - ${cameras.join("\n  - ")}` });
    await hub.claim();
    for (const id of ["front", "other"]) await waitForMain(id, "streaming");
  });
  afterAll(async () => {
    await hub?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
    counter?.[Symbol.dispose]();
  });

  test("closes the recording whole and every connection, and leaves the other cameras alone", async () => {
    const clip = await hub.waitForClip("recording", { camera: "front" });
    await hub.waitFor("three connections", async () => ((await sockets()) === 3 ? true : null));
    const said = await doorward("cameras", "off", "front", "--for", "2h");
    expect(said).toMatch(/^front: off since .* until /);
    await hub.waitFor("one connection", async () => ((await sockets()) === 1 ? true : null));
    const closed = await hub.waitFor("the end of the recording", async () => {
      const found = await hub.clip(clip.id);
      return found.state === "recording" ? null : found;
    });
    expect(closed).toMatchObject({ state: "closed", torn: [] });
    expect(await mainOf("other")).toBe("streaming");
    expect((await hub.health()).cameras[0]).toMatchObject({
      ...{ main: "off", sub: "off", recording: false, problem: null },
    });
  });

  test("is in force after a restart before anything is connected to", async () => {
    await hub.waitFor("somebody at the shy camera", () => (counter.count() > 0 ? true : null));
    await doorward("cameras", "off", "shy");
    expect(await hub.stop()).toBe(0);
    const before = counter.count();
    await hub.restart();
    await waitForMain("other", "streaming");
    expect(counter.count()).toBe(before);
    expect(await sockets()).toBe(1);
    expect(await mainOf("front")).toBe("off");
  });

  test("holds for an ingest process that is begun anew", async () => {
    process.kill(await hub.ingestPid(), "SIGKILL");
    await hub.waitFor("another process", async () =>
      (await hub.health()).ingestRestarts === 1 ? true : null,
    );
    const before = counter.count();
    await waitForMain("other", "streaming");
    expect(await sockets()).toBe(1);
    expect(counter.count()).toBe(before);
  });

  test("on again, it is connected to and records; and the ledger has all of it, in its order", async () => {
    const known = (await hub.clips()).map(({ id }) => id);
    expect(await doorward("cameras", "on", "front")).toContain("front: on.");
    await waitForMain("front", "streaming");
    await hub.waitForClip("recording", { camera: "front", but: known });
    const ledger = await doorward("owner", "ledger", "--json");
    const { entries } = JSON.parse(ledger) as { entries: { entry: Record<string, unknown> }[] };
    const switched = entries.map(({ entry }) => entry).filter(({ kind }) => kind === "camera");
    expect(switched.map(({ camera, state }) => `${String(camera)} ${String(state)}`)).toEqual([
      ...["front off", "shy off", "front on"],
    ]);
    expect(await doorward("cameras", "privacy")).toMatch(
      /^front: on\.\nother: on\.\nshy: off since/,
    );
  });
});
