import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { expect, test, vi } from "vitest";
import { projectRoot } from "../support/requirements.ts";
import { cannotMakeHosts, startHosts, type Host } from "../support/two-hosts.ts";

type Said = Readonly<Record<string, unknown>>;

/** A process on a host, told by lines and heard by lines. */
class Machine implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #said: Said[] = [];

  constructor({ within }: Host, ...command: string[]) {
    const [program = "", ...args] = [...within, process.execPath, ...command];
    this.#child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
    if (!this.#child.stdout) throw new Error("no output");
    createInterface({ input: this.#child.stdout }).on("line", (line) =>
      this.#said.push(JSON.parse(line) as Said),
    );
  }

  tell(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** What it says next that is like this; everything before it is forgotten. */
  async hears(like: Said): Promise<Said> {
    const matches = (said: Said): boolean =>
      Object.entries(like).every(([key, value]) => said[key] === value);
    await vi.waitUntil(() => this.#said.some(matches), { timeout: 50_000, interval: 50 });
    const [found = {}] = this.#said.splice(0, this.#said.findIndex(matches) + 1).slice(-1);
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}

const HOST = path.join(projectRoot, "test/support/mdns-host.ts");
/** Somebody else's responder, which gives itself another name where there is a conflict. */
const OTHER = `
const { getResponder } = require("@homebridge/ciao");
const service = getResponder({ interface: "lan0" }).createService({ name: "doorward", type: "http", port: 80, hostname: "doorward" });
service.on("hostname-change", (name) => process.stdout.write(JSON.stringify({ renamed: name }) + "\\n"));
service.advertise().then(() => process.stdout.write(JSON.stringify({ advertised: service.getHostname() }) + "\\n"));
process.stdin.on("data", () => service.end().then(() => process.stdout.write('{"ended":true}\\n')));
`;

test.skipIf(cannotMakeHosts())(
  "a name is found by another machine; who comes second with it leaves it alone and takes it when it is free",
  { timeout: 120_000 },
  async () => {
    using network = startHosts(3);
    const [first, second, third] = network.hosts;
    if (!first || !second || !third) throw new Error("no hosts");
    await using hub = new Machine(first, HOST);
    hub.tell("hold doorward.local");
    await hub.hears({ held: "doorward.local", state: "held" });
    await using phone = new Machine(third, HOST);
    phone.tell("ask doorward.local");
    const answer = await phone.hears({ answeredBy: first.address });
    expect(answer["addresses"]).toContain(first.address);
    expect(answer["addresses"]).toContain("fd77:0:0:0:0:0:0:1");

    await using late = new Machine(second, HOST);
    late.tell("hold doorward.local");
    expect(await late.hears({ state: "taken" })).toMatchObject({ held: "doorward.local" });
    phone.tell("ask doorward.local");
    await phone.hears({ answeredBy: first.address });
    hub.tell("leave");
    await hub.hears({ left: true });
    await late.hears({ held: "doorward.local", state: "held" });
    phone.tell("ask doorward.local");
    await phone.hears({ answeredBy: second.address });
  },
);

test.skipIf(cannotMakeHosts())(
  "beside a responder of another make, it is that one which is renamed",
  { timeout: 120_000 },
  async () => {
    using network = startHosts(2);
    const [first, second] = network.hosts;
    if (!first || !second) throw new Error("no hosts");
    await using hub = new Machine(first, HOST);
    hub.tell("hold doorward.local");
    await hub.hears({ held: "doorward.local", state: "held" });
    await using other = new Machine(second, "-e", OTHER);
    expect(await other.hears({ advertised: "doorward-(2).local." })).toBeDefined();
    // And the other way round.
    hub.tell("hold doorward-(2).local");
    expect(await hub.hears({ held: "doorward-(2).local", state: "taken" })).toBeDefined();
  },
);
