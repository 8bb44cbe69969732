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
    find: "if (held.isProven !== proven) continue;",
    replace: "if (held.isProven === proven) continue;",
    tests: ["test/lan/listener.test.ts"],
    only: "the oldest makes room",
  },
];
