import { HubError } from "../protocol/errors.ts";
import { CHIME_BUSY, type ChimePlayer, type ChimeProblem } from "./chime-player.ts";
import { drawChime, drawSilence, type ChimeSound } from "./chime-sounds.ts";

/** What happens in the house at a ring. */
export interface ChimeRules {
  /** Null: nothing is played here. */
  readonly audio: {
    readonly sound: ChimeSound;
    /** 1 to 100. */
    readonly volume: number;
    /** As ALSA names it. */
    readonly device: string;
  } | null;
  /** Null: nothing is published. */
  readonly mqtt: { readonly topic: string; readonly payload: string } | null;
}

/** How one of the two ways did when it was last tried; null where it never was. */
export interface ChimeTried {
  /** UTC. */
  readonly atMs: number;
  readonly problem: ChimeProblem | null;
}

export interface ChimeOptions {
  /** As they are now; null where no chime is set. */
  readonly rules: () => ChimeRules | null;
  readonly isQuiet: () => boolean;
  readonly player: ChimePlayer;
  /** Over the broker of the settings. @throws HubError where it does not get there. */
  readonly publish: (topic: string, payload: string) => Promise<void>;
  readonly nowMs: () => number;
  /** Something that `tried` says has changed. */
  readonly onTried: () => void;
}

const PROBE_SECONDS = 0.05;
/** While nothing could be played, it is tried silently again. */
const PROBE_EVERY_MS = 10 * 60_000;

/** The chime in the house: a sound of the hub's own machine, a message to the broker, or both. */
export class Chime implements Disposable {
  readonly #options: ChimeOptions;
  readonly #timer: NodeJS.Timeout;
  #audio: ChimeTried | null = null;
  #mqtt: ChimeTried | null = null;
  /** Drawn beforehand: at a ring there is no time for it. */
  #drawn: { readonly sound: ChimeSound; readonly volume: number; readonly wav: Uint8Array } | null =
    null;

  constructor(options: ChimeOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      if (this.#audio?.problem) this.probe();
    }, PROBE_EVERY_MS);
    this.#timer.unref();
  }

  get tried(): { readonly audio: ChimeTried | null; readonly mqtt: ChimeTried | null } {
    const rules = this.#options.rules();
    return {
      audio: rules?.audio ? this.#audio : null,
      mqtt: rules?.mqtt ? this.#mqtt : null,
    };
  }

  /** Somebody has rung. Returns at once. */
  ring(): void {
    if (!this.#options.isQuiet()) void this.sound();
  }

  /** Sounds now, quiet hours or not. Returns when it has, or could not. Never rejects. */
  async sound(): Promise<{ audio: ChimeTried | null; mqtt: ChimeTried | null }> {
    const { player } = this.#options;
    const { audio = null, mqtt = null } = this.#options.rules() ?? {};
    const [played, published] = await Promise.all([
      audio ? this.#keep(player.play(this.#wavOf(audio), audio.device)) : null,
      mqtt ? this.#publish(mqtt.topic, mqtt.payload) : null,
    ]);
    return { audio: played, mqtt: published };
  }

  /** Draws what will sound, so that a ring finds it ready. */
  prepare(): void {
    const audio = this.#options.rules()?.audio;
    if (audio) this.#wavOf(audio);
  }

  /** Plays silence, to know before anybody rings whether anything would be heard. */
  probe(): void {
    const audio = this.#options.rules()?.audio;
    if (!audio) return;
    const { player } = this.#options;
    void this.#keep(player.probe(drawSilence(PROBE_SECONDS), audio.device));
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #wavOf({ sound, volume }: { sound: ChimeSound; volume: number }): Uint8Array {
    const before = this.#drawn;
    if (before?.sound === sound && before.volume === volume) return before.wav;
    const wav = drawChime(sound, volume);
    this.#drawn = { sound, volume, wav };
    return wav;
  }

  async #keep(played: Promise<ChimeProblem | null>): Promise<ChimeTried> {
    const problem = await played;
    const tried = { atMs: this.#options.nowMs(), problem };
    // That it was sounding already says nothing new of whether it can.
    if (problem === CHIME_BUSY) return tried;
    this.#audio = tried;
    this.#options.onTried();
    return tried;
  }

  async #publish(topic: string, payload: string): Promise<ChimeTried> {
    let problem: ChimeProblem | null = null;
    try {
      await this.#options.publish(topic, payload);
    } catch (error) {
      problem =
        error instanceof HubError
          ? { code: error.code, message: error.message }
          : { code: "NOT_PUBLISHED", message: "The chime's message did not get to the broker." };
    }
    this.#mqtt = { atMs: this.#options.nowMs(), problem };
    this.#options.onTried();
    return this.#mqtt;
  }
}
