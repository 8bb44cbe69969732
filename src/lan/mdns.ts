import dgram from "node:dgram";
import { BlockList } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { MDNS_PORT, MdnsName, type MdnsLink, type MdnsNameState } from "./mdns-name.ts";
import { readMdns, type MdnsMessage } from "./mdns-packet.ts";
import type { LanAddress } from "./names.ts";

const GROUP = { 4: "224.0.0.251", 6: "ff02::fb" } as const;
const HOPS = 255;
const TICK_MS = 100;
const SETTLE_MAX_MS = 4_000;
const FIRST_PROBE_SPREAD_MS = 250;

interface OpenLink extends MdnsLink, Disposable {
  /** Interface, version and all addresses: another link where one of them is new. */
  readonly key: string;
}

/** What a name on the local network does, or why it does not. */
export type MdnsReport = MdnsNameState | { readonly state: "off"; readonly reason: string };

/**
 * Makes the hub's names known on the local network by multicast DNS (RFC 6762), and nothing else of
 * it: no service, no host name, no port. Answers only what comes from the interface's own network.
 */
export class Mdns implements Disposable {
  readonly #monotonicMs: () => number;
  readonly #onChange: (name: string, state: MdnsNameState) => void;
  readonly #names = new Map<string, MdnsName>();
  readonly #links = new Map<string, OpenLink>();
  readonly #troubles = new Map<string, string>();
  readonly #timer: NodeJS.Timeout;
  readonly #retry: { readonly retryMs?: number };

