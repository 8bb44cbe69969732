import Type, { type Static } from "typebox";
import { LIMITS } from "./limits.ts";

/** What devices and hub say to each other of keyring changes and of the way of the lost phone. */
const hex = (length: number) =>
  Type.String({ pattern: `^[0-9a-f]{${length}}$`, minLength: length, maxLength: length });
const closed = { additionalProperties: false } as const;

/** Readers sealed to a device's transfer key: base64 of an age file. */
export const PassedOnBlob = Type.Object(
  {
    device: hex(64),
    sealed: Type.String({ minLength: 1, maxLength: LIMITS.passedOnCharacters }),
  },
  closed,
);
export type PassedOnBlob = Static<typeof PassedOnBlob>;
