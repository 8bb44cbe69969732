import Type, { type Static } from "typebox";
import { AreasBody } from "./api-areas.ts";

/** Asking a camera to hide its masks by itself (`/api/settings/cameras/:id/masks/in-camera`). */

const closed = { additionalProperties: false } as const;

export const MasksInCameraBody = Type.Object({ masks: AreasBody.properties.masks }, closed);
export type MasksInCameraBody = Static<typeof MasksInCameraBody>;

export const MasksInCameraAnswer = Type.Object(
  {
    /** Whether it now says that it covers all of them, on every stream. */
    isHidden: Type.Boolean(),
    /** Why not, in words for a person. */
    why: Type.Union([Type.String({ maxLength: 500 }), Type.Null()]),
  },
  closed,
);
export type MasksInCameraAnswer = Static<typeof MasksInCameraAnswer>;
