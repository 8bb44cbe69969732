import dgram from "node:dgram";
import { expect, test, vi } from "vitest";
import { Mdns } from "../../src/lan/mdns.ts";
import { TYPE_A, writeMdns } from "../../src/lan/mdns-packet.ts";
import type { LanAddress } from "../../src/lan/names.ts";

const NAME = "datagrams.local";
const HERE: LanAddress = {
  ...{ interface: "lo", family: 4, address: "127.0.0.1", cidr: "127.0.0.1/8" },
};
const QUESTION = writeMdns({
  ...{ isResponse: false, questions: [{ name: NAME, type: TYPE_A, isUnicast: false }] },
});

/** A name that is held on the loopback interface, over a socket of its own port. */
async function held() {
  let socket: dgram.Socket | null = null;
  let nowMs = 0;
  const create = dgram.createSocket;
  const made = vi.spyOn(dgram, "createSocket").mockImplementation((options) => {
    if (typeof options === "string") throw new Error("not as it is made here");
    const opened = create(options);
    const bind = opened.bind.bind(opened);
    opened.bind = (_at?: unknown, then?: unknown) =>
      bind({ port: 0, address: "127.0.0.1" }, then as () => void);
    socket = opened;
    return opened;
  });
  const mdns = new Mdns({ monotonicMs: () => nowMs, onChange: () => undefined });
  try {
    await mdns.show([NAME], [HERE]);
  } finally {
    made.mockRestore();
  }
  if (socket === null) throw new Error("no socket");
  const opened: dgram.Socket = socket;
  /** Of the network: no datagram can be sent from port 0 without being root. */
  const hears = (port: number, bytes = QUESTION): void =>
    void opened.emit("message", bytes, { address: "127.0.0.9", family: "IPv4", port, size: 1 });
  await expect
    .poll(() => {
      nowMs += 300;
      return mdns.report(NAME)?.state;
    })
    .toBe("held");
  const passes = (ms: number): void => void (nowMs += ms);
  return { mdns, socket: opened, sent: vi.spyOn(opened, "send"), hears, passes };
}

test("a question from port 0 is not answered, and the next one is", async () => {
  const { mdns, sent, hears } = await held();
  using _ = mdns;
  sent.mockClear();
  hears(0);
  expect(sent).not.toHaveBeenCalled();
  hears(40_000);
  expect((sent.mock.calls as unknown[][]).map((call) => call.slice(1, 3))).toEqual([
    ...[[40_000, "127.0.0.9"]],
  ]);
});

test("no datagram, timer or socket ends the hub", async () => {
  const { mdns, socket, sent, hears, passes } = await held();
  using _ = mdns;
  hears(40_000, new Uint8Array());
  hears(40_000, new Uint8Array(9_000).fill(255));
  socket.emit("error", new Error("of the network"));
  // No socket sends to it, whatever brought it here.
  hears(70_000);
  sent.mockClear();
  sent.mockImplementation(() => {
    throw new Error("of the system");
  });
  hears(40_000);
  expect(sent).toHaveBeenCalledTimes(1);
  // The second time that it is made known.
  passes(2_000);
  await expect.poll(() => sent.mock.calls.length).toBe(2);
  sent.mockRestore();
  hears(40_000);
  expect(mdns.report(NAME)).toEqual({ state: "held" });
});