  constructor(options: {
    readonly monotonicMs: () => number;
    readonly onChange: (name: string, state: MdnsNameState) => void;
    /** As of {@link MdnsName}. */
    readonly retryMs?: number;
  }) {
    this.#retry = options.retryMs === undefined ? {} : { retryMs: options.retryMs };
    this.#monotonicMs = options.monotonicMs;
    this.#onChange = options.onChange;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  report(name: string): MdnsReport | null {
    const found = this.#names.get(name);
    if (!found) return null;
    const [reason] = this.#troubles.values();
    if (this.#links.size > 0) return found.state;
    return { state: "off", reason: reason ?? "this machine is in no network" };
  }

  /** As {@link report}, once it is known whether somebody else goes by the name. */
  async settled(name: string): Promise<MdnsReport | null> {
    for (let waitedMs = 0; waitedMs < SETTLE_MAX_MS; waitedMs += TICK_MS) {
      if (this.report(name)?.state !== "asking") break;
      await sleep(TICK_MS);
    }
    return this.report(name);
  }

  /** These names, on the interfaces of these addresses, from now on; changes nothing where all is so. */
  async show(names: readonly string[], addresses: readonly LanAddress[]): Promise<void> {
    const isNew = await this.#openLinks(addresses);
    for (const [name, held] of this.#names) {
      if (names.includes(name)) {
        if (isNew) held.askAgain(this.#monotonicMs());
        continue;
      }
      held.leave();
      this.#names.delete(name);
    }
    for (const name of names) {
      if (this.#names.has(name)) continue;
      this.#names.set(
        name,
        new MdnsName({
          name,
          links: () => [...this.#links.values()],
          onChange: (state) => this.#onChange(name, state),
          ...this.#retry,
          firstAtMs: this.#monotonicMs() + Math.random() * FIRST_PROBE_SPREAD_MS,
        }),
      );
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    for (const name of this.#names.values()) name.leave();
    this.#names.clear();
    for (const link of this.#links.values()) link[Symbol.dispose]();
    this.#links.clear();
  }

  #tick(): void {
    const nowMs = this.#monotonicMs();
    for (const name of this.#names.values()) harmless(() => name.tick(nowMs));
  }

  #hear(message: MdnsMessage, link: MdnsLink, from: dgram.RemoteInfo): void {
    const nowMs = this.#monotonicMs();
    for (const name of this.#names.values()) harmless(() => name.hear(message, link, from, nowMs));
  }

  /** @returns Whether one is there that was not there before, or with other addresses. */
  async #openLinks(addresses: readonly LanAddress[]): Promise<boolean> {
    const wanted = linksOf(addresses);
    for (const [key, link] of this.#links) {
      if (wanted.has(key)) continue;
      link[Symbol.dispose]();
      this.#links.delete(key);
    }
    this.#troubles.clear();
    let isNew = false;
    for (const [key, own] of wanted) {
      if (this.#links.has(key)) continue;
      const link = await this.#openLink(key, own);
      if (!link) continue;
      this.#links.set(key, link);
      isNew = true;
    }
    return isNew;
  }

  async #openLink(key: string, own: LinkAddresses): Promise<OpenLink | null> {
    const { family, interface: name } = own.via;
    const type = family === 4 ? "udp4" : "udp6";
    const socket = dgram.createSocket({ type, reuseAddr: true, ipv6Only: family === 6 });
    socket.on("error", () => undefined);
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once("error", reject);
        socket.bind({ port: MDNS_PORT, exclusive: true }, () => {
          socket.off("error", reject);
          resolve();
        });
      });
      const here = family === 4 ? own.via.address : `::%${name}`;
      socket.addMembership(GROUP[family], here);
      socket.setMulticastInterface(here);
      socket.setMulticastTTL(HOPS);
      // Others on this machine ask, too.
      socket.setMulticastLoopback(true);
    } catch (error) {
      socket.close();
      const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
      this.#troubles.set(key, `multicast DNS cannot be used on ${name} (${code})`);
      return null;
    }
    const link = linkOver(socket, key, own);
    socket.on("message", (bytes, from) => {
      // Nothing can be answered to port 0, and no machine that asks has it.
      if (from.port === 0) return;
      harmless(() => {
        if (isOnLink(from, own)) this.#hear(readMdns(bytes), link, from);
      });
    });
    socket.unref();
    return link;
  }
}

/** Closed once it has sent what it was given: its last word is that the name is gone. */
function linkOver(socket: dgram.Socket, key: string, { via, addresses }: LinkAddresses): OpenLink {
  let sending = 0;
  let isClosing = false;
  return {
    key,
    addresses: addresses.map(({ address }) => address),
    send: (message, to) => {
      if (isClosing) return;
      const { address, port } = to ?? { address: GROUP[via.family], port: MDNS_PORT };
      // A network that is down for now: the next look at the addresses finds out.
      harmless(() => {
        socket.send(message, port, address, () => {
          sending -= 1;
          if (isClosing && sending === 0) socket.close();
        });
        sending += 1;
      });
    },
    [Symbol.dispose]: () => {
      isClosing = true;
      if (sending === 0) harmless(() => socket.close());
    },
  };
}

interface LinkAddresses {
  /** Whose version the link speaks. */
  readonly via: LanAddress;
  readonly addresses: readonly LanAddress[];
  readonly networks: BlockList;
}

function linksOf(addresses: readonly LanAddress[]): Map<string, LinkAddresses> {
  const links = new Map<string, LinkAddresses>();
  const taken = new Set<string>();
  for (const via of addresses) {
    const own = addresses.filter((other) => other.interface === via.interface);
    const link = `${via.interface} ${via.family}`;
    if (taken.has(link)) continue;
    taken.add(link);
    const key = [link, ...own.map(({ address }) => address)].join(" ");
    links.set(key, { via, addresses: own, networks: networksOf(own) });
  }
  return links;
}

function networksOf(addresses: readonly LanAddress[]): BlockList {
  const networks = new BlockList();
  for (const { cidr, family } of addresses) {
    const [network, prefix] = cidr?.split("/") ?? [];
    if (network !== undefined && prefix !== undefined)
      networks.addSubnet(network, Number(prefix), family === 4 ? "ipv4" : "ipv6");
  }
  return networks;
}

/** RFC 6762, 11: what comes from elsewhere is no business of this network. */
function isOnLink(
  { address, family }: dgram.RemoteInfo,
  { via, networks }: LinkAddresses,
): boolean {
  const [plain = "", zone] = address.split("%");
  if (zone !== undefined && zone !== via.interface) return false;
  return networks.check(plain, family === "IPv4" ? "ipv4" : "ipv6");
}

/** Whatever it throws: anybody in the house may send anything, and a name is no reason to end a hub. */
function harmless(work: () => void): void {
  try {
    work();
  } catch {
    // What was not answered is asked again, and what was not said is said again.
  }
}
