import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import Type, { type Static } from "typebox";
import { writeFileDurably } from "./base/files.ts";
import { RETENTION_DEFAULT, type RetentionRules } from "./clips/retention-plan.ts";
import { utf8Bytes } from "./protocol/bytes.ts";
import { DEFAULT_PORT, EXAMPLE_SETTINGS } from "./settings-example.ts";
import {
  checkText,
  lineOfText,
  readSettingsText,
  requireShape,
  SettingsError,
  wrongAt,
  type CheckedText,
} from "./settings-file.ts";

export const SETTINGS_FILE = "doorward.yaml";
export const CAMERA_SECRETS_FILE = "cameras.yaml";

const closed = { additionalProperties: false } as const;
const port = Type.Integer({ minimum: 0, maximum: 65_535, description: "a port from 0 to 65535" });
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
const duration = Type.String({
  pattern: "^[1-9][0-9]{0,3}[hd]$",
  description: "a time as 12h or 30d",
});
const faces = Type.Union(
  [Type.Literal("keep"), Type.Literal("blur-copy"), Type.Literal("blur-only")],
  { description: "keep, blur-copy or blur-only" },
);

const RtspCamera = Type.Object(
  {
    id: cameraId,
    name: Type.Optional(lineOfText(80)),
    source: Type.Optional(Type.Literal("rtsp", { description: "rtsp or ffmpeg" })),
    main: rtspUrl,
    sub: Type.Optional(rtspUrl),
    audio: Type.Optional(Type.Boolean({ description: "true or false" })),
    faces: Type.Optional(faces),
    basic: Type.Optional(Type.Boolean({ description: "true or false" })),
  },
  closed,
);
const FfmpegCamera = Type.Object(
  {
    id: cameraId,
    name: Type.Optional(lineOfText(80)),
    source: Type.Literal("ffmpeg", { description: "rtsp or ffmpeg" }),
    input: Type.String({ minLength: 1, maxLength: 4_096, description: "the path of a video file" }),
    faces: Type.Optional(faces),
  },
  closed,
);

/** Settings as they stand in the file. */
const SettingsSchema = Type.Object(
  {
    name: Type.Optional(lineOfText(80)),
    listen: Type.Optional(
      Type.Object(
        { port: Type.Optional(port), lan: Type.Optional(Type.Boolean({ description: "false" })) },
        closed,
      ),
    ),
    outside: Type.Optional(
      Type.Object(
        {
          port,
          /** The address under which a reverse proxy publishes it. */
          url: Type.Optional(
            Type.String({
              pattern: "^https?://",
              maxLength: 300,
              description: "an address as https://door.example.org",
            }),
          ),
        },
        closed,
      ),
    ),
    cameras: Type.Optional(
      Type.Array(Type.Unknown(), { maxItems: 16, description: "a list of at most 16 cameras" }),
    ),
    notice: Type.Optional(Type.Object({ contact: Type.Optional(lineOfText(200)) }, closed)),
    retention: Type.Optional(
      Type.Object(
        {
          motion: Type.Optional(duration),
          bell: Type.Optional(duration),
          space: Type.Optional(
            Type.String({ pattern: "^[1-9][0-9]{0,5}(MB|GB|TB)$", description: "a size as 20GB" }),
          ),
        },
        closed,
      ),
    ),
  },
  closed,
);

export type CameraSettings = {
  readonly id: string;
  readonly name: string;
  readonly audio: boolean;
  readonly faces: "keep" | "blur-copy";
} & (
  | {
      readonly source: "rtsp";
      readonly main: string;
      readonly sub: string | null;
      readonly username: string | null;
      readonly password: string | null;
      readonly allowBasic: boolean;
    }
  | { readonly source: "ffmpeg"; readonly input: string }
  | { readonly source: "demo" }
);

/** Times as `30d` or `12h`, a size as `20GB`; left out where the default holds. */
export interface RetentionWritten {
  readonly motion?: string;
  readonly bell?: string;
  readonly space?: string;
}

export interface Settings {
  readonly name: string;
  readonly port: number;
  readonly outside: { readonly port: number; readonly url: string | null } | null;
  readonly cameras: readonly CameraSettings[];
  /** Whom the notice at the door says to ask; left out: nobody by name. */
  readonly noticeContact?: string;
  /** Without it, the defaults of `RETENTION_DEFAULT`. */
  readonly retention?: RetentionRules;
  /** The same, as the file says it. */
  readonly retentionWritten?: RetentionWritten;
  /** SHA-256 input for the ledger: the file as it was read, without the secrets. */
  readonly text: string;
}

/** Whether nothing of its streams differs: a new name is no reason to begin a camera anew. */
export function hasSameStreams(one: CameraSettings, other: CameraSettings): boolean {
  return isDeepStrictEqual({ ...one, name: "" }, { ...other, name: "" });
}

/**
 * Reads the settings file, or writes the commented example where there is none.
 *
 * @throws SettingsError for everything that is wrong in it, before anything has been started.
 */
export async function readSettings(
  dataDirectory: string,
  settingsFile: string | null,
  environment: NodeJS.ProcessEnv,
): Promise<Settings> {
  const file = settingsFile ?? path.join(dataDirectory, SETTINGS_FILE);
  let text = await readSettingsText(file);
  if (text === null) {
    if (settingsFile !== null)
      throw new SettingsError(`Cannot read settings: there is no file ${file}`);
    text = EXAMPLE_SETTINGS;
    await writeFileDurably(file, utf8Bytes(text));
  }
  const secretsFile = cameraSecretsFile(dataDirectory);
  const secrets = readSecrets(secretsFile, await readSettingsText(secretsFile));
  return readSettingsFrom({ file, text, secrets, environment });
}

