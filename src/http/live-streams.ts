import type { WebSocket } from "ws";
import type { LivePicture, StreamRole } from "../camera/live-pipe.ts";
import { toBase64 } from "../protocol/bytes.ts";
import { MalformedInput } from "../protocol/errors.ts";
import type { TrackInit } from "../protocol/fragment.ts";
import type { CameraId } from "../protocol/ids.ts";
import { LIVE_CLOSE, type LiveServerMessage } from "../protocol/live-messages.ts";
import { isStart, LiveViewer, type LiveInit, type LivePiece, type Waiting } from "./live-viewer.ts";

export const CAMERA_IS_OFF = "The camera is switched off, and shows nothing until it is on again";
export const VIEWERS_MAX = 64;
export const VIEWERS_PER_SESSION_MAX = 16;
/** Of one stream since its last key frame, and of all that are watched. */
const GROUP_BYTES_MAX = 8 * 1024 * 1024;
const GROUPS_BYTES_MAX = 64 * 1024 * 1024;
const LOOK_MS = 500;

export interface WatchedStream {
  readonly camera: CameraId;
  readonly stream: StreamRole;
  /** Whether somebody listens too: else no sound crosses the pipe. */
  readonly sound?: true;
}

export interface LiveStreamsOptions {
  /** Null where there is no such camera (any more). */
  readonly camera: (id: string) => { readonly hasSub: boolean } | null;
  /** Asks the ingest process for a stream's pictures, or for no more of them. */
  readonly watch: (stream: WatchedStream, on: boolean) => void;
}

/** Who wants to look, and whether he still may: asked again and again while he looks. */
export interface Looker {
  readonly socket: WebSocket;
  readonly session: string;
  readonly mayLook: () => boolean;
  /** Whether sound may leave the hub to him; asked when he wants it, and while he has it. */
  readonly mayHear: () => boolean;
  readonly onGone: () => void;
}

/** What the ingest process last said of a stream. */
export interface StreamState {
  readonly state: string;
  readonly problem: { readonly message: string } | null;
}

interface Watched extends Omit<WatchedStream, "sound"> {
  hasListener: boolean;
  readonly viewers: Map<LiveViewer, Looker>;
  readonly inits: { video: LiveInit | null; audio: LiveInit | null };
  /** From the last key frame on, so that a new viewer sees something at once. */
  group: LivePiece[];
  groupBytes: number;
}

/**
 * Live pictures on their way from the ingest process to those who look. Keeps nothing of a stream
 * that nobody looks at, and of the others what came since the last key frame, in memory only.
 */
export class LiveStreams implements Disposable {
  readonly #options: LiveStreamsOptions;
  readonly #watched = new Map<string, Watched>();
  readonly #everWatched = new Set<CameraId>();
  readonly #states = new Map<string, StreamState>();
  #timer: NodeJS.Timeout | null = null;
  #isIngestGone = false;
  #isClosing = false;

  constructor(options: LiveStreamsOptions) {
    this.#options = options;
  }

