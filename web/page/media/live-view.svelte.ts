import type { LiveFragment } from "../../../src/protocol/live-frame.ts";
import { sessionEnded } from "../device/device.svelte.ts";
import { CanvasPlayer } from "./canvas-player.ts";
import { RecentValues } from "./hub-clock.ts";
import type { LiveInit } from "./live-message.ts";
import {
  choosePlayer,
  type LivePlayer,
  type PlayerHandlers,
  type PlayerKind,
} from "./live-player.ts";
import { LiveSocket, type SocketState } from "./live-socket.ts";
import type { VideoPlayer } from "./video-player.ts";

/**
 * - `opening`: no picture yet;
 * - `playing`;
 * - `still`: the last picture stands, and nobody said why;
 * - `waiting`: the camera gives none, and the hub said why: {@link LiveView.reason};
 * - `lost`, `full`, `gone`, `asleep`: as the socket has them;
 * - `unsupported`: this browser cannot show what the camera sends.
 */
export type LiveState =
  | "opening"
  | "playing"
  | "still"
  | "waiting"
  | "unsupported"
  | Exclude<SocketState, "connecting" | "open">;

/** Is given all that comes, sound too, and decides when pictures go on. */
export interface LiveListener {
  begin(init: LiveInit): void;
  take(fragment: LiveFragment, show: (fragment: LiveFragment) => void): void;
  painted(wallClockMs: number): void;
  lost(): void;
}

const LATENCY_WINDOW_MS = 2_000;
const LOOK_MS = 500;
const STILL_MS = 3_000;
const LOST_MS = 1_500;
/** Fragments come and no picture: the player is begun anew, or another one is. */
const STUCK_MS = 5_000;
/** While a player is chosen; more than a group of pictures never waits. */
const EARLY_MAX = 900;
/** The camera's clock may be ahead of the hub's: then nothing sensible can be said. */
const AHEAD_MAX_MS = 100;

/** One camera's live picture: its socket, the player that fits, and what there is to say of both. */
export class LiveView {
  #state = $state<LiveState>("opening");
  #reason = $state.raw<{ readonly reason: string; readonly message?: string } | null>(null);
  #latencyMs = $state<number | null>(null);
  #kind = $state<PlayerKind | null>(null);
  #aspect = $state<number | null>(null);
  #firstPictureMs = $state<number | null>(null);
  #lastPictureMs = $state<number | null>(null);

  readonly #host: HTMLElement;
  readonly #label: string;
  readonly #onPicture: (latencyMs: number | null, wallClockMs: number) => void;
  readonly #startedMs = performance.now();
  readonly #socket: LiveSocket;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #latencies = new RecentValues(LATENCY_WINDOW_MS);
  readonly #refused = new Set<PlayerKind>();
  #socketState: SocketState = "connecting";
  #player: LivePlayer | null = null;
  /** The one whose picture is seen: it stays until the one after it has a picture. */
  #seen: LivePlayer | null = null;
  #init: LiveInit | null = null;
  /** Counts up with each choice of a player, so that an older one that ends later is let go. */
  #choices = 0;
  #early: LiveFragment[] | null = null;
  #paintedAtMs: number | null = null;
  #durationMs = 0;
  /** Of the first fragment since a picture was painted. */
  #hungrySinceMs: number | null = null;
  #stuck = 0;
  #isClosed = false;
  #listener: LiveListener | null = null;

