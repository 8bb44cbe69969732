import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import Type, { type Static } from "typebox";
import type { BellRule } from "../camera/bell/rules.ts";
import { BellsSchema, readBells } from "./bells.ts";
import { BlurSchema, FacesSchema, type BlurSettings, type Faces } from "./blur.ts";
import { FFMPEG_MEMBERS, readFfmpegMembers, type FfmpegSettings } from "./ffmpeg.ts";
import { MotionSchema, type MotionSettings } from "./motion.ts";
import { WeekHoursListSchema, wrongWeekHours, type WeekHours } from "./week-hours.ts";
import { checkText, lineOfText, requireShape, wrongAt, type CheckedText } from "./file.ts";
import { AREA_MEMBERS, readAreas, type CameraAreas } from "./zones.ts";

export const CAMERA_SECRETS_FILE = "cameras.yaml";

const closed = { additionalProperties: false } as const;
const cameraId = Type.String({
  pattern: "^[a-z][a-z0-9-]{0,31}$",
  description: "1 to 32 of a-z, 0-9 and '-', starting with a letter",
});
const rtspUrl = Type.String({
  // Anything else would have to be escaped, and each camera has its own idea of how.
  pattern: "^rtsp://[!-~]+$",
  maxLength: 1_000,
  description: "an address as rtsp://192.0.2.10/main",
});
const onvifUrl = Type.String({
  pattern: "^https?://[!-~]+$",
  maxLength: 1_000,
  description: "an address as http://192.0.2.10/onvif/device_service",
});

const RtspCamera = Type.Object(
  {
    id: cameraId,
    name: Type.Optional(lineOfText(80)),
    source: Type.Optional(Type.Literal("rtsp", { description: "rtsp or ffmpeg" })),
    main: rtspUrl,
    sub: Type.Optional(rtspUrl),
    onvif: Type.Optional(onvifUrl),
    audio: Type.Optional(Type.Boolean({ description: "true or false" })),
    faces: Type.Optional(FacesSchema),
    blur: Type.Optional(BlurSchema),
    motion: Type.Optional(MotionSchema),
    basic: Type.Optional(Type.Boolean({ description: "true or false" })),
    talk: Type.Optional(Type.Boolean({ description: "true or false" })),
    privacy: Type.Optional(WeekHoursListSchema),
    bells: Type.Optional(BellsSchema),
    ...AREA_MEMBERS,
  },
  closed,
);
const FfmpegCamera = Type.Object(
  {
    id: cameraId,
    name: Type.Optional(lineOfText(80)),
    source: Type.Literal("ffmpeg", { description: "rtsp or ffmpeg" }),
    ...FFMPEG_MEMBERS,
    faces: Type.Optional(FacesSchema),
    blur: Type.Optional(BlurSchema),
    motion: Type.Optional(MotionSchema),
    privacy: Type.Optional(WeekHoursListSchema),
    bells: Type.Optional(BellsSchema),
    ...AREA_MEMBERS,
  },
  closed,
);

export type CameraSettings = {
  readonly id: string;
  readonly name: string;
  readonly audio: boolean;
  readonly faces: Faces;
  /** As the settings say it; `blurOf` gives what holds. */
  readonly blur?: Partial<BlurSettings>;
  /** As the settings say it; `motionOf` gives what holds. */
  readonly motion?: Partial<MotionSettings>;
  /** Hours of the week in which it is off; left out or empty: none. */
  readonly privacy?: readonly WeekHours[];
  /** How its bell is heard; left out or empty: it has none. */
  readonly bells?: readonly BellRule[];
} & CameraAreas &
  (
    | {
        readonly source: "rtsp";
        readonly main: string;
        readonly sub: string | null;
        readonly username: string | null;
        readonly password: string | null;
        readonly allowBasic: boolean;
        /** Its ONVIF device service; left out: it is asked for pictures only. */
        readonly onvif?: string;
        /** False: nobody may talk through it. Left out: whoever sees its live picture may. */
        readonly talk?: boolean;
      }
    | FfmpegSettings
    | { readonly source: "demo" }
  );

/**
 * Whether nothing of its streams differs: a new name, bell or zone is no reason to begin a camera
 * anew. A mask is: it is painted into the streams.
 */
export function hasSameStreams(one: CameraSettings, other: CameraSettings): boolean {
  const areas = { zones: [], public: [], publicBudget: 0 };
  // The recorder follows them by itself, from the next picture on.
  const recorded = { faces: "keep", blur: {} };
  const followed = { motion: {}, ...areas, ...recorded };
  const beside = { name: "", bells: [], privacy: [], talk: true, onvif: "", ...followed };
  const streamsOf = (camera: CameraSettings) => ({
    ...{ ...camera, ...beside },
    masks: camera.masks ?? [],
    // Where it is asked whether it hides them by itself.
    ...((camera.masks ?? []).length > 0 && camera.source === "rtsp" ? { onvif: camera.onvif } : {}),
  });
  return isDeepStrictEqual(streamsOf(one), streamsOf(other));
}

export function cameraSecretsFile(dataDirectory: string): string {
  return path.join(dataDirectory, "secrets", CAMERA_SECRETS_FILE);
}

/** User names and passwords of cameras, by the camera's identifier. */
export type CameraSecrets = ReadonlyMap<string, { user: string | null; password: string | null }>;

const SecretsSchema = Type.Record(
  Type.String({ maxLength: 32 }),
  Type.Object(
    {
      user: Type.Optional(Type.String({ maxLength: 200, description: "a user name" })),
      password: Type.Optional(Type.String({ maxLength: 200, description: "a password in quotes" })),
    },
    closed,
  ),
  { maxProperties: 16 },
);

