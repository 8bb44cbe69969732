import type { Sabotage } from "./sabotage.ts";

/** Edits to how the hub listens on the local network. */
export const LAN_SABOTAGES: readonly Sabotage[] = [
  {
    name: "an unclaimed hub answers everything on the local network",
    file: "src/http/lan-gate.ts",
    find: "if (isClaimed || access === undefined || beforeClaim === true) return;",
    replace: "if (isClaimed || access !== undefined || beforeClaim === true) return;",
    tests: ["test/http/lan.test.ts"],
    only: "only what the claim needs",
  },
  {
    name: "a proxy's name is taken from anybody",
    file: "src/http/access-check.ts",
    find: "if (proxy && host === new URL(proxy.origin).host && proxy.isPeer(raw.socket.remoteAddress))",
    replace: "if (proxy && host === new URL(proxy.origin).host)",
    tests: ["test/http/lan.test.ts"],
    only: "speaks for the household's origin",
  },
  {
    name: "a name that another machine answers to is used all the same",
    file: "src/lan/mdns-name.ts",
    find: "if (other !== null) this.#lose(other, nowMs);",
    replace: "if (other === null) this.#lose(this.name, nowMs);",
    tests: ["test/lan/mdns-name.test.ts"],
    only: "by another machine is left to it",
  },
  {
    name: "whoever fills the hub with connections pushes the household's out",
    file: "src/lan/lan-listener.ts",
    find: "const isAlike = (held: Held): boolean => held.isProven === proven;",
    replace:
      "const isAlike = (held: Held): boolean => held.isProven !== proven || proven === proven;",
    tests: ["test/lan/listener.test.ts"],
    only: "the oldest makes room",
  },
  {
    name: "a question from port 0 is answered, which no socket can",
    file: "src/lan/mdns.ts",
    find: "if (from.port === 0) return;",
    replace: "",
    tests: ["test/lan/mdns-datagrams.test.ts"],
    only: "from port 0 is not answered",
  },
  {
    name: "what a datagram brings about ends the hub",
    file: "src/lan/mdns.ts",
    find: "  try {\n    work();\n  } catch {",
    replace: "  try {\n    work();\n  } catch (error) {\n    throw error;",
    tests: ["test/lan/mdns-datagrams.test.ts"],
    only: "no datagram, timer or socket",
  },
  {
    name: "a device of the household shares its new connections with whoever makes noise",
    file: "src/lan/connection-budget.ts",
    find: "if (isProven) return this.#proven.take(peer, nowMs);",
    replace: "if (isProven && nowMs < 0) return this.#proven.take(peer, nowMs);",
    tests: ["test/lan/abuse.test.ts"],
    only: "get no handshake",
  },
  {
    name: "a kept connection that is abused is refused and kept",
    file: "src/http/front.ts",
    find: "front.keepsConnection(request) ? ",
    replace: "!front.keepsConnection(request) ? ",
    tests: ["test/lan/abuse.test.ts"],
    only: "and abused is answered",
  },
  {
    name: "a handshake lasts for as long as a byte comes now and then",
    file: "src/lan/lan-listener.ts",
    find: "if (isTls) this.#watchHandshake(socket, held);",
    replace: "if (isTls && proven) this.#watchHandshake(socket, held);",
    tests: ["test/lan/abuse.test.ts"],
    only: "that never end are ended",
  },
];
