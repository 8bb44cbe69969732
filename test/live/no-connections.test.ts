import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { CLI_ENTRY, runCommand, startLiveHub, TEST_TIMEOUT_MS } from "../support/live-hub.ts";
import { missingCommands } from "../support/requirements.ts";
import { busyDoorFootage } from "./door-footage.ts";
import { filesBelow } from "./inspect.ts";

const isMissing = missingCommands("ffmpeg", "bwrap", "unshare", "nsenter", "/usr/bin/python3");

/** Switches the loopback interface on, then becomes the program that follows. */
const LOOPBACK_ON = `
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 0x41))
os.execvp(sys.argv[1], sys.argv[1:])
`;

/** What the kernel has counted in the network that a process lives in. */
interface Counters {
  /** Connections that were begun, less those that the same network has answered. */
  readonly outward: number;
  /** Packets or connections to somewhere to which this network has no way. */
  readonly noRoute: number;
  readonly datagrams: number;
}

async function countersOf(pid: number): Promise<Counters> {
  const text = await readFile(`/proc/${pid}/net/snmp`, "utf8");
  const count = (protocol: string, name: string): number => {
    const [names, values] = text.split("\n").filter((line) => line.startsWith(`${protocol}: `));
    const index = names?.split(" ").indexOf(name) ?? -1;
    if (index < 1) throw new Error(`Cannot count: no ${protocol} ${name}`);
    return Number(values?.split(" ")[index]);
  };
  const version6 = await readFile(`/proc/${pid}/net/snmp6`, "utf8").catch(() => "");
  const noRoute6 = Number(/^Ip6OutNoRoutes\s+(\d+)/m.exec(version6)?.[1] ?? 0);
  return {
    outward: count("Tcp", "ActiveOpens") - count("Tcp", "PassiveOpens"),
    noRoute: count("Ip", "OutNoRoutes") + noRoute6,
    datagrams: count("Udp", "OutDatagrams"),
  };
}

test.skipIf(isMissing || process.getuid?.() !== 0)(
  "a hub without a camera on the network tries to reach nothing and nobody (invariant 11)",
  { timeout: TEST_TIMEOUT_MS },
  async () => {
    const { file } = busyDoorFootage();
    // A network of its own, in which there is nothing but the hub and what the test sends in.
    await using hub = await startLiveHub({
      cameras: `cameras:\n  - { id: door, source: ffmpeg, input: "${file}" }`,
      within: ["unshare", "--net", "/usr/bin/python3", "-c", LOOPBACK_ON],
    });
    const inside = (...command: string[]): ReturnType<typeof runCommand> =>
      runCommand(["nsenter", `--net=/proc/${hub.pid}/ns/net`, process.execPath, ...command]);
    expect(await countersOf(hub.pid)).toEqual({ outward: 0, noRoute: 0, datagrams: 0 });
    const claim = ["owner", "claim", "--hub", hub.url.replace("localhost", "127.0.0.1")];
    const { claimCode } = hub.ready;
    const owner = ["--code", claimCode ?? "", "--keys", hub.keysDirectory];
    expect(await inside(CLI_ENTRY, ...claim, ...owner)).toMatchObject({ code: 0 });
    await hub.waitFor("some sealed segments", async () => {
      const files = await filesBelow(hub.clipsDirectory);
      return files.filter((each) => each.endsWith(".age")).length >= 2 ? true : null;
    });
    // The claim's own connections came from inside and were answered there.
    expect(await countersOf(hub.pid)).toEqual({ outward: 0, noRoute: 0, datagrams: 0 });
    // Whatever tries is counted: a page from elsewhere, and a name that has to be looked up.
    await inside("-e", 'await fetch("http://192.0.2.1/").catch(() => 0)');
    const after = await countersOf(hub.pid);
    expect(after.noRoute + after.outward).toBeGreaterThan(0);
    await inside("-e", 'await fetch("http://doorward.invalid/").catch(() => 0)');
    const last = await countersOf(hub.pid);
    expect(last.noRoute + last.datagrams).toBeGreaterThan(after.noRoute + after.datagrams);
  },
);
