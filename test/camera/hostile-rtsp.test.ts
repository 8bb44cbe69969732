import { fork, type ChildProcess } from "node:child_process";
import { readdir, readFile, readlink, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { CameraState, ChildCamera } from "../support/hostile-child.ts";
import {
  startHostileCamera,
  startTrap,
  type HostileCamera,
  type HostileCase,
} from "../support/hostile-rtsp.ts";
import { AMOUNT_CASES, FLOOD_CASES, MEDIA_CASES, TINY_CASES } from "./hostile-media-cases.ts";
import { PROTOCOL_CASES } from "./hostile-protocol-cases.ts";

const CHILD = fileURLToPath(new URL("../support/hostile-child.ts", import.meta.url));
const MEMORY_MAX_BYTES = 64 * 1024 * 1024;
/** With the good one beside them, as many as a hub may have. */
const GROUP_SIZE = 15;
const GROUPS: readonly [string, readonly HostileCase[]][] = [
  ...inGroups("answers", PROTOCOL_CASES),
  ...inGroups("pictures", MEDIA_CASES),
  ["floods", FLOOD_CASES],
  ["pictures without end", AMOUNT_CASES],
  ["tiny pictures without end", TINY_CASES],
];

function inGroups(name: string, cases: readonly HostileCase[]): [string, readonly HostileCase[]][] {
  const count = Math.ceil(cases.length / GROUP_SIZE);
  return Array.from({ length: count }, (_, index) => [
    `${name}, ${index + 1} of ${count}`,
    cases.slice(index * GROUP_SIZE, (index + 1) * GROUP_SIZE),
  ]);
}

/** Shorter than a camera is given, so that many cases fit into a minute. */
const RETRIES = { retryFirstMs: 200, retryMaxMs: 1_000, retryPasswordMs: 1_000 };
const SHORT = { connectMs: 1_000, answerMs: 1_000, silenceMs: 1_000, keyFrameMs: 2_000 };
const LONG = { connectMs: 30_000, answerMs: 30_000, silenceMs: 30_000, keyFrameMs: 30_000 };

/**
 * What does not end by silence has the time that cameras have: it must not be ended by a slow
 * machine, and a flood has to last, so that whoever kept what came would be seen to.
 */
function timingOf({ hostileCase }: HostileCamera): ChildCamera["timing"] {
  const isFlood = hostileCase?.flood !== undefined;
  return hostileCase?.becomes === "SILENT" && !isFlood ? { ...RETRIES, ...SHORT } : RETRIES;
}

interface Tried extends AsyncDisposable {
  readonly pid: number;
  stateOf(id: string): CameraState | null;
  add(cameras: readonly ChildCamera[]): void;
  /** Waits for a state, not for a time: the limit only ends a test that has failed. */
  until(what: string, isReached: () => boolean): Promise<void>;
}

function startChild(): Tried {
  const child: ChildProcess = fork(CHILD, [], { execArgv: [], env: { PATH: process.env["PATH"] } });
  let states: readonly CameraState[] = [];
  child.on("message", (told: readonly CameraState[]) => (states = told));
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  return {
    pid: child.pid ?? 0,
    stateOf: (id) => states.find((state) => state.id === id) ?? null,
    add: (cameras) => void child.send({ cameras }),
    async until(what, isReached) {
      const startedMs = performance.now();
      while (!isReached()) {
        if (child.exitCode !== null || child.signalCode !== null)
          throw new Error(`The process ended with ${child.exitCode ?? child.signalCode}`);
        if (performance.now() - startedMs > 150_000) throw new Error(`It never came: ${what}`);
        await sleep(50);
      }
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

async function memoryBytes(pid: number, field: "VmRSS" | "VmHWM"): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024;
}

/** `host:port` of everything that a process is connected to, or tries to be. */
async function connectionsOf(pid: number): Promise<string[]> {
  const folder = `/proc/${pid}/fd`;
  const links = await Promise.all(
    (await readdir(folder)).map((name) => readlink(`${folder}/${name}`).catch(() => "")),
  );
  const own = new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []));
  const tables = await Promise.all(
    ["tcp", "tcp6", "udp", "udp6"].map((table) => readFile(`/proc/${pid}/net/${table}`, "utf8")),
  );
  return tables
    .flatMap((table) => table.split("\n").slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => own.has(fields[9] ?? ""))
    .map(([, , remote = ""]) => readAddress(remote));
}

/** Looks again and again, until it is disposed of; a table can be long, and takes its time. */
function watchConnections(pid: number, reached: Set<string>): AsyncDisposable {
  let isOver = false;
  const watch = async (): Promise<void> => {
    while (!isOver) {
      const found = await connectionsOf(pid).catch(() => []);
      for (const address of found) reached.add(address);
      await sleep(100);
    }
  };
  const done = watch();
  return {
    [Symbol.asyncDispose]: async () => {
      isOver = true;
      await done;
    },
  };
}

/** `0100007F:1F90` in the kernel's order of bytes. */
function readAddress(text: string): string {
  const [host = "", port = ""] = text.split(":");
  const bytes = host.length === 8 ? (host.match(/../g) ?? []).toReversed() : [host];
  return `${bytes.map((byte) => parseInt(byte, 16)).join(".")}:${parseInt(port, 16)}`;
}

function hasBecome(camera: HostileCamera, state: CameraState | null): boolean {
  const { becomes, offersBytes = 0 } = camera.hostileCase ?? {};
  if (state === null || camera.offeredBytes() < offersBytes) return false;
  return becomes === "streaming" ? state.frames >= 40 : state.failures.length > 0;
}

describe.skipIf(process.platform !== "linux")(
  "cameras that attack, beside one that does not",
  () => {
    test.each(GROUPS)(
      "%s: nothing goes elsewhere, memory is bounded, the neighbour loses nothing, and all come back",
      { timeout: 400_000, concurrent: true },
      async (group, cases) => {
        await using trap = await startTrap("127.0.0.2");
        await using honest = await startHostileCamera(null, trap.url);
        await using stack = new AsyncDisposableStack();
        const cameras: HostileCamera[] = [];
        for (const one of cases) cameras.push(stack.use(await startHostileCamera(one, trap.url)));
        await using child = startChild();
        const passwordOf = (camera: HostileCamera): string => `secret of ${camera.port}`;
        const idOf = (camera: HostileCamera): string => `c${camera.port}`;
        const stateOf = (camera: HostileCamera) => child.stateOf(idOf(camera));
        const entry = (camera: HostileCamera, timing: ChildCamera["timing"]): ChildCamera => {
          const { url } = camera;
          return { id: idOf(camera), url, password: passwordOf(camera), timing };
        };
        child.add([entry(honest, LONG)]);
        await child.until("the honest camera", () => (stateOf(honest)?.frames ?? 0) > 50);
        // From here on the kernel keeps the highest that it was.
        await writeFile(`/proc/${child.pid}/clear_refs`, "5");
        const before = await memoryBytes(child.pid, "VmRSS");

        const reached = new Set<string>();
        await using _watching = watchConnections(child.pid, reached);
        child.add(cameras.map((camera) => entry(camera, timingOf(camera))));
        const open = (): string[] =>
          cameras.filter((camera) => !hasBecome(camera, stateOf(camera))).map(nameOf);
        await child
          .until("what each case becomes", () => open().length === 0)
          .catch((error: unknown) => expect({ error: String(error), open: open() }).toBeNull());
        for (const camera of cameras) {
          const { name = "", becomes } = camera.hostileCase ?? {};
          const { failures } = stateOf(camera) ?? { failures: ["none"] };
          const [first = "no failure"] = failures;
          if (becomes === "streaming") expect({ name, failures }).toEqual({ name, failures: [] });
          else expect(`${name}: ${becomes}`).toContain(first.split(" ")[0]);
          expect(failures.join()).not.toContain(passwordOf(camera));
        }
        const growthBytes = (await memoryBytes(child.pid, "VmHWM")) - before;

        const behavedMs = performance.now();
        const frames = new Map(cameras.map((camera) => [camera, stateOf(camera)?.frames ?? 0]));
        for (const camera of cameras) camera.behave();
        const gone = (): string[] =>
          cameras
            .filter((camera) => (stateOf(camera)?.frames ?? 0) < (frames.get(camera) ?? 0) + 20)
            .map(nameOf);
        await child
          .until("all cameras back", () => gone().length === 0)
          .catch((error: unknown) => expect({ error: String(error), gone: gone() }).toBeNull());
        const backMs = Math.round(performance.now() - behavedMs);
        for (const address of await connectionsOf(child.pid)) reached.add(address);

        const { gaps, failures, pauseMs = 0 } = stateOf(honest) ?? {};
        const mebibytes = Math.round(growthBytes / 1024 / 1024);
        console.log(
          `${group}: ${cases.length} cases, +${mebibytes} MiB, all back after ${backMs} ms, ` +
            `neighbour without a picture for ${Math.round(pauseMs)} ms at most`,
        );
        expect({ gaps, failures, connections: honest.connections() }).toEqual({
          ...{ gaps: 0, failures: [], connections: 1 },
        });
        expect(growthBytes).toBeLessThan(MEMORY_MAX_BYTES);
        expect(trap.visits()).toBe(0);
        const known = [honest, ...cameras].map(({ port }) => `127.0.0.1:${port}`);
        expect([...reached].filter((address) => !known.includes(address))).toEqual([]);
        expect(reached.size).toBeGreaterThan(0);
        for (const camera of cameras) {
          const received = camera.received();
          for (const secret of [passwordOf(camera), btoa(`viewer:${passwordOf(camera)}`)])
            expect(received).not.toContain(secret);
          for (const line of received.match(/rtsp:\/\/\S+/g) ?? [])
            expect(line).toContain(`rtsp://127.0.0.1:${camera.port}/`);
          expect(received).not.toContain("X-Injected");
        }
      },
    );
  },
);

function nameOf(camera: HostileCamera): string {
  return camera.hostileCase?.name ?? "";
}
