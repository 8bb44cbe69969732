import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import net from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Hub } from "../../src/hub/hub.ts";
import { readSettingsFrom } from "../../src/settings/settings.ts";

/**
 * A hub, a broker and a sound card on a machine whose only network is its own loopback. Somebody
 * rings; one JSON line says what was heard. Run by the test beside this, inside a namespace.
 */
const folder = process.argv[2] ?? "";
const data = path.join(folder, "data");

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  server.close();
  return port;
}

/** How a connection to somewhere outside ends. */
async function outside(): Promise<string> {
  const socket = net.connect({ host: "192.0.2.1", port: 443 });
  return new Promise((resolve) => {
    socket.on("connect", () => resolve("connected"));
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "?"));
  });
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const began = performance.now(); !(await holds()); await sleep(20))
    if (performance.now() - began > 20_000) throw new Error(`waited too long for ${what}`);
}

const port = await freePort();
const config = path.join(folder, "broker.conf");
await writeFile(config, `listener ${port} 127.0.0.1\nallow_anonymous true\n`);
const broker = spawn("mosquitto", ["-c", config], { stdio: ["ignore", "pipe", "pipe"] });
const children: ChildProcess[] = [broker];
process.on("exit", () => children.forEach((child) => child.kill("SIGKILL")));
let said = "";
broker.stderr.on("data", (text: Buffer) => (said += text.toString()));
await until("the broker", () => said.includes("running"));
const listener = spawn(
  "stdbuf",
  [
    "-oL",
    "mosquitto_sub",
    "-h",
    "127.0.0.1",
    "-p",
    String(port),
    "-t",
    "#",
    "-F",
    "%t %p %r",
    "-d",
  ],
  { stdio: ["ignore", "pipe", "inherit"] },
);
children.push(listener);
let heard = "";
listener.stdout.on("data", (text: Buffer) => (heard += text.toString()));
await until("the listener", () => heard.includes("SUBACK"));

const text = `
mqtt: { url: "mqtt://127.0.0.1:${port}" }
chime: { sound: two-tones, volume: 80, mqtt: { topic: house/chime, payload: ring } }
cameras:
  - { id: front, main: "rtsp://127.0.0.1:9/main", bells: [ { via: webhook } ] }
`;
const settings = {
  ...readSettingsFrom({
    file: "settings",
    text,
    secrets: new Map(),
    environment: {},
    facesUnsaid: "keep",
  }),
  port: 0,
};
const hub = await Hub.start({
  ...{ dataDirectory: data, settings },
  log: () => undefined,
});
const { bells, chime } = hub.services;
const triedAtMs = (): number => chime.answer().tried.audio?.atMs ?? 0;
await until("the silent trial", () => triedAtMs() > 0);
const silentAtMs = triedAtMs();
await until("the broker's connection", () =>
  bells.publish("test/hello", "hello").then(
    () => true,
    () => false,
  ),
);
const outcome = bells.press("front", "test");
await until("the message", () => heard.includes("house/chime"));
await until("the sound", () => triedAtMs() > silentAtMs);
await until("its answer", () => chime.answer().tried.mqtt !== null);
const { tried } = chime.answer();
const answer = {
  ...{ outside: await outside(), outcome, tried },
  heard: heard.split("\n").filter((line) => line.startsWith("house/")),
};
await hub[Symbol.asyncDispose]();
process.stdout.write(`${JSON.stringify(answer)}\n`, () => process.exit(0));
