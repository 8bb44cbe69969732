import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { projectRoot } from "../support/requirements.ts";
import { startHosts, type Host } from "../support/two-hosts.ts";

const PEER = path.join(projectRoot, "test/peers/packets.py");
/** Where every packet goes that is for nobody of this network. */
const BEYOND = "10.77.0.254";

/** What left a machine, counted where it leaves its network interface. */
export interface Flow {
  /** `tcp`, `udp`, `arp` (somebody was looked for), `arp-reply`, `icmp6-TYPE`, `ip-NUMBER`. */
  readonly protocol: string;
  readonly to: string;
  readonly ownPort: number;
  readonly otherPort: number;
  /** That was asked for, in a message of DNS; else empty. */
  readonly name: string;
  readonly packets: number;
}

export interface Captured {
  readonly flows: readonly Flow[];
  /** Packets that nobody counted: where it is not 0, nothing is shown. */
  readonly lost: number;
  /** Names for which the network's resolver was asked. */
  readonly asked: readonly string[];
}

/**
 * A house's network: a machine for the hub and its browser, one for the camera, one for somebody who
 * looks in over the network, and beyond them a router with a resolver, which answers every name and
 * forwards nothing. Whatever is sent anywhere is seen where it leaves the hub's machine.
 */
export interface HouseNetwork extends AsyncDisposable {
  readonly hub: Host;
  readonly camera: Host;
  readonly viewer: Host;
  /** What was noted since the last time it was asked. */
  captured(): Promise<Captured>;
}

export async function startHouseNetwork(): Promise<HouseNetwork> {
  await using stack = new AsyncDisposableStack();
  const [hub, camera, viewer, beyond] = stack.use(startHosts(4)).hosts;
  if (!hub || !camera || !viewer || !beyond) throw new Error("four hosts were asked for");
  stack.use(useResolver(hub));
  run(beyond, "ip", "addr", "add", `${BEYOND}/24`, "dev", "lan0");
  const resolver = stack.use(await startPeer(beyond, "--resolver", BEYOND));
  const packets = stack.use(await startPeer(hub, "lan0"));
  const held = stack.move();
  return {
    ...{ hub, camera, viewer },
    captured: async () => ({
      ...(await packets.say<Pick<Captured, "flows" | "lost">>()),
      asked: await resolver.say<string[]>(),
    }),
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** `ip netns exec` puts the files of this folder before those of /etc. */
function useResolver({ within }: Host): Disposable {
  const folder = path.join("/etc/netns", within.at(-1) ?? "");
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, "resolv.conf"), `nameserver ${BEYOND}\noptions timeout:1\n`);
  return { [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

function run({ within }: Host, ...command: string[]): void {
  const [program = "", ...args] = [...within, ...command];
  execFileSync(program, args);
}

interface Peer extends AsyncDisposable {
  /** Its next line. @throws Error where it has ended. */
  say<T>(): Promise<T>;
}

async function startPeer({ within }: Host, ...args: string[]): Promise<Peer> {
  const [program = "", ...rest] = [...within, "/usr/bin/python3", PEER, ...args];
  const child = spawn(program, rest, { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await lines.next();
  return {
    say: async <T>() => {
      child.stdin.write("\n");
      const { value, done } = await lines.next();
      if (done) throw new Error(`${args.join(" ")} has ended`);
      return JSON.parse(value) as T;
    },
    [Symbol.asyncDispose]: () => closed(child),
  };
}

/** It ends when nobody writes to it any more. */
async function closed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "close");
  child.stdin?.end();
  await ended;
}
