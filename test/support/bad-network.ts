import { execFileSync, spawnSync } from "node:child_process";
import { missingCommands } from "./requirements.ts";

/**
 * A network of two ends, of which the far one is a network namespace: packets between them can be
 * lost as on a bad radio link. Needs root.
 */
export interface BadNetwork extends Disposable {
  /** Of the far end. */
  readonly address: string;
  /** What runs a program at the far end. */
  readonly within: readonly string[];
  /** Of every hundred packets, each way, this many are lost: 0 for none, 100 for a cut cable. */
  lose(percent: number): void;
}

/** For `skipIf`, with the reason printed. */
export function cannotLosePackets(): boolean {
  if (missingCommands("ip", "nft")) return true;
  const tried = spawnSync("ip", ["netns", "add", nameOf(process.pid)], { encoding: "utf8" });
  if (tried.status === 0) execFileSync("ip", ["netns", "del", nameOf(process.pid)]);
  else if (process.env["DOORWARD_STRICT"] === "1") throw new Error(tried.stderr);
  else console.warn("skipped: no right to make a network namespace");
  return tried.status !== 0;
}

function nameOf(pid: number): string {
  return `doorward-${pid}`;
}

export function startBadNetwork(): BadNetwork {
  const { pid } = process;
  const name = nameOf(pid);
  const near = `dwn${pid % 1_000_000}`;
  const far = `dwf${pid % 1_000_000}`;
  // Each test process has a network of four addresses to itself.
  const network = `10.213.${(pid >> 6) & 0xff}.${(pid & 0x3f) * 4}`;
  const host = (last: number): string =>
    network.replace(/\d+$/, (text) => `${Number(text) + last}`);
  const ip = (...args: string[]): void => void execFileSync("ip", args);
  const nft = (rules: string): void =>
    void execFileSync("ip", ["netns", "exec", name, "nft", "-f", "-"], { input: rules });
  const remove = (): void => ip("netns", "del", name);
  ip("netns", "add", name);
  try {
    ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", name);
    ip("addr", "add", `${host(1)}/30`, "dev", near);
    ip("link", "set", near, "up");
    ip("-n", name, "addr", "add", `${host(2)}/30`, "dev", far);
    ip("-n", name, "link", "set", far, "up");
    ip("-n", name, "link", "set", "lo", "up");
  } catch (error) {
    remove();
    throw error;
  }
  return {
    address: host(2),
    within: ["ip", "netns", "exec", name],
    lose(percent) {
      const rule =
        percent === 0 ? "" : percent >= 100 ? "drop" : `numgen random mod 100 < ${percent} drop`;
      nft(
        [
          "add table inet loss\nflush table inet loss",
          `table inet loss { chain input { type filter hook input priority 0; ${rule}; };`,
          `chain output { type filter hook output priority 0; ${rule}; }; }\n`,
        ].join("\n"),
      );
    },
    // Its end of the cable goes with it, and so does ours.
    [Symbol.dispose]: remove,
  };
}
