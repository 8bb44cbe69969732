import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { foundHousehold } from "../../src/owner/household.ts";
import { openSealedFile } from "../../src/owner/open-clip.ts";
import type { HubInfo } from "../../src/protocol/api.ts";
import { fromBase64, sha256Hex } from "../../src/protocol/bytes.ts";
import { verifyKeyring } from "../../src/protocol/keyring.ts";
import { processTree } from "../support/memory-scan.ts";
import { projectRoot } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temporary.ts";

// Invariant 11: the hub opens no connection the owner did not configure.

const ENTRIES = [
  "main.ts",
  "ingest-main.ts",
  "bell-main.ts",
  "talk-main.ts",
  "camera-test-main.ts",
  "camera-probe-main.ts",
];

/** Every module that the hub's processes can load, from their entries on. */
function reachable(): string[] {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = readFileSync(path.join(projectRoot, "src", file), "utf8");
    for (const { fileName } of ts.preProcessFile(text, true, true).importedFiles)
      if (fileName.startsWith(".")) visit(path.join(path.dirname(file), fileName));
  };
  for (const entry of ENTRIES) visit(entry);
  return [...seen].toSorted();
}

/** Ways to reach out, with Node's own modules or with what is global. */
const REACHING_OUT =
  /from "(?:node:)?(?:net|tls|http|https|http2|dgram|dns|dns\/promises|undici|ws)"|\bfetch\(|new (?:WebSocket|EventSource)\(|XMLHttpRequest|sendBeacon/;

/** Servers, multicast DNS, and what only reads addresses or certificates. */
const LISTENERS = [
  "http/server.ts",
  "lan/lan-certificates.ts",
  "lan/lan-listener.ts",
  "lan/mdns.ts",
  "lan/names.ts",
  "settings/listen.ts",
  "settings/notify.ts",
];

/** What somebody else's socket looks like may be said anywhere. */
function withoutTypes(text: string): string {
  return text.replaceAll(/^import type .*$/gm, "");
}

describe("in the source", () => {
  test("only the cameras' own clients can open a connection", () => {
    const modules = reachable();
    expect(modules.length).toBeGreaterThan(60);
    const found = modules.filter((file) =>
      REACHING_OUT.test(withoutTypes(readFileSync(path.join(projectRoot, "src", file), "utf8"))),
    );
    // The second one wraps the pipe that the hub gave to the process.
    expect(found).toEqual(
      [
        "camera/bell/mqtt-link.ts",
        "camera/device-http.ts",
        "camera/onvif/discovery.ts",
        "camera/rtmp-client.ts",
        "camera/rtsp-client.ts",
        // Listen, and say nothing but to the house's own network; the next test holds them to it.
        ...LISTENERS,
        "ingest/pipe.ts",
        // Where a device has switched notifications on; the first only reads addresses.
        "notify/push-endpoint.ts",
        "notify/push-send.ts",
        // Hosts that the settings name: ntfy, and endpoints of UnifiedPush; see test/notify/ntfy.
        "notify/outward.ts",
        // Where the settings list a webhook; the first only judges addresses.
        "notify/webhook-address.ts",
        "notify/webhook-post.ts",
        // Off unless the settings name a place; see test/mailbox.
        "mailbox/exchange.ts",
        // Off unless the settings name a place for a copy; see test/offsite.
        "offsite/exchange.ts",
      ].toSorted(),
    );
    const pipe = readFileSync(path.join(projectRoot, "src/ingest/pipe.ts"), "utf8");
    expect(pipe).not.toMatch(/connect|createConnection|createServer|host|port:/);
  });

  test("what listens for the house's network connects to nobody", () => {
    for (const file of LISTENERS) {
      const text = readFileSync(path.join(projectRoot, "src", file), "utf8");
      expect(text, file).not.toMatch(
        /\.connect\(|createConnection|new (?:net|tls)\.|https?\.(?:request|get)\(|lookup|resolve[46]/,
      );
    }
    // What is sent without having been asked goes to the group of RFC 6762, on the network itself.
    const mdns = readFileSync(path.join(projectRoot, "src/lan/mdns.ts"), "utf8");
    expect(mdns.match(/socket\.send\(/g)).toHaveLength(1);
    expect(mdns).toContain('{ 4: "224.0.0.251", 6: "ff02::fb" }');
  });

  test("(control: the command line's client would be found)", () => {
    const text = readFileSync(path.join(projectRoot, "src/owner/hub-client.ts"), "utf8");
    expect(REACHING_OUT.test(text)).toBe(true);
  });

  test("no name of a server is written anywhere in it", () => {
    const names = reachable().flatMap((file) => {
      const text = readFileSync(path.join(projectRoot, "src", file), "utf8");
      return [
        ...text.matchAll(/\b(?:https?|wss?|rtsps?|mqtts?):\/\/([a-z0-9-]+\.[a-z0-9.-]+)/g),
      ].map(([, name = ""]) => `${file} ${name}`);
    });
    // Names for documentation (RFC 2606, RFC 5737) and this machine are nobody's server.
    // Those of XML name a vocabulary: the device client asks one host, and it is none of these.
    // The other is the document type that a phone's profile begins with; this side only writes it.
    const vocabulary =
      /^(?:camera\/onvif\/\S+ (?:www\.onvif\.org|www\.w3\.org|docs\.oasis-open\.org|schemas\.xmlsoap\.org)|lan\/profile\.ts www\.apple\.com)$/;
    const nobody =
      / (?:127\.0\.0\.1|doorward\.local|192\.0\.2\.\d+|(?:[a-z0-9-]+\.)*example(?:\.(?:org|com|net))?)$/;
    expect(names.filter((name) => !nobody.test(name) && !vocabulary.test(name))).toEqual([]);
  });
});

interface Socket {
  readonly state: string;
  readonly local: string;
  readonly remote: string;
}

const LISTEN = "0A";

/** Internet sockets of a process, from /proc; unix sockets and pipes are not among them. */
function socketsOf(pid: number): Socket[] {
  try {
    return socketsNow(pid);
  } catch (error) {
    // It has ended since it was listed.
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}

function socketsNow(pid: number): Socket[] {
  const inodes = new Set<string>();
  for (const name of readdirSync(`/proc/${pid}/fd`))
    try {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${name}`)) ?? [];
      if (inode !== undefined) inodes.add(inode);
    } catch {
      // Closed between the two looks.
    }
  return ["tcp", "tcp6", "udp", "udp6"].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, "utf8")
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => inodes.has(fields[9] ?? ""))
      .map(([, local = "", remote = "", state = ""]) => ({
        state: table.startsWith("tcp") ? state : table,
        local,
        remote,
      })),
  );
}

interface RunningHub extends AsyncDisposable {
  readonly url: string;
  readonly claimCode: string;
  readonly child: ChildProcess;
  sockets(): Promise<Socket[]>;
}

async function runHub(settings: string): Promise<RunningHub> {
  const folder = temporaryFolder();
  writeFileSync(path.join(folder.path, "doorward.yaml"), `listen: { lan: false }\n${settings}`);
  const entry = path.join(projectRoot, "src/main.ts");
  const child = spawn(process.execPath, [entry, "--data", folder.path, "--port", "0", "--json"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  const ready = JSON.parse(line) as { url: string; claimCode: string };
  return {
    ...ready,
    child,
    sockets: async () => (await processTree(child.pid ?? 0)).flatMap(socketsOf),
    [Symbol.asyncDispose]: async () => {
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function post(url: string, body: unknown): Promise<unknown> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", connection: "close" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

async function claim({ url, claimCode: code }: RunningHub): Promise<void> {
  const info = (await (await fetch(`${url}/api/hub`)).json()) as HubInfo;
  const options = { kind: "x25519", label: "owner", nowMs: Date.now() } as const;
  const { statement, label, recovery } = await foundHousehold(info, options);
  const { readers } = verifyKeyring([statement]);
  const test = { code, originals: readers.originals, recovery: readers.recovery };
  const { file } = (await post(`${url}/api/claim/test`, test)) as { file: string };
  const opened = await openSealedFile(fromBase64(file, "file"), [recovery.reader.identity], null);
  await post(`${url}/api/claim`, { code, statement, label, proof: sha256Hex(opened) });
}

describe("running, over its whole process tree", () => {
  test("it dials its camera and nobody else, and listens on loopback alone", async () => {
    let dialled = 0;
    const camera = net.createServer((socket) => {
      dialled += 1;
      socket.on("error", () => {});
    });
    camera.listen(0, "127.0.0.1");
    await once(camera, "listening");
    const { port } = camera.address() as net.AddressInfo;
    try {
      await using hub = await runHub(
        `name: Test\ncameras:\n  - id: front\n    main: rtsp://127.0.0.1:${port}/main\n`,
      );
      const seen: Socket[] = [];
      const watch = async (durationMs: number): Promise<void> => {
        for (const until = performance.now() + durationMs; performance.now() < until;) {
          seen.push(...(await hub.sockets()));
          await sleep(25);
        }
      };
      await watch(1_000);
      expect(dialled).toBe(0);
      await claim(hub);
      await watch(2_500);
      expect(dialled).toBeGreaterThan(0);

      const listening = seen.filter(({ state }) => state === LISTEN);
      const ownPort = portHex(Number(new URL(hub.url).port));
      expect(new Set(listening.map(({ local }) => local))).toEqual(
        new Set([`0100007F:${ownPort}`]),
      );
      const outgoing = seen.filter(
        ({ state, local }) => state !== LISTEN && !local.endsWith(`:${ownPort}`),
      );
      expect(outgoing.length).toBeGreaterThan(0);
      expect(new Set(outgoing.map(({ remote }) => remote))).toEqual(
        new Set([`0100007F:${portHex(port)}`]),
      );
      expect(seen.filter(({ state }) => state.startsWith("udp"))).toEqual([]);
    } finally {
      camera.close();
    }
  });
});

function portHex(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, "0");
}
