import { toHex } from "../protocol/bytes.ts";
import { Lane } from "./lanes.ts";
import {
  addressBytes,
  addressText,
  negativeRecord,
  TYPE_A,
  TYPE_AAAA,
  TYPE_ANY,
  writeMdns,
  type MdnsMessage,
  type MdnsQuestion,
  type MdnsRecord,
} from "./mdns-packet.ts";

/** RFC 6762, 8.1: three questions, a quarter of a second apart. */
const PROBES = 3;
const PROBE_EVERY_MS = 250;
const LOST_PROBE_WAIT_MS = 1_000;
const ANNOUNCEMENTS = 2;
const ANNOUNCE_EVERY_MS = 1_000;
const CONFLICT_RETRY_MS = 30_000;
/** RFC 6762, 10: of records that have a host's address in them. */
const TTL_SECONDS = 120;
const PLAIN_TTL_SECONDS = 10;
const KNOWN_TTL_SECONDS = TTL_SECONDS / 2;
const MULTICAST_EVERY_MS = 1_000;
const DEFENCE_EVERY_MS = 250;
const UNICAST_PER_SECOND = 20;
export const MDNS_PORT = 5353;

/** One interface and IP version on which the name is made known. */
export interface MdnsLink {
  /** Of the interface, of both versions: what the name stands for there. */
  readonly addresses: readonly string[];
  /** To all, or to one who asked. */
  send(message: Uint8Array, to?: MdnsAsker): void;
}

export interface MdnsAsker {
  readonly address: string;
  readonly port: number;
}

export type MdnsNameState =
  | { readonly state: "asking" | "held" }
  /** Somebody else answers to the name, from this address: it is not used meanwhile. */
  | { readonly state: "taken"; readonly by: string };

/**
 * A name on the local network, or nothing: where somebody else answers to it with other addresses, it
 * is left to him, asked for again later, and never changed, since keys and the household's trust
 * belong to it.
 */
export class MdnsName {
  readonly name: string;
  readonly #links: () => readonly MdnsLink[];
  readonly #onChange: (state: MdnsNameState) => void;
  readonly #unicast = new Lane(UNICAST_PER_SECOND, UNICAST_PER_SECOND * 2);
  readonly #multicastAtMs = new WeakMap<MdnsLink, number>();
  #state: MdnsNameState = { state: "asking" };
  #isAsking = true;
  #probesSent = 0;
  #announcementsLeft = 0;
  readonly #retryMs: number;
  #dueMs: number;

  constructor(options: {
    readonly name: string;
    readonly links: () => readonly MdnsLink[];
    readonly onChange: (state: MdnsNameState) => void;
    /** Spread, so that machines that start together do not ask together: 0 to 250. */
    readonly firstAtMs: number;
    /** How long a taken name is left alone; by default half a minute. */
    readonly retryMs?: number;
  }) {
    this.name = options.name;
    this.#links = options.links;
    this.#onChange = options.onChange;
    this.#dueMs = options.firstAtMs;
    this.#retryMs = options.retryMs ?? CONFLICT_RETRY_MS;
  }

  get state(): MdnsNameState {
    return this.#state;
  }

