import type { WebSocket } from "ws";
import type { CameraId, ClipId } from "../protocol/ids.ts";
import type { Right } from "../protocol/keyring.ts";
import type { LedgerEntry, LedgerEntryKind } from "../protocol/ledger-entry.ts";
import type { SessionDevice } from "./sessions.ts";

/**
 * That something is new, never what: a page asks for it by its own rights. `clip` is null where
 * more than one changed, and its `state` is null where the clip is gone.
 */
export type NewsMessage =
  | { readonly type: "clips"; readonly clip: ClipId | null; readonly state: string | null }
  | { readonly type: "requests" | "cameras" | "pairings" }
  /** A camera where somebody rings; null where something else about bells is new. */
  | { readonly type: "bells"; readonly camera: CameraId | null }
  | { readonly type: "ledger"; readonly size: number }
  | { readonly type: "keyring"; readonly epoch: number | null }
  /** Nothing is new: said now and then, and in answer to a ping, so that a page knows. */
  | { readonly type: "alive" };

export type Topic = Exclude<NewsMessage["type"], "alive">;

export const NEWS_CLOSE = { sessionEnded: 4401, notUnderstood: 1008, tooMany: 1013 } as const;

export interface NewsOptions {
  /** Null for a clip that is gone. */
  readonly clipState: (clip: ClipId) => string | null;
  readonly ledgerSize: () => number;
  readonly keyringEpoch: () => number | null;
  /** Null once the session is over or its device removed. */
  readonly deviceOfSession: (session: string) => SessionDevice | null;
}

/** At most four times a second. */
const INTERVAL_MS = 250;
const LOOK_MS = 500;
const ALIVE_MS = 20_000;
const SOCKETS_MAX = 64;
const SOCKETS_PER_SESSION_MAX = 8;
const PINGS_PER_LOOK_MAX = 5;
const PING_CHARACTERS_MAX = 40;
/** Of a reader that does not read. */
const WAITING_BYTES_MAX = 64 * 1024;

const RIGHT_FOR: Readonly<Record<Topic, Right | null>> = {
  clips: "view_blurred",
  requests: "sign",
  pairings: "administer",
  cameras: null,
  bells: null,
  ledger: null,
  keyring: null,
};

/** What an entry tells besides that the ledger grew. */
const TOPIC_OF: Readonly<Record<LedgerEntryKind, Topic | null>> = {
  genesis: "keyring",
  keyring: "keyring",
  clip: "clips",
  rendition: "clips",
  rewrap: null,
  torn: "clips",
  hold: "clips",
  deletion: "clips",
  request: "requests",
  assurance: "requests",
  decision: "requests",
  release: "requests",
  share: "requests",
  access: "requests",
  revocation: "requests",
  settings: "cameras",
  camera: "cameras",
  view: null,
  live: null,
  talk: null,
  software: null,
  clock: null,
  heartbeat: null,
  statement: null,
  restored: null,
  acceptance: null,
};

interface Reader {
  readonly socket: WebSocket;
  readonly session: string;
  rights: readonly Right[];
  pings: number;
  saidAtMs: number;
  hasAnswered: boolean;
}

/** Tells open pages what changed, a few times a second at most, as long as their session lasts. */
export class News implements Disposable {
  readonly #options: NewsOptions;
  readonly #readers = new Set<Reader>();
  readonly #topics = new Set<Topic>();
  readonly #clips = new Set<ClipId>();
  readonly #rings = new Set<CameraId>();
  #toldAtMs = 0;
  #timer: NodeJS.Timeout | null = null;
  #looking: NodeJS.Timeout | null = null;

  constructor(options: NewsOptions) {
    this.#options = options;
  }

