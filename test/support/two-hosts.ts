import { execFileSync, spawnSync } from "node:child_process";
import { missingCommands } from "./requirements.ts";

/** A machine of its own on a network: a network namespace. */
export interface Host {
  readonly address: string;
  readonly address6: string;
  /** What runs a program on it. */
  readonly within: readonly string[];
}

export interface HostNetwork extends Disposable {
  readonly hosts: readonly Host[];
}

/** For `skipIf`, with the reason printed. */
export function cannotMakeHosts(): boolean {
  if (missingCommands("ip")) return true;
  const name = `dwtry${process.pid}`;
  const tried = spawnSync("ip", ["netns", "add", name], { encoding: "utf8" });
  if (tried.status === 0) execFileSync("ip", ["netns", "del", name]);
  else if (process.env["DOORWARD_STRICT"] === "1") throw new Error(tried.stderr);
  else console.warn("skipped: no right to make a network namespace");
  return tried.status !== 0;
}

/** Machines on one network, with IPv4 and IPv6 and real multicast; gone with their scope. */
export function startHosts(count: number): HostNetwork {
  const { pid } = process;
  const ip = (...args: string[]): void => void execFileSync("ip", args);
  const namespace = (index: number): string => `dwh${pid}-${index}`;
  const middle = `dwm${pid}`;
  const remove = (): void => {
    for (const name of [middle, ...Array.from({ length: count }, (_, index) => namespace(index))])
      spawnSync("ip", ["netns", "del", name]);
  };
  try {
    // The switch is in a namespace, too: nothing of it is seen on this machine.
    ip("netns", "add", middle);
    ip("-n", middle, "link", "add", "br0", "type", "bridge", "mcast_snooping", "0");
    ip("-n", middle, "link", "set", "br0", "up");
    const hosts = Array.from({ length: count }, (_, index): Host => {
      const name = namespace(index);
      const address = `10.77.0.${index + 1}`;
      const address6 = `fd77::${index + 1}`;
      ip("netns", "add", name);
      ip(
        "-n",
        name,
        "link",
        "add",
        "lan0",
        "type",
        "veth",
        "peer",
        "name",
        `p${index}`,
        "netns",
        middle,
      );
      ip("-n", middle, "link", "set", `p${index}`, "master", "br0");
      ip("-n", middle, "link", "set", `p${index}`, "up");
      ip("-n", name, "link", "set", "lo", "up");
      ip("-n", name, "addr", "add", `${address}/24`, "dev", "lan0");
      ip("-n", name, "addr", "add", `${address6}/64`, "dev", "lan0", "nodad");
      ip("-n", name, "link", "set", "lan0", "up");
      ip("-n", name, "route", "add", "default", "via", "10.77.0.254");
      return { address, address6, within: ["ip", "netns", "exec", name] };
    });
    return { hosts, [Symbol.dispose]: remove };
  } catch (error) {
    remove();
    throw error;
  }
}
