import Type, { type Static, type TSchema } from "typebox";
import { CHIME_SOUNDS, type ChimeSound } from "../notify/chime-sounds.ts";
import type { ChimeRules } from "../notify/chime.ts";
import { wrongAt, type CheckedText } from "./file.ts";
import { WeekHoursListSchema, wrongWeekHours, type WeekHours } from "./week-hours.ts";

const closed = { additionalProperties: false } as const;
const VOLUME_DEFAULT = 70;
const DEVICE_DEFAULT = "default";
const PAYLOAD_DEFAULT = "ring";

export const ChimeSchema = Type.Object(
  {
    /** Played by the hub's own machine. */
    audio: Type.Optional(Type.Boolean({ description: "true or false" })),
    sound: Type.Optional(
      Type.Union(
        CHIME_SOUNDS.map((sound) => Type.Literal(sound)),
        { description: `one of ${CHIME_SOUNDS.join(", ")}` },
      ) as unknown as Type.TUnsafe<ChimeSound>,
    ),
    volume: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100, description: "a whole number from 1 to 100" }),
    ),
    /** A name of ALSA's may write files: it can be set in the file only. */
    device: Type.Optional(
      Type.String({
        pattern: "^[A-Za-z0-9_][!-~]*$",
        maxLength: 100,
        description: 'a device as aplay -L lists it, for example "plughw:CARD=Device"',
      }),
    ),
    mqtt: Type.Optional(
      Type.Object(
        {
          topic: Type.String({
            pattern: "^[^\\p{C}+#]+$",
            maxLength: 200,
            description: "a topic as house/chime, without + and #",
          }),
          payload: Type.Optional(
            Type.String({ pattern: "^[^\\p{C}]*$", maxLength: 200, description: "a line of text" }),
          ),
        },
        closed,
      ),
    ),
    quiet: Type.Optional(WeekHoursListSchema),
  },
  closed,
);
export type ChimeWritten = Static<typeof ChimeSchema>;

export interface ChimeSettings extends ChimeRules {
  /** Local time of the machine. */
  readonly quiet: readonly WeekHours[];
}

/** @throws SettingsError for what its shape does not say. */
export function readChime(
  file: string,
  checked: CheckedText<TSchema>,
  written: ChimeWritten,
): ChimeSettings {
  const { audio = true, sound = "two-tones", volume = VOLUME_DEFAULT, mqtt, quiet = [] } = written;
  const wrong = wrongWeekHours(quiet);
  if (wrong) throw wrongAt(file, checked, ["chime", "quiet", wrong.index, "from"], wrong.why);
  return {
    audio: audio ? { sound, volume, device: written.device ?? DEVICE_DEFAULT } : null,
    mqtt: mqtt ? { topic: mqtt.topic, payload: mqtt.payload ?? PAYLOAD_DEFAULT } : null,
    quiet,
  };
}
