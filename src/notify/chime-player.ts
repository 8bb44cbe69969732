import { spawn } from "node:child_process";
import { constants } from "node:fs";
import { access, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";

/** Why nothing was heard, and what to do about it. */
export interface ChimeProblem {
  readonly code: string;
  readonly message: string;
}

/** Programs that play a WAV file on this machine, in the order in which they are tried. */
const PLAYERS: readonly {
  readonly name: string;
  readonly arguments: (file: string, device: string) => readonly string[];
}[] = [
  { name: "aplay", arguments: (file, device) => ["-q", "-D", device, file] },
  { name: "pw-play", arguments: (file) => [file] },
  { name: "paplay", arguments: (file) => [file] },
];

/** What finding a sound server takes; nothing else of the hub's environment. */
const VARIABLES = [
  ...["PATH", "HOME", "XDG_RUNTIME_DIR", "ALSA_CONFIG_PATH", "PULSE_SERVER", "PIPEWIRE_REMOTE"],
] as const;
/** Longer than any sound of ours: a device that takes nothing is given up. */
const PLAY_MAX_MS = 8_000;
const ERROR_CHARACTERS = 200;

const NO_PLAYER: ChimeProblem = {
  code: "NO_PLAYER",
  message: "This machine has no program that plays sounds: install one (apt install alsa-utils).",
};
export const CHIME_BUSY: ChimeProblem = {
  code: "CHIME_BUSY",
  message: "The chime was sounding already.",
};

export interface ChimePlayerOptions {
  /** Replaced in tests by one that finds other programs and another sound card. */
  readonly environment?: NodeJS.ProcessEnv;
  readonly playMaxMs?: number;
  /** Where the sound lies while it is played. */
  readonly temporaryDirectory?: string;
}

/** Plays one sound at a time through the first program of this machine that manages. */
export class ChimePlayer {
  readonly #environment: NodeJS.ProcessEnv;
  readonly #playMaxMs: number;
  readonly #temporaryDirectory: string;
  #isPlaying = false;
  /** Set while what plays is silence, which gives way. */
  #probe: { readonly ended: Promise<unknown>; readonly stop: () => void } | null = null;

  constructor(options: ChimePlayerOptions = {}) {
    const { environment = process.env, playMaxMs = PLAY_MAX_MS } = options;
    this.#temporaryDirectory = options.temporaryDirectory ?? os.tmpdir();
    this.#environment = Object.fromEntries(
      VARIABLES.flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])),
    );
    this.#playMaxMs = playMaxMs;
  }

  /**
   * Returns when it was heard, or could not be. Never rejects.
   *
   * @param device - As ALSA names it; the other players use what the sound server has chosen.
   */
  async play(wav: Uint8Array, device: string): Promise<ChimeProblem | null> {
    const probe = this.#probe;
    probe?.stop();
    await probe?.ended;
    return this.#play(wav, device, new AbortController().signal);
  }

  /** The same for silence, which a sound that comes meanwhile cuts short. */
  async probe(wav: Uint8Array, device: string): Promise<ChimeProblem | null> {
    if (this.#isPlaying) return CHIME_BUSY;
    const stopping = new AbortController();
    const ended = this.#play(wav, device, stopping.signal);
    this.#probe = { ended, stop: () => stopping.abort() };
    const problem = await ended;
    this.#probe = null;
    return stopping.signal.aborted ? CHIME_BUSY : problem;
  }

  async #play(wav: Uint8Array, device: string, signal: AbortSignal): Promise<ChimeProblem | null> {
    if (this.#isPlaying) return CHIME_BUSY;
    this.#isPlaying = true;
    try {
      return await this.#playFile(wav, device, signal);
    } catch (error) {
      return failed("CHIME_FAILED", error instanceof Error ? error.message : "unknown");
    } finally {
      this.#isPlaying = false;
    }
  }

  async #playFile(
    wav: Uint8Array,
    device: string,
    signal: AbortSignal,
  ): Promise<ChimeProblem | null> {
    const folder = await mkdtemp(path.join(this.#temporaryDirectory, "doorward-chime-"));
    try {
      const file = path.join(folder, "chime.wav");
      await writeFile(file, wav, { mode: 0o600 });
      let first: ChimeProblem | null = null;
      for (const player of PLAYERS) {
        const program = await this.#find(player.name);
        if (program === null || signal.aborted) continue;
        const problem = await this.#run(program, player.arguments(file, device), signal);
        if (problem === null) return null;
        first ??= problem;
      }
      return first ?? NO_PLAYER;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #find(name: string): Promise<string | null> {
    for (const folder of (this.#environment["PATH"] ?? "").split(path.delimiter)) {
      if (!path.isAbsolute(folder)) continue;
      const program = path.join(folder, name);
      const isThere = await access(program, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (isThere) return program;
    }
    return null;
  }

  #run(
    program: string,
    args: readonly string[],
    signal: AbortSignal,
  ): Promise<ChimeProblem | null> {
    const { promise, resolve } = Promise.withResolvers<ChimeProblem | null>();
    const child = spawn(program, args, {
      env: this.#environment,
      stdio: ["ignore", "ignore", "pipe"],
    });
    const name = path.basename(program);
    let said = "";
    let isLate = false;
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(0, ERROR_CHARACTERS);
    });
    const timer = setTimeout(() => {
      isLate = true;
      child.kill("SIGKILL");
    }, this.#playMaxMs);
    const stop = (): void => void child.kill("SIGKILL");
    signal.addEventListener("abort", stop, { once: true });
    child.on("error", (error) => {
      clearTimeout(timer);
      resolve(failed("CHIME_FAILED", `${name} cannot be started (${error.message})`));
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      if (isLate) resolve(failed("CHIME_TOO_SLOW", `${name} did not end and was ended`));
      else if (code === 0) resolve(null);
      else resolve(failed("NO_SOUND_DEVICE", `${name} found no way to be heard: ${oneLine(said)}`));
    });
    return promise;
  }
}

function failed(code: string, what: string): ChimeProblem {
  return {
    code,
    message: `The chime did not sound: ${what}. Look whether a speaker is set up (aplay -L lists them), and set chime.device in the settings file to one of them.`,
  };
}

function oneLine(text: string): string {
  return text
    .replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ")
    .trim()
    .slice(0, ERROR_CHARACTERS);
}
