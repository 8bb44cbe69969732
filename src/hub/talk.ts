import type { Conversation, TalkDesk, TalkProblem } from "../http/talk-desk.ts";
import type { ConnectionPlace, Connections } from "../http/connections.ts";
import type { SessionDevice } from "../http/sessions.ts";
import { addressOf } from "./connections.ts";
import { TALK_LIMIT_MS, type TalkCamera } from "../protocol/api-talk.ts";
import { HubError } from "../protocol/errors.ts";
import type { G711Law } from "../protocol/g711.ts";
import type { LedgerEntry } from "../protocol/ledger-entry.ts";
import { hasSameStreams, type CameraSettings } from "../settings/cameras.ts";
import { TalkProcess, type TalkProcessOptions } from "../talk/process.ts";

/** Who presses and lets go and presses again is in one conversation: it is entered once. */
const SAME_CONVERSATION_MS = 60_000;
const LOOK_MS = 1_000;

type RtspCamera = Extract<CameraSettings, { source: "rtsp" }>;

export interface HubTalkOptions {
  readonly cameras: () => readonly CameraSettings[];
  readonly isOff: (camera: string) => boolean;
  readonly maySpeak: (session: string) => boolean;
  readonly append: (entry: LedgerEntry) => void;
  readonly connections: () => Connections;
  readonly nowMs: () => number;
  /** Replaced in tests by a process that says what it likes. */
  readonly entry?: string;
}

interface Running {
  readonly process: TalkProcess;
  readonly camera: RtspCamera;
  readonly speaker: SessionDevice;
  readonly begunAtMs: number;
  problem: TalkProblem | null;
}

/** What is known of a camera, until it is set to something else or the hub begins anew. */
interface Known {
  readonly camera: RtspCamera;
  readonly problem: TalkProblem | null;
}

export class HubTalk implements TalkDesk, AsyncDisposable {
  readonly #options: HubTalkOptions;
  readonly #running = new Map<string, Running>();
  readonly #known = new Map<string, Known>();
  /** By camera and device: until when it talked there last. */
  readonly #last = new Map<string, number>();
  #timer: NodeJS.Timeout | null = null;
  #isClosing = false;

  constructor(options: HubTalkOptions) {
    this.#options = options;
  }

