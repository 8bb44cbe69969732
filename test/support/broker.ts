import { execFile, execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { promisify } from "node:util";
import { temporaryFolder } from "./temporary.ts";

const run = promisify(execFile);
/** Debian puts servers where a person's PATH does not look. */
const PATH = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`;
const env = { ...process.env, PATH };

/** Debian's mosquitto on a free port, with one user, and its own client to publish with. */
export class Broker implements AsyncDisposable {
  readonly port: number;
  readonly #user: string;
  readonly #password: string;
  readonly #folder: ReturnType<typeof temporaryFolder>;
  #child: ChildProcess | null = null;

  private constructor(port: number, user: string, password: string) {
    this.port = port;
    this.#user = user;
    this.#password = password;
    this.#folder = temporaryFolder();
    const passwords = path.join(this.#folder.path, "passwords");
    execFileSync("mosquitto_passwd", ["-b", "-c", passwords, user, password], { env });
    const lines = [
      `listener ${port} 127.0.0.1`,
      "allow_anonymous false",
      `password_file ${passwords}`,
      "persistence true",
      `persistence_location ${this.#folder.path}/`,
      // Started by root, it would become somebody who cannot read the folder.
      ...(process.getuid?.() === 0 ? ["user root"] : []),
    ];
    writeFileSync(this.#configuration, `${lines.join("\n")}\n`);
  }

  static async start(of: { readonly user: string; readonly password: string }): Promise<Broker> {
    const broker = new Broker(await freePort(), of.user, of.password);
    await broker.#start();
    return broker;
  }

  async publish(topic: string, payload: string, { retain = false } = {}): Promise<void> {
    const who = ["-u", this.#user, "-P", this.#password];
    const where = ["-h", "127.0.0.1", "-p", String(this.port)];
    const file = path.join(this.#folder.path, "payload");
    writeFileSync(file, payload);
    const what = ["-q", "1", "-t", topic, "-f", file, ...(retain ? ["-r"] : [])];
    await run("mosquitto_pub", [...where, ...who, ...what], { env });
  }

  async restart(): Promise<void> {
    await this.#stop();
    await this.#start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
    await this.#folder[Symbol.asyncDispose]();
  }

  get #configuration(): string {
    return path.join(this.#folder.path, "mosquitto.conf");
  }

  async #start(): Promise<void> {
    const child = spawn("mosquitto", ["-c", this.#configuration], { stdio: "ignore", env });
    this.#child = child;
    for (;;) {
      if (child.exitCode !== null) throw new Error(`mosquitto ended with ${child.exitCode}`);
      if (await answers(this.port)) return;
    }
  }

  async #stop(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (!child || child.exitCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGTERM");
    await gone;
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = net.createConnection({ host: "127.0.0.1", port });
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function freePort(): Promise<number> {
  const server = net.createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