  /** May be called inside a transaction: what is told is looked up when it is over. */
  tell(topic: Topic, clip?: ClipId): void {
    if (this.#readers.size === 0) return;
    this.#topics.add(topic);
    // Two are as good as many: which ones they are is not said then.
    if (clip !== undefined && this.#clips.size < 2) this.#clips.add(clip);
    const waitMs = Math.max(0, this.#toldAtMs + INTERVAL_MS - performance.now());
    this.#timer ??= setTimeout(() => this.#tellAll(), waitMs);
  }

  /** Somebody rings there. */
  tellRing(camera: CameraId): void {
    if (this.#readers.size > 0) this.#rings.add(camera);
    this.tell("bells");
  }

  tellEntry(entry: LedgerEntry): void {
    this.tell("ledger");
    const topic = TOPIC_OF[entry.kind];
    if (topic) this.tell(topic, "clip" in entry ? (entry.clip as ClipId) : undefined);
  }

  /** Takes a socket over: closes it where there are too many, or when its session ends. */
  join(socket: WebSocket, { session, rights }: SessionDevice): void {
    const ofSession = [...this.#readers].filter((reader) => reader.session === session);
    if (this.#readers.size >= SOCKETS_MAX || ofSession.length >= SOCKETS_PER_SESSION_MAX) {
      socket.close(NEWS_CLOSE.tooMany);
      return;
    }
    const saidAtMs = performance.now();
    const reader = { socket, session, rights, pings: 0, saidAtMs, hasAnswered: true };
    this.#readers.add(reader);
    socket.on("pong", () => void (reader.hasAnswered = true));
    socket.on("message", (data: Buffer, isBinary) => this.#hear(reader, data, isBinary));
    socket.on("close", () => this.#forget(reader));
    this.#looking ??= setInterval(() => this.#look(), LOOK_MS);
  }

  #hear(reader: Reader, data: Buffer, isBinary: boolean): void {
    reader.pings += 1;
    const isPing = !isBinary && data.length <= PING_CHARACTERS_MAX && isPingText(data.toString());
    if (isPing && reader.pings <= PINGS_PER_LOOK_MAX) this.#say(reader, { type: "alive" });
    else this.#cut(reader, NEWS_CLOSE.notUnderstood);
  }

  #tellAll(): void {
    this.#timer = null;
    this.#toldAtMs = performance.now();
    const messages = [...this.#topics].flatMap((topic) => this.#messagesOf(topic));
    this.#topics.clear();
    this.#clips.clear();
    this.#rings.clear();
    for (const reader of this.#readers)
      for (const message of messages) {
        const right = RIGHT_FOR[message.type];
        if (right === null || reader.rights.includes(right)) this.#say(reader, message);
      }
  }

  #messagesOf(topic: Topic): Exclude<NewsMessage, { type: "alive" }>[] {
    if (topic !== "bells" || this.#rings.size === 0) return [this.#messageOf(topic)];
    return [...this.#rings].map((camera) => ({ type: topic, camera }));
  }

  #messageOf(topic: Topic): Exclude<NewsMessage, { type: "alive" }> {
    const { clipState, ledgerSize, keyringEpoch } = this.#options;
    switch (topic) {
      case "clips": {
        const [clip = null, another] = this.#clips;
        if (clip === null || another !== undefined) return { type: topic, clip: null, state: null };
        return { type: topic, clip, state: clipState(clip) };
      }
      case "ledger":
        return { type: topic, size: ledgerSize() };
      case "keyring":
        return { type: topic, epoch: keyringEpoch() };
      case "bells":
        return { type: topic, camera: null };
      case "requests":
      case "cameras":
      case "pairings":
        return { type: topic };
    }
  }

  /** Within a second nobody hears more whose session is over, or who is not there any more. */
  #look(): void {
    const nowMs = performance.now();
    for (const reader of this.#readers) {
      const device = this.#options.deviceOfSession(reader.session);
      if (!device) {
        this.#cut(reader, NEWS_CLOSE.sessionEnded);
        continue;
      }
      reader.rights = device.rights;
      reader.pings = 0;
      if (nowMs - reader.saidAtMs < ALIVE_MS) continue;
      if (!reader.hasAnswered) {
        reader.socket.terminate();
        continue;
      }
      reader.hasAnswered = false;
      reader.saidAtMs = nowMs;
      reader.socket.ping();
      this.#say(reader, { type: "alive" });
    }
  }

  #say({ socket }: Reader, message: NewsMessage): void {
    if (socket.bufferedAmount > WAITING_BYTES_MAX) socket.terminate();
    else socket.send(JSON.stringify(message));
  }

  #cut(reader: Reader, code: number): void {
    this.#forget(reader);
    reader.socket.removeAllListeners("message");
    reader.socket.close(code);
  }

  #forget(reader: Reader): void {
    this.#readers.delete(reader);
    if (this.#readers.size > 0) return;
    if (this.#looking) clearInterval(this.#looking);
    if (this.#timer) clearTimeout(this.#timer);
    this.#looking = null;
    this.#timer = null;
    this.#topics.clear();
    this.#clips.clear();
    this.#rings.clear();
  }

  [Symbol.dispose](): void {
    // A page that sleeps would hold up the end of the hub.
    for (const { socket } of this.#readers) socket.terminate();
  }
}

function isPingText(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return JSON.stringify(value) === '{"type":"ping"}';
  } catch {
    return false;
  }
}