/**
 * @param text - Null where there is no such file.
 * @throws SettingsError for everything that is wrong in it.
 */
export function readSecrets(file: string, text: string | null): CameraSecrets {
  if (text === null) return new Map();
  const { value } = checkText(file, text, SecretsSchema);
  return new Map(
    Object.entries(value).map(([id, entry]) => [
      id,
      { user: entry.user ?? null, password: entry.password ?? null },
    ]),
  );
}

/** The settings file as it was read, of which only the cameras matter here. */
type CheckedCameras = CheckedText<Type.TSchema> & {
  readonly value: { readonly cameras?: readonly unknown[] };
};

/** @throws SettingsError for everything that is wrong in it. */
export function readCamera(options: {
  readonly file: string;
  readonly checked: CheckedCameras;
  readonly index: number;
  readonly secrets: CameraSecrets;
  readonly environment: NodeJS.ProcessEnv;
  /** What holds of a camera that says nothing of it. */
  readonly unsaid: Pick<CameraSettings, "faces" | "motion">;
}): CameraSettings {
  const { file, checked, index, secrets, environment } = options;
  const value = checked.value.cameras?.[index];
  const isFfmpeg =
    typeof value === "object" && value !== null && "source" in value && value.source === "ffmpeg";
  const schema = isFfmpeg ? FfmpegCamera : RtspCamera;
  requireShape({ file, schema, value, checked, base: ["cameras", index] });
  const camera = value as Static<typeof RtspCamera> | Static<typeof FfmpegCamera>;
  requireRightHours(file, checked, index, camera.privacy ?? []);
  const common = {
    id: camera.id,
    name: camera.name ?? camera.id,
    faces: camera.faces ?? options.unsaid.faces,
    ...(camera.blur === undefined ? {} : { blur: camera.blur }),
    ...(camera.motion === undefined && options.unsaid.motion === undefined
      ? {}
      : { motion: { ...options.unsaid.motion, ...camera.motion } }),
    ...(camera.privacy === undefined ? {} : { privacy: camera.privacy }),
    ...(camera.bells === undefined
      ? {}
      : {
          bells: readBells({
            ...{ file, checked, at: ["cameras", index, "bells"], value: camera.bells },
            hasHost: !isFfmpeg,
            hasOnvif: "onvif" in camera,
          }),
        }),
    ...readAreas({ file, checked, at: ["cameras", index], value: camera }),
  };
  const variable = cameraVariable(camera.id);
  const secret = secrets.get(camera.id);
  const login = {
    username: environment[`${variable}_USER`] ?? secret?.user ?? null,
    password: environment[`${variable}_PASSWORD`] ?? secret?.password ?? null,
  };
  if (camera.source === "ffmpeg") {
    const read = readFfmpegMembers(camera, login);
    if ("wrong" in read) throw wrongAt(file, checked, ["cameras", index, read.member], read.wrong);
    return { ...common, audio: false, ...read };
  }
  for (const stream of ["main", "sub", "onvif"] as const) {
    const url = camera[stream];
    if (url !== undefined) requirePlainUrl(file, checked, ["cameras", index, stream], url);
  }
  return {
    ...common,
    audio: camera.audio ?? false,
    source: "rtsp",
    main: camera.main,
    sub: camera.sub ?? null,
    ...(camera.onvif === undefined ? {} : { onvif: camera.onvif }),
    ...login,
    allowBasic: camera.basic ?? false,
    ...(camera.talk === undefined ? {} : { talk: camera.talk }),
  };
}

function requireRightHours(
  file: string,
  checked: CheckedCameras,
  index: number,
  hours: readonly WeekHours[],
): void {
  const wrong = wrongWeekHours(hours);
  if (wrong)
    throw wrongAt(file, checked, ["cameras", index, "privacy", wrong.index, "from"], wrong.why);
}

/** Start of the names of the environment's variables for a camera. */
export function cameraVariable(id: string): string {
  return `DOORWARD_CAMERA_${id.toUpperCase().replaceAll("-", "_")}`;
}

function requirePlainUrl(
  file: string,
  checked: CheckedCameras,
  at: readonly (string | number)[],
  url: string,
): void {
  if (!URL.canParse(url))
    throw wrongAt(file, checked, at, `expected an address as ${exampleOf(at.at(-1))}`);
  const { username, password, hostname } = new URL(url);
  if (username !== "" || password !== "")
    throw wrongAt(
      file,
      checked,
      at,
      "user and password belong into secrets/cameras.yaml, not here",
    );
  if (hostname === "") throw wrongAt(file, checked, at, "the address names no host");
}

function exampleOf(member: string | number | undefined): string {
  return member === "onvif" ? "http://192.0.2.10/onvif/device_service" : "rtsp://192.0.2.10/main";
}

/** @throws SettingsError where two cameras have one identifier. */
export function requireDistinct(
  file: string,
  checked: CheckedCameras,
  cameras: readonly CameraSettings[],
): void {
  const seen = new Set<string>();
  cameras.forEach(({ id }, index) => {
    if (seen.has(id))
      throw wrongAt(file, checked, ["cameras", index, "id"], `"${id}" is used twice`);
    seen.add(id);
  });
}

/** Whether a camera gives a smaller stream beside its main one. */
export function hasOwnSub(camera: CameraSettings): boolean {
  return camera.source === "rtsp" ? camera.sub !== null : camera.source === "demo";
}
