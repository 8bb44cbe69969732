import type { BellDesk } from "../http/bell-desk.ts";
import type { ChimeDesk } from "../http/chime-desk.ts";
import type { News } from "../http/news.ts";
import { ChimePlayer } from "../notify/chime-player.ts";
import { CHIME_SOUNDS } from "../notify/chime-sounds.ts";
import { Chime } from "../notify/chime.ts";
import type { ChimeAnswer, ChimeTriedAnswer } from "../protocol/api-chime.ts";
import type { Notice } from "../protocol/api.ts";
import type { Settings } from "../settings/settings.ts";
import { hoursNow } from "../settings/week-hours.ts";

export interface HubChimeOptions {
  readonly settings: { readonly current: Settings };
  readonly publish: (topic: string, payload: string) => Promise<void>;
  readonly environment: NodeJS.ProcessEnv;
  readonly nowMs: () => number;
  /** Of the IANA list. */
  readonly timeZone: string;
  /** Something about it is new for whoever looks at it. */
  readonly onNews: () => void;
}

/** The chime in the house as the settings have it, and what an owner is told of it. */
export class HubChime implements ChimeDesk, Disposable {
  readonly #options: HubChimeOptions;
  readonly #chime: Chime;
  /** What the silent trial was last made with. */
  #probed: string | null = null;

  constructor(options: HubChimeOptions) {
    this.#options = options;
    const { settings, publish, environment, nowMs, onNews } = options;
    this.#chime = new Chime({
      ...{ publish, nowMs },
      rules: () => settings.current.chime ?? null,
      isQuiet: () => this.#isQuiet(),
      player: new ChimePlayer({ environment }),
      onTried: onNews,
    });
  }

  ring(): void {
    this.#chime.ring();
  }

  /** After each change of the settings, and at the start. */
  configure(): void {
    this.#chime.prepare();
    const audio = JSON.stringify(this.#options.settings.current.chime?.audio?.device ?? null);
    if (audio === this.#probed) return;
    this.#probed = audio;
    this.#chime.probe();
  }

  answer(): ChimeAnswer {
    const { settings, timeZone } = this.#options;
    const { chime, mqtt } = settings.current;
    return {
      sounds: [...CHIME_SOUNDS],
      audio: chime?.audio ?? null,
      mqtt: chime?.mqtt ?? null,
      hasBroker: mqtt !== undefined,
      quiet: (chime?.quiet ?? []).map(({ days, from, to }) => ({ days, from, to })),
      isQuietNow: this.#isQuiet(),
      timeZone,
      tried: this.#chime.tried,
    };
  }

  test(): Promise<ChimeTriedAnswer> {
    return this.#chime.sound();
  }

  warnings(): Notice[] {
    const { audio, mqtt } = this.#chime.tried;
    return [audio?.problem, mqtt?.problem].flatMap((problem) =>
      problem ? [{ code: problem.code, message: problem.message.slice(0, 500) }] : [],
    );
  }

  [Symbol.dispose](): void {
    this.#chime[Symbol.dispose]();
  }

  #isQuiet(): boolean {
    const { settings, nowMs, timeZone } = this.#options;
    return hoursNow(settings.current.chime?.quiet ?? NEVER, nowMs(), timeZone).isWithin;
  }
}

const NEVER: readonly never[] = [];

/** Sounds at every ring, from the start on. */
export function openChime({
  bells,
  news,
  ...options
}: Pick<HubChimeOptions, "settings" | "nowMs" | "timeZone"> & {
  bells: Pick<BellDesk, "onRing" | "publish">;
  news: Pick<News, "tell">;
}): HubChime {
  const chime = new HubChime({
    ...options,
    publish: (topic, payload) => bells.publish(topic, payload),
    environment: process.env,
    onNews: () => news.tell("cameras"),
  });
  bells.onRing(() => chime.ring());
  return chime;
}