  /**
   * @param host - Is given the canvas or video as its first child.
   * @param onPicture - For each picture on the screen: the milliseconds since the camera took it,
   * where that is known, and the hub's wall clock of that.
   */
  constructor(options: {
    readonly camera: string;
    readonly stream: "main" | "sub";
    readonly host: HTMLElement;
    readonly label: string;
    readonly onPicture: (latencyMs: number | null, wallClockMs: number) => void;
  }) {
    const { camera, stream, host, label, onPicture } = options;
    this.#host = host;
    this.#label = label;
    this.#onPicture = onPicture;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.#socket = new LiveSocket(camera, stream, {
      onState: (state) => this.#socketChanged(state),
      onInit: (init) =>
        init.track === "audio" ? this.#listener?.begin(init) : void this.#begin(init),
      onFragment: (fragment) =>
        this.#listener ? this.#listener.take(fragment, this.#show) : this.#show(fragment),
      onSkipped: () => this.#player?.skip(),
      onWaiting: (waiting) => {
        this.#reason = waiting;
        this.#update();
      },
      onSessionOver: sessionEnded,
    });
  }

  get state(): LiveState {
    return this.#state;
  }
  /** What the hub said while `state` is `waiting`. */
  get reason(): { readonly reason: string; readonly message?: string } | null {
    return this.#reason;
  }
  /** Camera to screen, median of the last two seconds; null while none can be said. */
  get latencyMs(): number | null {
    return this.#latencyMs;
  }
  get kind(): PlayerKind | null {
    return this.#kind;
  }
  /** Width through height; null before the stream has said it. */
  get aspect(): number | null {
    return this.#aspect;
  }
  /** From the opening to the first picture. */
  get firstPictureMs(): number | null {
    return this.#firstPictureMs;
  }
  /** UTC by the hub's clock, when what is on the screen was taken; null before the first picture. */
  get lastPictureMs(): number | null {
    return this.#lastPictureMs;
  }

  /** From now on the hub sends sound too; null: no more of it. */
  hear(listener: LiveListener | null): void {
    this.#listener = listener;
    this.#socket.say({ type: "sound", on: listener !== null });
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#socket.close();
    this.#replace(null);
    this.#seen?.close();
    this.#early = null;
  }

  #socketChanged(state: SocketState): void {
    this.#socketState = state;
    this.#reason = null;
    this.#hungrySinceMs = null;
    if (state !== "open") {
      this.#latencies.forget();
      this.#listener?.lost();
    } else if (this.#listener) this.hear(this.#listener);
    this.#update();
  }

  /** A time line begins: with a player of its own, behind the picture of the one before. */
  async #begin(init: LiveInit): Promise<void> {
    this.#init = init;
    if (init.width > 0 && init.height > 0) this.#aspect = init.width / init.height;
    this.#early = [];
    const choice = (this.#choices += 1);
    const kind = await choosePlayer(init, this.#refused);
    // Few browsers need this one, so it is not fetched before.
    const Player = kind === "mse" ? await videoPlayer() : CanvasPlayer;
    if (choice !== this.#choices || this.#isClosed) return;
    const early = this.#early;
    this.#early = null;
    this.#kind = Player && kind;
    this.#replace(this.#kind && Player ? this.#make(Player, init) : null);
    for (const fragment of early) this.#player?.push(fragment);
    this.#update();
  }

  #make(
    Player: new (init: LiveInit, handlers: PlayerHandlers) => LivePlayer,
    init: LiveInit,
  ): LivePlayer {
    const handlers = {
      onPicture: (wallClockMs: number) => this.#painted(player, wallClockMs),
      onFailure: () => {
        if (player === this.#player) this.#refuse(player.kind);
      },
    };
    const player = new Player(init, handlers);
    return player;
  }

  #replace(player: LivePlayer | null): void {
    if (this.#player !== this.#seen) this.#player?.close();
    this.#player = player;
    if (!player) return;
    const { element } = player;
    element.setAttribute("aria-label", this.#label);
    if (player.kind === "webcodecs") element.setAttribute("role", "img");
    this.#host.prepend(element);
  }

  /** This one does not manage; the next one, or none. */
  #refuse(kind: PlayerKind): void {
    this.#refused.add(kind);
    this.#restart();
  }

  /** The hub sends what a new player needs only to a new socket. */
  #restart(): void {
    this.#hungrySinceMs = null;
    this.#socket.reopen();
  }

  readonly #show = (fragment: LiveFragment): void => {
    if (fragment.track !== "video") return;
    this.#reason = null;
    this.#durationMs = fragment.durationMs;
    this.#hungrySinceMs ??= performance.now();
    if (this.#early) {
      if (this.#early.length < EARLY_MAX) this.#early.push(fragment);
    } else this.#push(fragment);
  };

  #push(fragment: LiveFragment): void {
    try {
      this.#player?.push(fragment);
    } catch {
      // A fragment that cannot be read: nothing after it can be shown before the next key frame.
      this.#player?.skip();
    }
  }

  #painted(player: LivePlayer, wallClockMs: number): void {
    if (player !== this.#player || this.#isClosed) return;
    const nowMs = performance.now();
    if (player !== this.#seen) {
      this.#seen?.close();
      this.#seen = player;
    }
    this.#paintedAtMs = nowMs;
    this.#hungrySinceMs = null;
    this.#stuck = 0;
    this.#firstPictureMs ??= nowMs - this.#startedMs;
    this.#lastPictureMs = wallClockMs;
    const hubMs = this.#socket.clock.at(nowMs);
    const latencyMs = hubMs === null ? null : hubMs - wallClockMs;
    if (latencyMs !== null) this.#latencies.take(latencyMs, nowMs);
    this.#onPicture(latencyMs, wallClockMs);
    this.#listener?.painted(wallClockMs);
    if (this.#state !== "playing") this.#update();
  }

  #look(): void {
    const median = this.#latencies.median();
    this.#latencyMs = median === null || median < -AHEAD_MAX_MS ? null : Math.max(0, median);
    this.#update();
    const isShown = document.visibilityState !== "hidden";
    if (!isShown) this.#hungrySinceMs = null;
    if (!isShown || this.#hungrySinceMs === null || this.#early) return;
    if (performance.now() - this.#hungrySinceMs < STUCK_MS + 3 * this.#durationMs) return;
    this.#stuck += 1;
    // Once may be the line's fault; the second time it is the player's.
    if (this.#stuck > 1 && this.#kind !== null && this.#refused.size === 0)
      this.#refuse(this.#kind);
    else this.#restart();
  }

  #update(): void {
    this.#state = this.#stateNow();
  }

  #stateNow(): LiveState {
    const state = this.#socketState;
    const stillMs = performance.now() - (this.#paintedAtMs ?? Number.NEGATIVE_INFINITY);
    // A socket that breaks and is back at once is nothing to speak of.
    if (state === "lost" && stillMs < LOST_MS) return "playing";
    if (state !== "open" && state !== "connecting") return state;
    if (this.#reason) return "waiting";
    if (this.#init && this.#kind === null && this.#early === null) return "unsupported";
    if (this.#paintedAtMs === null) return "opening";
    return stillMs > Math.max(STILL_MS, 3 * this.#durationMs) ? "still" : "playing";
  }
}

/** Null where the hub does not give it any more: the next socket asks again. */
async function videoPlayer(): Promise<typeof VideoPlayer | null> {
  return import("./video-player.ts").then(
    (found) => found.VideoPlayer,
    () => null,
  );
}
