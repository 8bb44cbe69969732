import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";
import { projectRoot } from "../support/requirements.ts";
import { RTSP_SERVER_COMMANDS, startRtspServer } from "../support/rtsp-server.ts";
import { cannotMakeHosts } from "../support/two-hosts.ts";
import {
  startHouseNetwork,
  type Captured,
  type Flow,
  type HouseNetwork,
} from "./egress-network.ts";
import { CannotLook, type TortureGroup, type TortureResult } from "./frame.ts";

const FULL_SECONDS = 600;
const SHORT_SECONDS = 30;
const INSIDE = path.join(projectRoot, "test/torture/egress-inside.ts");
/** Groups that the names of a house's network are answered in (RFC 6762), and its port. */
const MDNS = { groups: ["224.0.0.251", "ff02::fb"], port: 5353 } as const;
/** Solicitation and advertisement of routers and neighbours, and reports of groups: the kernel's own. */
const OF_THE_KERNEL = ["icmp6-133", "icmp6-135", "icmp6-136", "icmp6-143", "ip-2", "arp-reply"];

/** Somebody who looks in over the network, again and again, until it is ended. */
const VIEWER = `
  const https = require("node:https");
  let answered = 0;
  const ask = () => https.get({
    host: process.argv[1], port: process.argv[2], path: "/api/hub", servername: "doorward.local",
    rejectUnauthorized: false, headers: { host: "doorward.local:" + process.argv[2] },
  }, (answer) => { answered += answer.statusCode === 200 ? 1 : 0; answer.resume(); })
    .on("error", () => undefined);
  setInterval(ask, 500);
  process.stdin.on("end", () => { console.log(answered); process.exit(0); }).resume();
`;

/** Somebody on the hub's machine who looks up a name and then calls out. */
const PLANTED = { name: "telemetry.example.org", address: "192.0.2.9", port: 9 } as const;
const CALL_OUT = `
  require("node:dns").lookup("${PLANTED.name}", () =>
    require("node:dgram").createSocket("udp4")
      .send("x", ${PLANTED.port}, "${PLANTED.address}", () => process.exit(0)));
`;

/** What was done meanwhile, as the other side tells it. */
interface Inside {
  readonly looks: number;
  /** Sealed files of both hubs. */
  readonly files: number;
  readonly problems: readonly string[];
  /** Exit code of an owner's `witness`. */
  readonly witnessed: number | null;
}

export interface EgressRun {
  readonly inside: Inside;
  readonly captured: Captured;
  /** Answers that the viewer on the network had. */
  readonly viewed: number;
  /** What went to neither camera nor viewer. */
  readonly stray: readonly Flow[];
  /** Whether the call that was planted afterwards was seen, both its name and its packet. */
  readonly isPlantedSeen: boolean;
}

/**
 * Hub, camera, browser and viewer on a network of their own, for `seconds`, with every packet that
 * leaves the hub's machine counted, until everything there has stopped. Then somebody on that machine
 * calls out, which has to be seen.
 *
 * @throws CannotLook where no network namespace may be made.
 */
