/** The chime's sounds, drawn sample by sample. Nothing is random: the same sound is the same bytes. */

export const CHIME_SOUNDS = ["two-tones", "bell", "knock"] as const;
export type ChimeSound = (typeof CHIME_SOUNDS)[number];

export const SAMPLES_PER_SECOND = 48_000;
/** Both ears hear the same: many devices take nothing but two channels. */
const CHANNELS = 2;
const BYTES_PER_SAMPLE = 2;
const HEADER_BYTES = 44;
const SAMPLE_MAX = 32_767;
/** So that the speaker does not click when a sound begins and ends. */
const EDGE_SECONDS = 0.004;

/** A vibration that begins at once and dies away. */
interface Tone {
  readonly hertz: number;
  readonly fromSeconds: number;
  /** After this long it has a third of its strength. */
  readonly decaySeconds: number;
  /** Of the sound's full strength; those that sound together stay below 1. */
  readonly share: number;
}

interface Drawing {
  readonly seconds: number;
  readonly tones: readonly Tone[];
}

/** Fundamental and two partials, each fainter and shorter than the one below. */
function struck(hertz: number, fromSeconds: number, decaySeconds: number): Tone[] {
  return [
    { hertz, fromSeconds, decaySeconds, share: 0.42 },
    { hertz: hertz * 2, fromSeconds, decaySeconds: decaySeconds / 2, share: 0.12 },
    { hertz: hertz * 3, fromSeconds, decaySeconds: decaySeconds / 3, share: 0.05 },
  ];
}

const knocks = [0, 0.22, 0.44];

const DRAWINGS: Readonly<Record<ChimeSound, Drawing>> = {
  // A third down, as door chimes have had it for a century.
  "two-tones": { seconds: 2.4, tones: [...struck(659.25, 0, 0.45), ...struck(523.25, 0.6, 0.55)] },
  // The partials of a small bell, which are no multiples of one another.
  bell: {
    seconds: 2.6,
    tones: [
      { hertz: 587.3, fromSeconds: 0, decaySeconds: 0.8, share: 0.3 },
      { hertz: 1_174.7, fromSeconds: 0, decaySeconds: 0.6, share: 0.22 },
      { hertz: 1_409.6, fromSeconds: 0, decaySeconds: 0.45, share: 0.14 },
      { hertz: 1_762, fromSeconds: 0, decaySeconds: 0.35, share: 0.12 },
      { hertz: 2_349.3, fromSeconds: 0, decaySeconds: 0.25, share: 0.08 },
    ],
  },
  knock: {
    seconds: 0.8,
    tones: knocks.flatMap((fromSeconds) => [
      { hertz: 180, fromSeconds, decaySeconds: 0.035, share: 0.6 },
      { hertz: 410, fromSeconds, decaySeconds: 0.018, share: 0.25 },
    ]),
  },
};

/**
 * A sound as a WAV file: 16 bits, two channels, {@link SAMPLES_PER_SECOND}.
 *
 * @param volume - 0 to 100; how loud it seems goes with it, so its strength goes with the square.
 */
export function drawChime(sound: ChimeSound, volume: number): Uint8Array {
  const { seconds, tones } = DRAWINGS[sound];
  const strength = (Math.min(100, Math.max(0, volume)) / 100) ** 2;
  const count = Math.round(seconds * SAMPLES_PER_SECOND);
  return wavFile(count, (index) => {
    const atSeconds = index / SAMPLES_PER_SECOND;
    const sum = tones.reduce((total, tone) => total + toneAt(tone, atSeconds), 0);
    return sum * strength * edgeAt(atSeconds, seconds);
  });
}

/** Nothing, for so long: shows that a player and a device are there without being heard. */
export function drawSilence(seconds: number): Uint8Array {
  return wavFile(Math.round(seconds * SAMPLES_PER_SECOND), () => 0);
}

function toneAt({ hertz, fromSeconds, decaySeconds, share }: Tone, atSeconds: number): number {
  const since = atSeconds - fromSeconds;
  if (since < 0) return 0;
  const rise = Math.min(1, since / EDGE_SECONDS);
  return rise * share * Math.exp(-since / decaySeconds) * Math.sin(2 * Math.PI * hertz * since);
}

function edgeAt(atSeconds: number, seconds: number): number {
  return Math.min(1, Math.max(0, (seconds - atSeconds) / EDGE_SECONDS));
}

/** @param sampleAt - From -1 to 1. */
function wavFile(count: number, sampleAt: (index: number) => number): Uint8Array {
  const frameBytes = CHANNELS * BYTES_PER_SAMPLE;
  const bytes = new Uint8Array(HEADER_BYTES + count * frameBytes);
  const view = new DataView(bytes.buffer);
  const text = (at: number, value: string): void => {
    for (const [index, letter] of [...value].entries()) bytes[at + index] = letter.charCodeAt(0);
  };
  text(0, "RIFF");
  view.setUint32(4, bytes.length - 8, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, CHANNELS, true);
  view.setUint32(24, SAMPLES_PER_SECOND, true);
  view.setUint32(28, SAMPLES_PER_SECOND * frameBytes, true);
  view.setUint16(32, frameBytes, true);
  view.setUint16(34, BYTES_PER_SAMPLE * 8, true);
  text(36, "data");
  view.setUint32(40, count * frameBytes, true);
  for (let index = 0; index < count; index += 1) {
    const value = Math.round(Math.min(1, Math.max(-1, sampleAt(index))) * SAMPLE_MAX);
    for (let channel = 0; channel < CHANNELS; channel += 1)
      view.setInt16(HEADER_BYTES + (index * CHANNELS + channel) * BYTES_PER_SAMPLE, value, true);
  }
  return bytes;
}
