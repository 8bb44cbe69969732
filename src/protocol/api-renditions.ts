import Type, { type Static } from "typebox";
import { DEVICE_COPY_FILES_MAX, DeviceCopyFileSchema } from "./ledger-entry.ts";

/** Bodies and answers of the routes by which an owner's device sends a blurred rendition. */

/**
 * Every file that will come, as the ledger entry will list it; and the payload hashes of all blurred
 * files that the clip has, where these are to take their place.
 */
export const RenditionBody = Type.Object(
  {
    files: Type.Array(DeviceCopyFileSchema, { minItems: 1, maxItems: DEVICE_COPY_FILES_MAX }),
    replaces: Type.Optional(
      Type.Array(Type.String({ pattern: "^[0-9a-f]{64}$", minLength: 64, maxLength: 64 }), {
        maxItems: DEVICE_COPY_FILES_MAX,
      }),
    ),
  },
  { additionalProperties: false },
);
export type RenditionBody = Static<typeof RenditionBody>;

const uploadId = Type.String({ pattern: "^[0-9a-f]{32}$", minLength: 32, maxLength: 32 });
export const RenditionStarted = Type.Object({ upload: uploadId }, { additionalProperties: false });

/** Index of the ledger entry that lists the rendition. */
export const RenditionListed = Type.Object(
  { entryIndex: Type.Integer({ minimum: 0 }) },
  { additionalProperties: false },
);
