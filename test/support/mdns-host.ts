import dgram from "node:dgram";
import { createInterface } from "node:readline";
import { Mdns } from "../../src/lan/mdns.ts";
import { lanAddresses } from "../../src/lan/names.ts";
import { addressText, readMdns, TYPE_ANY, writeMdns } from "../../src/lan/mdns-packet.ts";

/**
 * A machine of a test, in a namespace of its own. `hold NAME` goes by a name as a hub does; `ask NAME`
 * asks all by multicast and prints who answers with what; `leave` gives the name up. One line of JSON
 * for each thing that happens.
 */
const say = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
let mdns: Mdns | null = null;

for await (const line of createInterface({ input: process.stdin })) {
  const [command, name = ""] = line.split(" ");
  if (command === "hold") {
    mdns ??= new Mdns({
      monotonicMs: () => performance.now(),
      retryMs: 1_000,
      onChange: (held, state) => say({ held, ...state }),
    });
    await mdns.show([name], lanAddresses());
  } else if (command === "leave") {
    mdns?.[Symbol.dispose]();
    mdns = null;
    say({ left: true });
  } else if (command === "ask") ask(name);
  else if (command === "end") process.exit(0);
}

/** As a resolver of plain DNS does: from a port of its own, answered directly. */
function ask(name: string): void {
  const socket = dgram.createSocket("udp4");
  socket.on("message", (bytes, { address }) => {
    const { answers } = readMdns(bytes);
    say({ answeredBy: address, addresses: answers.map(({ data }) => addressText(data)) });
  });
  socket.bind(0, () => {
    const questions = [{ name, type: TYPE_ANY, isUnicast: false }];
    socket.send(writeMdns({ isResponse: false, questions }), 5353, "224.0.0.251", () =>
      say({ asked: name }),
    );
  });
}
