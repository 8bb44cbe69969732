import Type, { type Static } from "typebox";

/** `health:` of the settings file: from when on owners are told, and whether programs may measure. */

const closed = { additionalProperties: false } as const;
const duration = (description: string) =>
  Type.String({ pattern: "^[1-9][0-9]{0,3}[mhd]$", description });
const minutes = duration("a time as 10m, 2h or 1d");
const days = duration("a time as 14d or 36h");

export const HealthSchema = Type.Object(
  {
    /** A camera that shows nothing for this long, by itself, is told of. */
    cameraAway: Type.Optional(minutes),
    /** Before a certificate ends. */
    certificate: Type.Optional(days),
    /** Since a device last held the hub to its ledger. */
    witness: Type.Optional(days),
    /** Since the copy elsewhere was last whole. */
    copyBehind: Type.Optional(days),
    /** By how much a clock jumps that is told of. */
    clockJump: Type.Optional(minutes),
    /** In degrees Celsius. */
    temperature: Type.Optional(
      Type.Integer({ minimum: 40, maximum: 120, description: "whole degrees Celsius, 40 to 120" }),
    ),
    /** Whether `GET /api/metrics` answers programs that have the token. */
    metrics: Type.Optional(Type.Boolean({ description: "true or false" })),
  },
  closed,
);
type HealthWritten = Static<typeof HealthSchema>;

/** From when on owners are told, in ms and degrees Celsius. */
export interface HealthSettings {
  readonly cameraAwayMs: number;
  readonly certificateMs: number;
  readonly witnessMs: number;
  readonly copyBehindMs: number;
  readonly clockJumpMs: number;
  readonly temperatureC: number;
  readonly metrics: boolean;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const UNIT_MS: Readonly<Record<string, number>> = { m: MINUTE_MS, h: 60 * MINUTE_MS, d: DAY_MS };

/** Where nothing is said. A Pi slows itself down from 80 degrees on. */
export const HEALTH_DEFAULT: HealthSettings = {
  cameraAwayMs: 10 * MINUTE_MS,
  certificateMs: 14 * DAY_MS,
  witnessMs: 30 * DAY_MS,
  copyBehindMs: 2 * DAY_MS,
  clockJumpMs: 5 * MINUTE_MS,
  temperatureC: 80,
  metrics: false,
};

/** Times in the form that the schema demands. */
export function readHealth(written: HealthWritten): HealthSettings {
  const { cameraAway, certificate, witness, copyBehind, clockJump } = written;
  const lasting = (text: string | undefined, otherwise: number): number =>
    text === undefined ? otherwise : Number(text.slice(0, -1)) * (UNIT_MS[text.slice(-1)] ?? 0);
  return {
    cameraAwayMs: lasting(cameraAway, HEALTH_DEFAULT.cameraAwayMs),
    certificateMs: lasting(certificate, HEALTH_DEFAULT.certificateMs),
    witnessMs: lasting(witness, HEALTH_DEFAULT.witnessMs),
    copyBehindMs: lasting(copyBehind, HEALTH_DEFAULT.copyBehindMs),
    clockJumpMs: lasting(clockJump, HEALTH_DEFAULT.clockJumpMs),
    temperatureC: written.temperature ?? HEALTH_DEFAULT.temperatureC,
    metrics: written.metrics ?? HEALTH_DEFAULT.metrics,
  };
}