  /** What a new ingest process has to be asked for. */
  get watches(): WatchedStream[] {
    return [...this.#watched.values()].map(streamOf);
  }

  /** Bytes kept for those who come later. */
  get keptBytes(): number {
    return [...this.#watched.values()].reduce((sum, { groupBytes }) => sum + groupBytes, 0);
  }

  hasCamera(camera: string): boolean {
    return this.#options.camera(camera) !== null;
  }

  /** The code to refuse one more viewer with, or null. */
  refusalFor(session: string): number | null {
    if (this.#isClosing) return LIVE_CLOSE.hubStops;
    const viewers = this.#viewers();
    const own = viewers.filter((viewer) => viewer.session === session);
    return viewers.length >= VIEWERS_MAX || own.length >= VIEWERS_PER_SESSION_MAX
      ? LIVE_CLOSE.tooManyViewers
      : null;
  }

  /** @param wanted - A camera without sub stream shows its main stream. */
  join(camera: CameraId, wanted: StreamRole, looker: Looker): void {
    const found = this.#options.camera(camera);
    if (!found || this.#isClosing) {
      looker.socket.close(found ? LIVE_CLOSE.hubStops : LIVE_CLOSE.cameraGone);
      looker.onGone();
      return;
    }
    const stream = wanted === "sub" && found.hasSub ? "sub" : "main";
    const watched = this.#open(camera, stream);
    const viewer = new LiveViewer(looker.socket, looker.session, {
      gone: () => this.#leave(watched, viewer),
      sound: (on) => this.#listen(watched, viewer, on),
    });
    watched.viewers.set(viewer, looker);
    viewer.replay(watched.group);
    const why = this.#waitingFor(watched);
    if (watched.group.length === 0 && why.reason !== "connecting") viewer.wait(why);
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS);
  }

  /** @throws MalformedInput for a camera that there is not: the sender makes things up. */
  take(picture: LivePicture): void {
    if (!this.#options.camera(picture.camera)) {
      // Taken out of service a moment ago: its last pictures are still on their way.
      if (this.#everWatched.has(picture.camera)) return;
      throw new MalformedInput("camera", `Cannot take picture: there is no ${picture.camera}`);
    }
    this.#isIngestGone = false;
    const watched = this.#watched.get(`${picture.camera} ${picture.stream}`);
    // Nobody looks any more; the ingest process has not heard of it yet.
    if (!watched) return;
    switch (picture.kind) {
      case "init":
        watched.inits[picture.init.track] = { text: initText(picture.init) };
        return;
      case "skipped":
        forget(watched);
        for (const viewer of watched.viewers.keys()) viewer.skip(picture.fragments);
        return;
      case "fragment": {
        const { track, keyFrame, frame } = picture;
        const init = watched.inits[track];
        // Left over from before this stream was asked for: what it begins with has not come yet.
        if (init === null || (track === "audio" && !watched.hasListener)) return;
        const piece = { track, keyFrame, frame, init };
        this.#keep(watched, piece);
        for (const viewer of watched.viewers.keys()) viewer.show(piece);
      }
    }
  }

  /** What the ingest process says of a stream: all but `streaming` is a reason to wait. */
  setState(camera: string, role: StreamRole, state: StreamState): void {
    this.#isIngestGone = false;
    // The sender may make up any name, but not fill the memory with them.
    if (!this.hasCamera(camera)) return;
    this.#states.set(`${camera} ${role}`, state);
    if (state.state === "streaming") return;
    for (const watched of this.#watched.values())
      if (watched.camera === camera && this.#roleOf(watched) === role) this.#tellWhy(watched);
  }

  /** Nobody goes on looking, and nothing of it is kept. */
  switchedOff(camera: string): void {
    for (const watched of [...this.#watched.values()])
      if (watched.camera === camera)
        for (const viewer of [...watched.viewers.keys()])
          this.#close(watched, viewer, LIVE_CLOSE.cameraOff, CAMERA_IS_OFF);
    for (const role of ["main", "sub"]) this.#states.delete(`${camera} ${role}`);
  }

  /** Viewers stay: the next process is asked for the same streams. */
  ingestGone(): void {
    this.#states.clear();
    this.#isIngestGone = true;
    for (const watched of this.#watched.values()) this.#startOver(watched);
  }

  /** Viewers stay, and are shown nothing of what was: it may be masked from now on. */
  begunAnew(camera: string): void {
    for (const role of ["main", "sub"]) this.#states.delete(`${camera} ${role}`);
    for (const watched of this.#watched.values())
      if (watched.camera === camera) this.#startOver(watched);
  }

  [Symbol.dispose](): void {
    this.#isClosing = true;
    for (const watched of this.#watched.values())
      for (const viewer of [...watched.viewers.keys()])
        this.#close(watched, viewer, LIVE_CLOSE.hubStops);
  }

  /** What is still on its way is not taken either: it comes without what it begins with. */
  #startOver(watched: Watched): void {
    forget(watched);
    watched.inits.video = null;
    watched.inits.audio = null;
    for (const viewer of watched.viewers.keys()) viewer.skip(0);
    this.#tellWhy(watched);
  }

  #viewers(): LiveViewer[] {
    return [...this.#watched.values()].flatMap(({ viewers }) => [...viewers.keys()]);
  }

  #open(camera: CameraId, stream: StreamRole): Watched {
    const name = `${camera} ${stream}`;
    const open = this.#watched.get(name);
    if (open) return open;
    const inits = { video: null, audio: null };
    const watched: Watched = {
      ...{ camera, stream, hasListener: false, viewers: new Map() },
      ...{ inits, group: [], groupBytes: 0 },
    };
    this.#watched.set(name, watched);
    this.#everWatched.add(camera);
    this.#options.watch({ camera, stream }, true);
    return watched;
  }

  #leave(watched: Watched, viewer: LiveViewer): void {
    const looker = watched.viewers.get(viewer);
    if (!looker) return;
    watched.viewers.delete(viewer);
    looker.onGone();
    if (watched.viewers.size > 0) {
      this.#askForSound(watched);
      return;
    }
    const { camera, stream } = watched;
    this.#watched.delete(`${camera} ${stream}`);
    this.#options.watch({ camera, stream }, false);
    if (this.#watched.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  #listen(watched: Watched, viewer: LiveViewer, on: boolean): void {
    viewer.hears = on && watched.viewers.get(viewer)?.mayHear() === true;
    this.#askForSound(watched);
  }

  /** Of the ingest process, for as long as one of those who look wants it. */
  #askForSound(watched: Watched): void {
    const hasListener = [...watched.viewers.keys()].some(({ hears }) => hears);
    if (watched.hasListener === hasListener) return;
    watched.hasListener = hasListener;
    this.#options.watch(streamOf(watched), true);
  }

  #close(watched: Watched, viewer: LiveViewer, code: number, reason?: string): void {
    viewer.close(code, reason);
    this.#leave(watched, viewer);
  }

  #keep(watched: Watched, piece: LivePiece): void {
    if (isStart(piece)) forget(watched);
    else if (watched.group.length === 0) return;
    watched.group.push(piece);
    watched.groupBytes += piece.frame.length;
    // Who comes now waits for the next key frame.
    if (watched.groupBytes > GROUP_BYTES_MAX || this.keptBytes > GROUPS_BYTES_MAX) forget(watched);
  }

  #look(): void {
    const nowMs = performance.now();
    for (const watched of [...this.#watched.values()]) {
      const isGone = !this.#options.camera(watched.camera);
      for (const [viewer, looker] of [...watched.viewers]) {
        if (viewer.hears && !looker.mayHear()) this.#listen(watched, viewer, false);
        const code = isGone
          ? LIVE_CLOSE.cameraGone
          : looker.mayLook()
            ? viewer.look(nowMs, () => this.#waitingFor(watched))
            : LIVE_CLOSE.sessionOver;
        if (code !== null) this.#close(watched, viewer, code);
      }
    }
  }

  #tellWhy(watched: Watched): void {
    const why = this.#waitingFor(watched);
    for (const viewer of watched.viewers.keys()) viewer.wait(why);
  }

  /** Whose state is a stream's: a sub stream that is made beside the main one has none of its own. */
  #roleOf({ camera, stream }: WatchedStream): StreamRole {
    return this.#states.has(`${camera} ${stream}`) ? stream : "main";
  }

  #waitingFor({ camera, stream }: WatchedStream): Waiting {
    if (this.#isIngestGone)
      return { reason: "connecting", message: "The recorder is starting again" };
    const known = this.#states.get(`${camera} ${this.#roleOf({ camera, stream })}`);
    if (!known) return { reason: "idle" };
    const { state, problem } = known;
    return {
      reason: state === "streaming" ? "connecting" : state,
      ...(problem === null ? {} : { message: problem.message }),
    };
  }
}

function streamOf({ camera, stream, hasListener }: Watched): WatchedStream {
  return { camera, stream, ...(hasListener ? { sound: true } : {}) };
}

function forget(watched: Watched): void {
  watched.group = [];
  watched.groupBytes = 0;
}

function initText({ track, codec, width, height, timescale, bytes }: TrackInit): string {
  const message: LiveServerMessage = {
    ...{ type: "init", track, codec, width, height, timescale },
    bytes: toBase64(bytes),
  };
  return JSON.stringify(message);
}