export async function watchEgress(
  seconds: number,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<EgressRun> {
  if (cannotMakeHosts()) throw new CannotLook("no network namespace can be made here");
  await using network = await startHouseNetwork();
  const { camera: host } = network;
  await using camera = await startRtspServer({ address: host.address, within: host.within });
  await using machine = startInside(network, [camera.mainUrl, camera.subUrl, String(seconds)]);
  signal?.addEventListener("abort", machine.stop, { once: true });
  const { lanPort } = await machine.said<{ lanPort: number }>();
  const viewer = startViewer(network, lanPort);
  try {
    const inside = await machine.said<Inside>();
    const viewed = await viewer.end();
    await machine.ended();
    const strayOf = ({ flows }: Captured): Flow[] =>
      flows.filter((flow) => !isOfTheHouse(flow, network, { rtsp: camera.port, lan: lanPort }));
    const captured = await network.captured();
    const [program = "", ...within] = network.hub.within;
    await promisify(execFile)(program, [...within, process.execPath, "-e", CALL_OUT]);
    const planted = await network.captured();
    const isPlantedSeen =
      planted.asked.includes(PLANTED.name) &&
      strayOf(planted).some(
        ({ to, otherPort }) => to === PLANTED.address && otherPort === PLANTED.port,
      );
    return { inside, captured, viewed, stray: strayOf(captured), isPlantedSeen };
  } finally {
    await viewer.end();
    signal?.throwIfAborted();
  }
}

function isOfTheHouse(
  flow: Flow,
  network: HouseNetwork,
  ports: { readonly rtsp: number; readonly lan: number },
): boolean {
  const { protocol, to, ownPort, otherPort } = flow;
  const { camera, viewer } = network;
  if (OF_THE_KERNEL.includes(protocol)) return true;
  if (protocol === "arp") return [camera.address, viewer.address].includes(to);
  if (protocol === "tcp" && to === camera.address) return otherPort === ports.rtsp;
  if (protocol === "tcp" && to === viewer.address) return ownPort === ports.lan;
  return protocol === "udp" && otherPort === MDNS.port && MDNS.groups.some((group) => group === to);
}

function startViewer({ hub, viewer }: HouseNetwork, port: number): { end(): Promise<number> } {
  const [program, ...args] = [
    ...[...viewer.within, process.execPath, "-e", VIEWER, hub.address, String(port)],
  ];
  const child = spawn(program ?? "", args, { stdio: ["pipe", "pipe", "inherit"] });
  let said = "";
  child.stdout.on("data", (part) => (said += String(part)));
  const closed = once(child, "close");
  return {
    end: async () => {
      child.stdin.end();
      await closed;
      return Number(said);
    },
  };
}

interface InsideMachine extends AsyncDisposable {
  /** The next line that it prints. @throws Error with what it said where it ended before. */
  said<T>(): Promise<T>;
  /** @throws Error with what it said where it did not end well. */
  ended(): Promise<void>;
  readonly stop: () => void;
}

function startInside({ hub }: HouseNetwork, args: readonly string[]): InsideMachine {
  const [program, ...rest] = [...hub.within, process.execPath, INSIDE, ...args];
  const child = spawn(program ?? "", rest, { stdio: ["ignore", "pipe", "pipe"] });
  let errors = "";
  child.stderr.on("data", (part) => (errors = (errors + String(part)).slice(-4_000)));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const closed = once(child, "close");
  const stop = (): void => void child.kill("SIGTERM");
  return {
    said: async <T>() => {
      const { value, done } = await lines.next();
      if (done) throw new Error(`The hub's machine ended: ${(await closed, errors)}`);
      return JSON.parse(value) as T;
    },
    ended: async () => {
      await closed;
      if (child.exitCode !== 0) throw new Error(`The hub's machine ended badly: ${errors}`);
    },
    stop,
    [Symbol.asyncDispose]: async () => {
      await Promise.race([closed, wait(20_000)]);
      child.kill("SIGKILL");
      await closed;
    },
  };
}

export function egressResults(run: EgressRun, seconds: number): TortureResult[] {
  const { inside, captured, viewed, stray, isPlantedSeen } = run;
  const packets = captured.flows.reduce((sum, flow) => sum + flow.packets, 0);
  const strayPackets = stray.reduce((sum, flow) => sum + flow.packets, 0);
  const isComplete =
    captured.lost === 0 && viewed > 0 && inside.files > 1 && inside.witnessed === 0 && packets > 0;
  const did = `${inside.files} sealed files, ${inside.looks} screens, ${viewed} answers to a viewer, ${packets} packets that left`;
  const context = `${seconds} s; ${did}`;
  const destinations = stray
    .slice(0, 5)
    .map(({ protocol, to, otherPort, name }) =>
      [protocol, to, otherPort || "", name].join(" ").trim(),
    );
  return [
    {
      name: "egress.control",
      holds: isPlantedSeen,
      detail: isPlantedSeen
        ? `a look-up of ${PLANTED.name} and a packet to ${PLANTED.address}, planted, were caught`
        : "a planted call was not seen",
    },
    {
      name: "egress.packets",
      holds: isComplete && stray.length === 0,
      detail: !isComplete
        ? `nothing is shown: ${captured.lost} packets were not read; ${did}`
        : stray.length === 0
          ? `nothing left for anybody but camera and viewers: ${did}`
          : `${strayPackets} packets left for others: ${destinations.join(", ")}`,
      figures: [{ name: "egress.packets", value: strayPackets, unit: "packets", context }],
    },
    {
      name: "egress.names",
      holds: isComplete && captured.asked.length === 0,
      detail:
        captured.asked.length === 0
          ? "no name was looked up"
          : `looked up: ${[...new Set(captured.asked)].slice(0, 10).join(", ")}`,
      figures: [{ name: "egress.dns", value: captured.asked.length, unit: "queries", context }],
    },
    {
      name: "egress.page",
      holds: inside.problems.length === 0,
      detail:
        inside.problems.length === 0
          ? "the page asked its hub alone, and nothing failed in it"
          : inside.problems.slice(0, 5).join("; "),
    },
  ];
}

export const group: TortureGroup = {
  name: "egress",
  promise: "Nothing leaves for anybody but the camera and who looks in, and no name is looked up",
  needs: [...RTSP_SERVER_COMMANDS, "ip", "chromium"],
  run: async ({ isFull, say, signal }) => {
    const seconds = isFull ? FULL_SECONDS : SHORT_SECONDS;
    say(`${seconds} s with hub, camera, browser and a viewer on a network of their own`);
    return egressResults(await watchEgress(seconds, { signal }), seconds);
  },
};
