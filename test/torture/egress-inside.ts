import { readFileSync } from "node:fs";
import tls from "node:tls";
import { setTimeout as wait } from "node:timers/promises";
import { startLiveHub, type LiveHub } from "../support/live-hub.ts";
import { rtspCamera, shown } from "../support/page-live.ts";
import { startPage, type TestPage } from "../support/page.ts";
import { until } from "./frame.ts";

/**
 * Runs on the hub's machine, in a network namespace of its own: a hub as people start it, open to the
 * network, and another one whose page a browser goes through; both with the one camera. Prints
 * the hub's port on the network, and after `seconds`, when both have recorded, what was done.
 */
const [main = "", sub = "", seconds = "30"] = process.argv.slice(2);

const SCREENS = [
  ...["#/live", "#/events", "#/requests", "#/ledger", "#/transparency", "#/house", "#/cameras"],
  ...["#/notifications", "#/health"],
];

/** What a browser does for its maker, and no page can. */
const QUIET_BROWSER = [
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-domain-reliability",
  "--disable-sync",
  "--no-pings",
  "--metrics-recording-only",
  // Whom it asks by itself. What the page asks for, its own tools tell beside the packets.
  "--host-resolver-rules=MAP *.google.com ~NOTFOUND, MAP *.googleapis.com ~NOTFOUND, MAP *.gstatic.com ~NOTFOUND, MAP *.gvt1.com ~NOTFOUND",
  // It asks its maker what the fields of every form mean; and what the test's driver switches off.
  "--disable-features=AutofillServerCommunication,MediaRouter,DialMediaRouteProvider,OptimizationHints,Translate,CertificateTransparencyComponentUpdater,HttpsUpgrades",
];

async function goThrough(page: TestPage, deadlineMs: number): Promise<{ looks: number }> {
  let looks = 0;
  while (performance.now() < deadlineMs || looks < SCREENS.length) {
    await page.page.goto(`${page.url}/${SCREENS[looks % SCREENS.length] ?? ""}`);
    await page.page.locator("main").first().waitFor();
    if (looks % SCREENS.length === 0)
      await until(
        "a live picture",
        async () => (await shown(page.page, "front")).state === "playing",
      );
    await wait(500);
    looks += 1;
  }
  return { looks };
}

/** Where the hub answers the network with TLS; the other port there shows its certificate. */
async function networkPort(pid: number): Promise<number> {
  let found = 0;
  await until("a listener on the network", async () => {
    for (const port of networkPorts(pid)) if (await speaksTls(port)) found = port;
    return found !== 0;
  });
  return found;
}

function networkPorts(pid: number): number[] {
  return ["tcp", "tcp6"].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, "utf8")
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local = "", , state]) => state === "0A" && !local.startsWith("0100007F"))
      .map(([, local = ""]) => Number.parseInt(local.split(":")[1] ?? "", 16)),
  );
}

async function speaksTls(port: number): Promise<boolean> {
  const socket = tls.connect({
    ...{ host: "10.77.0.1", port, servername: "doorward.local", rejectUnauthorized: false },
  });
  return new Promise((resolve) => {
    socket.once("secureConnect", () => resolve(true)).once("error", () => resolve(false));
  }).finally(() => socket.destroy()) as Promise<boolean>;
}

/** Sealed files that are whole, of recordings that go on, too. */
function sealedFiles(page: TestPage): number {
  const { clips } = page.hub.hub.services;
  return clips.list().clips.reduce((sum, { id }) => sum + clips.files(id).length, 0);
}

async function startClaimedHub(): Promise<LiveHub> {
  const hub = await startLiveHub({
    cameras: `cameras:\n  - id: front\n    main: ${main}\n    sub: ${sub}\n`,
    listen: "{ lan: true }",
  });
  try {
    await hub.claim("--classic");
    return hub;
  } catch (error) {
    await hub[Symbol.asyncDispose]();
    throw error;
  }
}

await using stack = new AsyncDisposableStack();
// Both come to their end before the stack may be left: what is started later would not be stopped.
const [hubStarted, pageStarted] = await Promise.allSettled([
  startClaimedHub().then((started) => stack.use(started)),
  startPage({
    hub: { settings: { cameras: [rtspCamera("front", "Front door", main, sub)] } },
    switches: QUIET_BROWSER,
    serviceWorker: true,
  }).then((started) => stack.use(started)),
]);
if (hubStarted.status === "rejected") throw hubStarted.reason;
if (pageStarted.status === "rejected") throw pageStarted.reason;
const { value: hub } = hubStarted;
const { value: page } = pageStarted;
const lanPort = await networkPort(hub.pid);
process.stdout.write(`${JSON.stringify({ lanPort })}\n`);
const { looks } = await goThrough(page, performance.now() + Number(seconds) * 1_000);
const limitMs = 120_000;
await until("a sealed file", () => sealedFiles(page) > 0, { limitMs });
const segmentsOf = async (): Promise<number> =>
  (await hub.clips()).reduce((sum, { segments }) => sum + segments, 0);
await until("another hub's sealed file", async () => (await segmentsOf()) > 0, { limitMs });
const witnessed = await hub.cli("owner", "witness", "--keys", hub.keysDirectory);
const done = {
  looks,
  files: sealedFiles(page) + (await segmentsOf()),
  problems: page.problems,
  witnessed: witnessed.code,
};
process.stdout.write(`${JSON.stringify(done)}\n`);
