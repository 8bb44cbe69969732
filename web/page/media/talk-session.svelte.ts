import { encodeG711, type G711Law } from "../../../src/protocol/g711.ts";
import { sessionEnded } from "../device/device.svelte.ts";
import { MicrophoneError, openMicrophone, type Microphone } from "./microphone.ts";
import type { MicrophoneFrame } from "./microphone-frame.ts";
import { readTalkMessage } from "./talk-message.ts";

/**
 * - `idle`: nobody is heard, and the microphone is off;
 * - `asking`: the browser asks for the microphone;
 * - `connecting`: the hub opens the camera's sound;
 * - `heard`: every word is heard at the door.
 */
export type TalkState = "idle" | "asking" | "connecting" | "heard";

export interface TalkTrouble {
  /** `microphone-denied` and its like, or what the hub's errors are called. */
  readonly code: string;
  /** In the hub's words; null where the page has its own. */
  readonly message: string | null;
}

/** As `TALK_CLOSE` in src/protocol/api-talk.ts; that file brings a schema library. */
const SESSION_OVER = 4401;
/** What the person said last is still on its way from the microphone when the button is let go. */
const TAIL_MS = 120;
/** The hub needs a moment to end what was said before. */
const OWN_END_MS = 3_000;
const RETRY_MS = 250;
const RETRIES_MAX = 8;

/** From one press to its release. */
interface Turn {
  microphone: Microphone | null;
  socket: WebSocket | null;
  /** Null until the camera takes sound. */
  law: G711Law | null;
  retries: number;
}

/** One person's talking at one camera: microphone and socket, both only while it lasts. */
export class TalkSession {
  #state = $state<TalkState>("idle");
  #trouble = $state.raw<TalkTrouble | null>(null);
  #level = $state(0);
  readonly #address: string;
  readonly #listeners = new AbortController();
  #turn: Turn | null = null;
  #stoppedAtMs = Number.NEGATIVE_INFINITY;

  constructor(camera: string) {
    const origin = location.origin.replace(/^http/, "ws");
    this.#address = `${origin}/api/talk/${encodeURIComponent(camera)}`;
    const { signal } = this.#listeners;
    // Whoever looks elsewhere does not know that he is heard.
    const hidden = (): void => {
      if (document.visibilityState === "hidden") this.stop();
    };
    document.addEventListener("visibilitychange", hidden, { signal });
    globalThis.addEventListener("pagehide", () => this.stop(), { signal });
  }

  get state(): TalkState {
    return this.#state;
  }
  get trouble(): TalkTrouble | null {
    return this.#trouble;
  }
  /** Loudness of the last 20 ms, 0 to 1. */
  get level(): number {
    return this.#level;
  }

  /** From a tap. Asks for the microphone first: without one the camera is not bothered. */
  async start(): Promise<void> {
    if (this.#turn) return;
    const turn: Turn = { microphone: null, socket: null, law: null, retries: 0 };
    this.#turn = turn;
    this.#trouble = null;
    this.#state = "asking";
    try {
      const microphone = await openMicrophone(
        (frame) => this.#take(turn, frame),
        () => this.#fail(turn, { code: "microphone-missing", message: null }),
      );
      turn.microphone = microphone;
      if (this.#turn !== turn) {
        release(turn);
        return;
      }
      this.#state = "connecting";
      this.#connect(turn);
    } catch (error) {
      const trouble = error instanceof MicrophoneError ? error.trouble : "missing";
      this.#fail(turn, { code: `microphone-${trouble}`, message: null });
    }
  }

  stop(): void {
    const turn = this.#turn;
    if (!turn) return;
    this.#over();
    // The last words still go out.
    setTimeout(() => release(turn), turn.law === null ? 0 : TAIL_MS);
  }

  close(): void {
    this.stop();
    this.#listeners.abort();
  }

  #connect(turn: Turn): void {
    const socket = new WebSocket(this.#address);
    turn.socket = socket;
    socket.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
      if (typeof data === "string" && turn.socket === socket) this.#hear(turn, data);
    });
    socket.addEventListener("close", ({ code }) => {
      if (code === SESSION_OVER) void sessionEnded();
      if (turn.socket === socket) this.#fail(turn, { code: "HUB_UNREACHABLE", message: null });
    });
  }

  #hear(turn: Turn, text: string): void {
    try {
      const said = readTalkMessage(text);
      if (said.type === "ended") this.#ended(turn, said);
      else {
        turn.law = said.law;
        if (this.#turn === turn) this.#state = "heard";
      }
    } catch {
      this.#fail(turn, { code: "FAILED", message: null });
    }
  }

  #ended(turn: Turn, { code, message }: TalkTrouble): void {
    const isOwnEnd = performance.now() - this.#stoppedAtMs < OWN_END_MS;
    if (code !== "TALK_BUSY" || !isOwnEnd || turn.retries >= RETRIES_MAX) {
      this.#fail(turn, { code, message });
      return;
    }
    // Pressed again at once: what was said before is still being ended.
    turn.retries += 1;
    turn.socket = null;
    setTimeout(() => {
      if (this.#turn === turn) this.#connect(turn);
    }, RETRY_MS);
  }

  #take(turn: Turn, { samples, level }: MicrophoneFrame): void {
    if (this.#turn === turn) this.#level = level;
    if (turn.law !== null && turn.socket?.readyState === WebSocket.OPEN)
      turn.socket.send(encodeG711(turn.law, samples));
  }

  #fail(turn: Turn, trouble: TalkTrouble): void {
    release(turn);
    if (this.#turn !== turn) return;
    this.#over();
    this.#trouble = trouble;
  }

  #over(): void {
    this.#turn = null;
    this.#stoppedAtMs = performance.now();
    this.#level = 0;
    this.#state = "idle";
  }
}

function release(turn: Turn): void {
  const { microphone, socket } = turn;
  turn.microphone = null;
  turn.socket = null;
  microphone?.close();
  // Closed on its way it would be an error in the browser's console, and nothing is wrong.
  if (socket?.readyState === WebSocket.CONNECTING)
    socket.addEventListener("open", () => socket.close());
  else socket?.close();
}