  cameras(session: string): TalkCamera[] {
    return this.#options
      .cameras()
      .filter(takesTalk)
      .map((camera) => ({ camera: camera.id, ...this.#stateOf(camera, session) }));
  }

  begin(id: string, speaker: SessionDevice, queueBytesMax: number): Conversation {
    const camera = this.#requireCamera(id);
    this.#enter(camera, speaker);
    const { username, password, allowBasic, main, sub } = camera;
    const urls = [main, ...(sub === null || sub === main ? [] : [sub])];
    for (const url of urls) this.#options.connections().mention(placeOf(camera, url));
    const process = TalkProcess.start({
      ...(this.#options.entry === undefined ? {} : { entry: this.#options.entry }),
      opening: { urls, username, password, allowBasic, queueBytesMax },
    } satisfies TalkProcessOptions);
    const running: Running = {
      ...{ process, camera, speaker, problem: null },
      begunAtMs: performance.now(),
    };
    this.#running.set(id, running);
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS);
    return {
      opened: this.#opened(running, urls),
      ended: this.#ended(running),
      sound: (law, bytes) => process.sound(law, bytes),
      end: (problem) => this.#end(running, problem ?? null),
    };
  }

  switchedOff(camera: string): void {
    const running = this.#running.get(camera);
    if (running) this.#cutOff(running, SWITCHED_OFF);
  }

  /** Whoever talks is cut off; the cameras are told. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    const running = [...this.#running.values()];
    for (const each of running) each.problem ??= HUB_STOPS;
    await Promise.all(running.map(({ process }) => process[Symbol.asyncDispose]()));
    if (this.#timer) clearInterval(this.#timer);
  }

  #stateOf(camera: RtspCamera, session: string): Pick<TalkCamera, "state" | "problem"> {
    const running = this.#running.get(camera.id);
    if (running && running.speaker.session !== session) return { state: "busy", problem: null };
    const known = this.#known.get(camera.id);
    // What was found out about another address says nothing of this one.
    if (!known || !hasSameStreams(known.camera, camera)) return { state: "untried", problem: null };
    return { state: known.problem ? "unable" : "able", problem: known.problem };
  }

  #requireCamera(id: string): RtspCamera {
    if (this.#isClosing) throw new HubError(HUB_STOPS.code, HUB_STOPS.message);
    const camera = this.#options.cameras().find((configured) => configured.id === id);
    if (!camera) throw new HubError("NOT_FOUND", "There is no camera of this id");
    if (camera.source !== "rtsp")
      throw new HubError("TALK_OFF", `Cannot talk at ${id}: this kind of source takes no sound`);
    if (!takesTalk(camera))
      throw new HubError("TALK_OFF", `Cannot talk at ${id}: it is switched off in the settings`);
    if (this.#options.isOff(id))
      throw new HubError("CAMERA_OFF", `Cannot talk at ${id}: the camera is switched off`);
    if (this.#running.has(id))
      throw new HubError("TALK_BUSY", `Cannot talk at ${id}: somebody else talks there now`);
    return camera;
  }

  /**
   * Returns when the entry is committed (invariant 8). A device counts, not its sessions: several
   * that take turns would fill the ledger.
   */
  #enter(camera: RtspCamera, { device }: SessionDevice): void {
    const atMs = this.#options.nowMs();
    for (const [who, endedAtMs] of this.#last)
      if (Math.abs(atMs - endedAtMs) > SAME_CONVERSATION_MS) this.#last.delete(who);
    const who = `${camera.id} ${device}`;
    if (!this.#last.has(who))
      this.#options.append({ v: 1, kind: "talk", atMs, camera: camera.id, device });
    this.#last.set(who, atMs);
  }

  async #opened(running: Running, urls: readonly string[]): Promise<G711Law> {
    const { process, camera } = running;
    try {
      const { law, stream } = await process.opened;
      this.#known.set(camera.id, { camera, problem: null });
      const place = placeOf(camera, urls[stream] ?? camera.main);
      this.#options.connections().connected(place);
      void process.ended.then(() => this.#options.connections().disconnected(place));
      return law;
    } catch (error) {
      if (error instanceof HubError && LASTING.has(error.code))
        this.#known.set(camera.id, {
          camera,
          problem: { code: error.code, message: error.message },
        });
      throw error;
    }
  }

  async #ended(running: Running): Promise<TalkProblem | null> {
    const { process, camera, speaker } = running;
    const { problem } = await process.ended;
    // Only a process that is gone holds no connection any more.
    await process.end();
    this.#running.delete(camera.id);
    this.#last.set(`${camera.id} ${speaker.device}`, this.#options.nowMs());
    if (this.#running.size === 0 && this.#timer) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
    return running.problem ?? problem;
  }

  #end(running: Running, problem: TalkProblem | null): void {
    running.problem ??= problem;
    void running.process.end();
  }

  /** What can end a conversation besides its speaker and its camera. */
  #look(): void {
    for (const running of this.#running.values()) {
      const { camera, speaker, begunAtMs } = running;
      const problem = this.#reasonToEnd(camera, speaker, begunAtMs);
      if (problem) this.#cutOff(running, problem);
    }
  }

  #cutOff(running: Running, problem: TalkProblem): void {
    running.problem ??= problem;
    void running.process[Symbol.asyncDispose]();
  }

  #reasonToEnd(
    camera: RtspCamera,
    { session }: SessionDevice,
    begunAtMs: number,
  ): TalkProblem | null {
    if (!this.#options.maySpeak(session))
      return { code: "NOT_LOGGED_IN", message: "The session is over" };
    if (this.#options.isOff(camera.id)) return SWITCHED_OFF;
    const now = this.#options.cameras().find(({ id }) => id === camera.id);
    if (!now || !hasSameStreams(now, camera))
      return { code: "NOT_FOUND", message: "The camera is not in service any more as it was" };
    if (!takesTalk(now))
      return { code: "TALK_OFF", message: "Talking at this camera was switched off" };
    if (performance.now() - begunAtMs > TALK_LIMIT_MS)
      return { code: "TALK_TOO_LONG", message: "A conversation ends after five minutes" };
    return null;
  }
}

const SWITCHED_OFF: TalkProblem = { code: "CAMERA_OFF", message: "The camera was switched off" };
const HUB_STOPS: TalkProblem = { code: "HUB_STOPS", message: "The hub is stopping" };
/** What is so as long as the camera's own settings are what they are. */
const LASTING: ReadonlySet<string> = new Set(["NO_BACK_CHANNEL", "UNSUPPORTED_CODEC"]);

function takesTalk(camera: CameraSettings): camera is RtspCamera {
  return camera.source === "rtsp" && camera.talk !== false;
}

function placeOf(camera: RtspCamera, url: string): ConnectionPlace {
  return { what: `talk ${camera.id}`, address: addressOf(url) };
}
