import type { WebSocket } from "ws";
import { checkShape } from "../protocol/check.ts";
import { HubError } from "../protocol/errors.ts";
import {
  LIVE_CLIENT_TEXT_MAX,
  LIVE_CLOSE,
  LiveClientMessageSchema,
  type LiveClientMessage,
  type LiveServerMessage,
} from "../protocol/live-messages.ts";

/** Of all that waits for one viewer; one key frame may be over it. */
export const VIEWER_BYTES_MAX = 4 * 1024 * 1024;
const TOO_SLOW_MS = 10_000;
const PING_MS = 10_000;
const SILENCE_MAX_MS = 25_000;
/** How long a viewer may take to answer that the socket is closed. */
const CLOSE_MS = 1_000;
const CLOSE_SLOW_MS = 5_000;
/** Texts a viewer may send: so many at once, and so many a second. */
const TEXTS_AT_ONCE = 20;
const TEXTS_A_SECOND = 10;
/** With nothing to show for so long after the beginning, the viewer is told why. */
const PATIENCE_MS = 1_000;

/** An init message; another object where a time line begins anew, also if it reads the same. */
export interface LiveInit {
  readonly text: string;
}

/** A fragment as all viewers of its stream are handed it, with what its track begins with. */
export interface LivePiece {
  readonly track: "video" | "audio";
  readonly keyFrame: boolean;
  readonly frame: Uint8Array;
  readonly init: LiveInit;
}

export interface Waiting {
  readonly reason: string;
  readonly message?: string;
}

export function isStart(piece: Pick<LivePiece, "track" | "keyFrame">): boolean {
  return piece.track === "video" && piece.keyFrame;
}

/**
 * One open live socket. Sends what fits and never waits: who does not keep up loses fragments up to
 * the next key frame, is told how many, and disturbs nobody else.
 */
export class LiveViewer {
  readonly session: string;
  readonly #socket: WebSocket;
  /** Whether sound is sent too: only to those who asked, and may. */
  hears = false;
  readonly #onSound: (on: boolean) => void;
  readonly #sentInit: { video: LiveInit | null; audio: LiveInit | null } = {
    video: null,
    audio: null,
  };
  readonly #startedAtMs = performance.now();
  /** Nothing goes out before a key frame: at first, and after something was left out. */
  #waitsForKeyFrame = true;
  #skipped = 0;
  #told: string | null = null;
  #hasSeen = false;
  #drainedAtMs = performance.now();
  #heardAtMs = performance.now();
  #pingedAtMs = performance.now();
  #allowance = TEXTS_AT_ONCE;
  #allowedAtMs = performance.now();

  constructor(
    socket: WebSocket,
    session: string,
    on: { readonly gone: () => void; readonly sound: (on: boolean) => void },
  ) {
    this.session = session;
    this.#socket = socket;
    this.#onSound = on.sound;
    socket.on("message", (data, isBinary) => this.#hear(data, isBinary));
    socket.on("pong", () => void (this.#heardAtMs = performance.now()));
    socket.on("close", on.gone);
  }

  /** What came since the last key frame: bounded by its keeper, and the first that is sent. */
  replay(pieces: readonly LivePiece[]): void {
    for (const piece of pieces) if (this.#takes(piece)) this.#send(piece);
    if (pieces.length > 0) this.#waitsForKeyFrame = false;
  }

  show(piece: LivePiece): void {
    if (!this.#takes(piece)) return;
    const waiting = this.#socket.bufferedAmount;
    if (this.#waitsForKeyFrame) {
      if (!isStart(piece) || waiting > VIEWER_BYTES_MAX / 2) {
        if (this.#hasSeen) this.#skipped += 1;
        return;
      }
      if (this.#skipped > 0) this.#say({ type: "skipped", fragments: this.#skipped });
      this.#skipped = 0;
      this.#waitsForKeyFrame = false;
    } else if (waiting > 0 && waiting + piece.frame.length > VIEWER_BYTES_MAX) {
      this.skip(1);
      return;
    }
    this.#send(piece);
  }

  /** Fragments that will not come; what follows begins with a key frame. */
  skip(fragments: number): void {
    if (this.#hasSeen) this.#skipped += fragments;
    this.#waitsForKeyFrame = true;
  }

  /** Says why there is no picture, once for each reason. */
  wait({ reason, message }: Waiting): void {
    const told = `${reason} ${message ?? ""}`;
    if (told === this.#told) return;
    this.#told = told;
    this.#say({ type: "waiting", reason, ...(message === undefined ? {} : { message }) });
  }

  /** To be called about twice a second. @returns the code to close it with, or null. */
  look(nowMs: number, why: () => Waiting): number | null {
    if (this.#socket.bufferedAmount <= VIEWER_BYTES_MAX / 2) this.#drainedAtMs = nowMs;
    if (nowMs - this.#drainedAtMs > TOO_SLOW_MS) return LIVE_CLOSE.tooSlow;
    if (nowMs - this.#heardAtMs > SILENCE_MAX_MS) return LIVE_CLOSE.tooSlow;
    if (nowMs - this.#pingedAtMs > PING_MS) {
      this.#pingedAtMs = nowMs;
      this.#socket.ping();
    }
    if (!this.#hasSeen && nowMs - this.#startedAtMs > PATIENCE_MS) this.wait(why());
    return null;
  }

  close(code: number, reason?: string): void {
    this.#socket.close(code, reason);
    // Who was too slow for pictures is given time to read that; nobody else has so much waiting.
    const waitMs = code === LIVE_CLOSE.tooSlow ? CLOSE_SLOW_MS : CLOSE_MS;
    setTimeout(() => this.#socket.terminate(), waitMs).unref();
  }

  #takes({ track }: LivePiece): boolean {
    return track === "video" || this.hears;
  }

  #send({ track, frame, init }: LivePiece): void {
    if (this.#sentInit[track] !== init) {
      this.#sentInit[track] = init;
      this.#socket.send(init.text);
    }
    this.#hasSeen = true;
    this.#told = null;
    this.#socket.send(frame, { binary: true });
  }

  #say(message: LiveServerMessage): void {
    this.#socket.send(JSON.stringify(message));
  }

  #hear(data: unknown, isBinary: boolean): void {
    const nowMs = performance.now();
    this.#heardAtMs = nowMs;
    const earned = ((nowMs - this.#allowedAtMs) / 1_000) * TEXTS_A_SECOND;
    this.#allowance = Math.min(TEXTS_AT_ONCE, this.#allowance + earned) - 1;
    this.#allowedAtMs = nowMs;
    const message = this.#allowance < 0 || isBinary ? null : readText(data);
    if (message === null) this.close(LIVE_CLOSE.notUnderstood);
    else if (message.type === "sound") this.#onSound(message.on);
    else this.#say({ type: "pong", atMs: message.atMs, hubMs: Date.now() });
  }
}

function readText(data: unknown): LiveClientMessage | null {
  if (!Buffer.isBuffer(data) || data.length > LIVE_CLIENT_TEXT_MAX) return null;
  try {
    return checkShape(LiveClientMessageSchema, JSON.parse(data.toString("utf8")), "live message");
  } catch (error) {
    if (error instanceof HubError || error instanceof SyntaxError) return null;
    throw error;
  }
}