  /** What time alone does; to be called ten times a second or so. */
  tick(nowMs: number): void {
    if (nowMs < this.#dueMs || this.#links().length === 0) return;
    if (this.#isAsking) {
      if (this.#probesSent === PROBES) this.#hold(nowMs);
      else this.#probe(nowMs);
    } else if (this.#state.state === "taken") this.askAgain(nowMs);
    else if (this.#announcementsLeft > 0) this.#announce(nowMs);
  }

  /** From the start: after a conflict, and where addresses are new. Nothing is answered until then. */
  askAgain(nowMs: number): void {
    this.#isAsking = true;
    this.#probesSent = 0;
    this.#dueMs = nowMs;
    if (this.#state.state === "held") this.#set({ state: "asking" });
  }

  hear(message: MdnsMessage, link: MdnsLink, asker: MdnsAsker, nowMs: number): void {
    if (message.isResponse) {
      const other = this.#foreignAddress(message.answers);
      if (other !== null) this.#lose(other, nowMs);
      return;
    }
    const asked = message.questions.filter(({ name }) => name === this.name);
    if (asked.length === 0) return;
    if (this.#isAsking) this.#compareProbe(message.proposed, link, nowMs);
    else if (this.#state.state === "held") this.#answer(message, asked, link, asker, nowMs);
  }

  /** Says that the name is not here any more. */
  leave(): void {
    if (this.#state.state !== "held") return;
    for (const link of this.#links())
      link.send(
        writeMdns({ isResponse: true, isWhole: true, answers: this.#records(link, [], 0) }),
      );
  }

  #probe(nowMs: number): void {
    this.#probesSent += 1;
    this.#dueMs = nowMs + PROBE_EVERY_MS;
    const questions = [{ name: this.name, type: TYPE_ANY, isUnicast: false }];
    for (const link of this.#links())
      link.send(writeMdns({ isResponse: false, questions, proposed: this.#records(link) }));
  }

  #hold(nowMs: number): void {
    this.#isAsking = false;
    this.#announcementsLeft = ANNOUNCEMENTS;
    this.#set({ state: "held" });
    this.#announce(nowMs);
  }

  #announce(nowMs: number): void {
    this.#announcementsLeft -= 1;
    this.#dueMs = nowMs + ANNOUNCE_EVERY_MS;
    for (const link of this.#links())
      link.send(writeMdns({ isResponse: true, isWhole: true, answers: this.#records(link) }));
  }

  /** While the name is held, it is asked for once more first: an answer may be old or passed on. */
  #lose(by: string, nowMs: number): void {
    if (!this.#isAsking && this.#state.state === "held") {
      this.askAgain(nowMs);
      return;
    }
    this.#isAsking = false;
    this.#dueMs = nowMs + this.#retryMs;
    this.#set({ state: "taken", by });
  }

  /** RFC 6762, 8.2: of two that ask for a name together, the one with the later bytes goes on. */
  #compareProbe(proposed: readonly MdnsRecord[], link: MdnsLink, nowMs: number): void {
    if (this.#foreignAddress(proposed) === null) return;
    const theirs = sortedData(proposed.filter(({ name }) => name === this.name));
    const ours = sortedData(this.#records(link));
    if (theirs <= ours) return;
    this.#probesSent = 0;
    this.#dueMs = nowMs + LOST_PROBE_WAIT_MS;
  }

  #answer(
    message: MdnsMessage,
    asked: readonly MdnsQuestion[],
    link: MdnsLink,
    asker: MdnsAsker,
    nowMs: number,
  ): void {
    const types = asked.map(({ type }) => type);
    const known = new Set(
      message.answers
        .filter(({ name, ttlSeconds }) => name === this.name && ttlSeconds >= KNOWN_TTL_SECONDS)
        .map(({ data }) => toHex(data)),
    );
    const isPlain = asker.port !== MDNS_PORT;
    const ttlSeconds = isPlain ? PLAIN_TTL_SECONDS : TTL_SECONDS;
    const answers = this.#answersFor(link, types, ttlSeconds);
    const news = answers.filter(({ data }) => !known.has(toHex(data)));
    if (news.length === 0) return;
    if (isPlain || asked.every(({ isUnicast }) => isUnicast)) {
      if (!this.#unicast.take(nowMs)) return;
      const plain = isPlain ? { id: message.id, questions: asked.map(withoutBit) } : {};
      link.send(writeMdns({ ...plain, isResponse: true, isWhole: !isPlain, answers: news }), asker);
      return;
    }
    const pauseMs = message.proposed.length > 0 ? DEFENCE_EVERY_MS : MULTICAST_EVERY_MS;
    if (nowMs - (this.#multicastAtMs.get(link) ?? -pauseMs) < pauseMs) return;
    this.#multicastAtMs.set(link, nowMs);
    link.send(writeMdns({ isResponse: true, isWhole: true, answers: news }));
  }

  /** Addresses of the types that were asked for, or that there are none of them. */
  #answersFor(link: MdnsLink, types: readonly number[], ttlSeconds: number): MdnsRecord[] {
    const all = this.#records(link, [], ttlSeconds);
    const found = types.includes(TYPE_ANY) ? all : all.filter(({ type }) => types.includes(type));
    if (found.length > 0) return found;
    const there = [...new Set(all.map(({ type }) => type))];
    return there.length === 0 ? [] : [negativeRecord(this.name, there, ttlSeconds)];
  }

  #records(link: MdnsLink, types: readonly number[] = [], ttlSeconds = TTL_SECONDS): MdnsRecord[] {
    return link.addresses
      .map((address) => {
        const data = addressBytes(address);
        const type = data.length === 4 ? TYPE_A : TYPE_AAAA;
        return { name: this.name, type, ttlSeconds, data };
      })
      .filter(({ type }) => types.length === 0 || types.includes(type));
  }

  /** Of another machine: one that no interface of this one has. Null where there is none. */
  #foreignAddress(records: readonly MdnsRecord[]): string | null {
    const own = new Set(
      this.#links().flatMap(({ addresses }) => addresses.map((each) => toHex(addressBytes(each)))),
    );
    const found = records.find(
      ({ name, type, ttlSeconds, data }) =>
        name === this.name &&
        ((type === TYPE_A && data.length === 4) || (type === TYPE_AAAA && data.length === 16)) &&
        ttlSeconds > 0 &&
        !own.has(toHex(data)),
    );
    return found ? addressText(found.data) : null;
  }

  #set(state: MdnsNameState): void {
    const before = this.#state;
    this.#state = state;
    if (before.state !== state.state) this.#onChange(state);
  }
}

function sortedData(records: readonly MdnsRecord[]): string {
  return records
    .map(({ type, data }) => `${type.toString(16).padStart(4, "0")}${toHex(data)}`)
    .toSorted()
    .join();
}

function withoutBit(question: MdnsQuestion): MdnsQuestion {
  return { ...question, isUnicast: false };
}
