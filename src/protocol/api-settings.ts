import Type, { type Static } from "typebox";

/**
 * Bodies and answers of the settings routes. They only bound what comes in: what a setting may be is
 * said once, by the schema of the settings file, and in its words.
 */
const closed = { additionalProperties: false } as const;
const text = (maxLength: number) => Type.String({ maxLength });
const orNull = <Schema extends Type.TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);

const URL_CHARACTERS = 1_000;
/** User name or password of a camera. */
const SECRET_CHARACTERS = 200;
/** It goes into a line of a request to the camera, and must not end it. */
const secret = Type.String({ pattern: "^\\P{Cc}*$", maxLength: SECRET_CHARACTERS });

/** A camera as it is in force. It has no password in it, ever: only whether there is one. */
export const CameraSettingsAnswer = Type.Object(
  {
    id: text(32),
    name: text(80),
    /** `ffmpeg` and `demo` have no address; what a `ffmpeg` source plays stands in the file. */
    source: Type.Union([Type.Literal("rtsp"), Type.Literal("ffmpeg"), Type.Literal("demo")]),
    main: Type.Optional(text(URL_CHARACTERS)),
    sub: Type.Optional(text(URL_CHARACTERS)),
    onvif: Type.Optional(text(URL_CHARACTERS)),
    audio: Type.Boolean(),
    /** False: nobody may talk through it. Left out otherwise. */
    talk: Type.Optional(Type.Boolean()),
    faces: Type.Union([Type.Literal("keep"), Type.Literal("blur-copy"), Type.Literal("blur-only")]),
    /** What a blurred copy covers, and how hard it is looked for; also where none is made. */
    blur: Type.Object(
      {
        cover: Type.Union([Type.Literal("faces"), Type.Literal("persons")]),
        plates: Type.Boolean(),
        mode: Type.Union([Type.Literal("standard"), Type.Literal("thorough")]),
      },
      closed,
    ),
    hasPassword: Type.Boolean(),
    username: Type.Optional(text(SECRET_CHARACTERS)),
  },
  closed,
);
export type CameraSettingsAnswer = Static<typeof CameraSettingsAnswer>;

/** Answer of every settings route: all that is in force now. */
export const SettingsAnswer = Type.Object(
  {
    name: text(80),
    cameras: Type.Array(CameraSettingsAnswer, { maxItems: 16 }),
    /** As the file says it: `30d`, `12h`, `20GB`. Null where it says nothing: the default holds. */
    retention: Type.Object(
      { motion: orNull(text(10)), bell: orNull(text(10)), space: orNull(text(10)) },
      closed,
    ),
    /** The listener for requesters; it is set in the file only. */
    outside: orNull(Type.Object({ port: Type.Integer(), url: orNull(text(300)) }, closed)),
    /** No camera is configured, so a drawn scene plays. */
    isDemo: Type.Boolean(),
    /** Name of the settings file, without its folder. */
    file: text(255),
  },
  closed,
);
export type SettingsAnswer = Static<typeof SettingsAnswer>;

export const SettingsNameBody = Type.Object({ name: text(200) }, closed);

/** What is left out stays as it is; null goes back to the default. */
export const SettingsRetentionBody = Type.Object(
  {
    motion: Type.Optional(orNull(text(20))),
    bell: Type.Optional(orNull(text(20))),
    space: Type.Optional(orNull(text(20))),
  },
  closed,
);
export type SettingsRetentionBody = Static<typeof SettingsRetentionBody>;

/**
 * Adds a camera or changes one. What is left out stays as it is, `null` removes it. A new camera
 * needs `main`. User name and password inside an address are taken out of it and kept apart. A kept
 * password stays with the host it was given for: another host needs it again.
 */
export const SettingsCameraBody = Type.Object(
  {
    name: Type.Optional(orNull(text(200))),
    main: Type.Optional(text(2_048)),
    sub: Type.Optional(orNull(text(2_048))),
    /** Its ONVIF device service, without user and password. */
    onvif: Type.Optional(orNull(text(1_000))),
    audio: Type.Optional(Type.Boolean()),
    talk: Type.Optional(Type.Boolean()),
    faces: Type.Optional(text(20)),
    blur: Type.Optional(
      Type.Object(
        {
          cover: Type.Optional(text(20)),
          plates: Type.Optional(Type.Boolean()),
          mode: Type.Optional(text(20)),
        },
        closed,
      ),
    ),
    username: Type.Optional(orNull(secret)),
    password: Type.Optional(orNull(secret)),
    /** Read only to say why they cannot be set here. */
    source: Type.Optional(text(20)),
    input: Type.Optional(text(4_096)),
  },
  closed,
);
export type SettingsCameraBody = Static<typeof SettingsCameraBody>;

/** Identifier of a camera, as the file's schema has it. */
export const SettingsCameraParameter = Type.Object({
  id: Type.String({ pattern: "^[a-z][a-z0-9-]{0,31}$", maxLength: 32 }),
});

export const CameraTestBody = Type.Object(
  {
    main: text(2_048),
    username: Type.Optional(orNull(secret)),
    password: Type.Optional(orNull(secret)),
    /**
     * A camera that is being changed: what is left out of user name and password is its own. Its
     * password goes to no other host than those it was given for.
     */
    camera: Type.Optional(text(32)),
  },
  closed,
);
export type CameraTestBody = Static<typeof CameraTestBody>;

/** What a camera answered to a trial of up to ten seconds; of its picture only the measures. */
export const CameraTestAnswer = Type.Object(
  {
    ok: Type.Boolean(),
    codec: orNull(text(40)),
    width: orNull(Type.Integer({ minimum: 1, maximum: 16_384 })),
    height: orNull(Type.Integer({ minimum: 1, maximum: 16_384 })),
    fps: orNull(Type.Number({ minimum: 0, maximum: 1_000 })),
    /** Named as on the health page: WRONG_PASSWORD, UNREACHABLE, NO_SUCH_STREAM and so on. */
    problem: orNull(Type.Object({ code: text(40), message: text(500) }, closed)),
  },
  closed,
);
export type CameraTestAnswer = Static<typeof CameraTestAnswer>;