export function cameraSecretsFile(dataDirectory: string): string {
  return path.join(dataDirectory, "secrets", CAMERA_SECRETS_FILE);
}

/**
 * Reads the text of a settings file.
 *
 * @param file - Its name in messages.
 * @throws SettingsError for everything that is wrong in it.
 */
export function readSettingsFrom(options: {
  readonly file: string;
  readonly text: string;
  readonly secrets: CameraSecrets;
  readonly environment: NodeJS.ProcessEnv;
}): Settings {
  const { file, text, secrets, environment } = options;
  const checked = checkText(file, text, SettingsSchema);
  const { value } = checked;
  if (value.listen?.lan === true)
    throw wrongAt(
      file,
      checked,
      ["listen", "lan"],
      [
        "expected false: the local network needs certificates, which this version cannot make yet;",
        "reach the hub from elsewhere through ssh -L 8080:localhost:8080",
      ].join(" "),
    );
  if (value.outside?.url !== undefined && !URL.canParse(value.outside.url))
    throw wrongAt(
      file,
      checked,
      ["outside", "url"],
      "expected an address as https://door.example.org",
    );
  const cameras = (value.cameras ?? []).map((_, index) =>
    readCamera({ file, checked, index, secrets, environment }),
  );
  requireDistinct(file, checked, cameras);
  const portFromEnvironment = readPort(environment["DOORWARD_PORT"]);
  return {
    name: value.name ?? "Home",
    port: portFromEnvironment ?? value.listen?.port ?? DEFAULT_PORT,
    outside: value.outside ? { port: value.outside.port, url: value.outside.url ?? null } : null,
    cameras:
      cameras.length > 0
        ? cameras
        : [{ id: "demo", name: "Demo door", audio: false, faces: "keep", source: "demo" }],
    ...(value.notice?.contact === undefined ? {} : { noticeContact: value.notice.contact }),
    retention: retentionOf(value.retention ?? {}),
    retentionWritten: value.retention ?? {},
    text,
  };
}

const HOUR_MS = 3_600_000;
const UNIT_BYTES: Readonly<Record<string, number>> = { MB: 1e6, GB: 1e9, TB: 1e12 };

/** Times and sizes in the form that the schema demands. */
function retentionOf(written: RetentionWritten): RetentionRules {
  const durationMs = (text: string): number =>
    Number(text.slice(0, -1)) * (text.endsWith("d") ? 24 * HOUR_MS : HOUR_MS);
  const { motion, bell, space } = written;
  return {
    motionMs: motion === undefined ? RETENTION_DEFAULT.motionMs : durationMs(motion),
    bellMs: bell === undefined ? RETENTION_DEFAULT.bellMs : durationMs(bell),
    spaceBytes:
      space === undefined
        ? RETENTION_DEFAULT.spaceBytes
        : Number(space.slice(0, -2)) * (UNIT_BYTES[space.slice(-2)] ?? 0),
  };
}

function readPort(text: string | undefined): number | null {
  if (text === undefined || text === "") return null;
  const value = Number(text);
  if (!/^[0-9]{1,5}$/.test(text) || value > 65_535)
    throw new SettingsError("Cannot read DOORWARD_PORT: expected a port from 0 to 65535");
  return value;
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

function readCamera(options: {
  readonly file: string;
  readonly checked: CheckedText<typeof SettingsSchema>;
  readonly index: number;
  readonly secrets: CameraSecrets;
  readonly environment: NodeJS.ProcessEnv;
}): CameraSettings {
  const { file, checked, index, secrets, environment } = options;
  const value = checked.value.cameras?.[index];
  const isFfmpeg =
    typeof value === "object" && value !== null && "source" in value && value.source === "ffmpeg";
  const schema = isFfmpeg ? FfmpegCamera : RtspCamera;
  requireShape({ file, schema, value, checked, base: ["cameras", index] });
  const camera = value as Static<typeof RtspCamera> | Static<typeof FfmpegCamera>;
  if (camera.faces === "blur-only")
    throw wrongAt(
      file,
      checked,
      ["cameras", index, "faces"],
      [
        "blur-only records nothing that was not blurred, and this version cannot blur yet;",
        "choose keep, and leave the camera out where that is not acceptable",
      ].join(" "),
    );
  const common = {
    id: camera.id,
    name: camera.name ?? camera.id,
    faces: camera.faces ?? ("keep" as const),
  };
  if (camera.source === "ffmpeg")
    return { ...common, audio: false, source: "ffmpeg", input: camera.input };
  for (const stream of ["main", "sub"] as const) {
    const url = camera[stream];
    if (url !== undefined) requirePlainUrl(file, checked, ["cameras", index, stream], url);
  }
  const variable = cameraVariable(camera.id);
  const secret = secrets.get(camera.id);
  return {
    ...common,
    audio: camera.audio ?? false,
    source: "rtsp",
    main: camera.main,
    sub: camera.sub ?? null,
    username: environment[`${variable}_USER`] ?? secret?.user ?? null,
    password: environment[`${variable}_PASSWORD`] ?? secret?.password ?? null,
    allowBasic: camera.basic ?? false,
  };
}

/** Start of the names of the environment's variables for a camera. */
export function cameraVariable(id: string): string {
  return `DOORWARD_CAMERA_${id.toUpperCase().replaceAll("-", "_")}`;
}

function requirePlainUrl(
  file: string,
  checked: CheckedText<typeof SettingsSchema>,
  at: readonly (string | number)[],
  url: string,
): void {
  if (!URL.canParse(url))
    throw wrongAt(file, checked, at, "expected an address as rtsp://192.0.2.10/main");
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

function requireDistinct(
  file: string,
  checked: CheckedText<typeof SettingsSchema>,
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
