import Type, { type Static } from "typebox";

/** Finding cameras and asking one what it is (`/api/settings/cameras/find` and `/probe`). */

const closed = { additionalProperties: false } as const;
/** One line that a camera wrote, as it is shown. */
const said = (maxLength: number) => Type.String({ maxLength });
const Problem = Type.Object(
  { code: Type.String({ maxLength: 64 }), message: Type.String({ maxLength: 500 }) },
  closed,
);
const orNull = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

export const FOUND_CAMERAS_MAX = 64;
export const PROBE_STREAMS_MAX = 32;
export const PROBE_TOPICS_MAX = 200;
/** A still, as it came from the camera and without what it said about itself. */
export const STILL_BYTES_MAX = 3 * 1024 * 1024;

export const FoundCamera = Type.Object(
  {
    /** Its device service, on the host that answered. */
    onvif: said(1_000),
    host: said(100),
    /** What it calls itself; null where it does not. Where it says it stands is never kept. */
    name: orNull(said(80)),
    hardware: orNull(said(80)),
  },
  closed,
);
export type FoundCamera = Static<typeof FoundCamera>;

export const FindCamerasAnswer = Type.Object(
  {
    cameras: Type.Array(FoundCamera, { maxItems: FOUND_CAMERAS_MAX }),
    /** Answers that named another host than the one they came from, or were no answer to this. */
    refused: Type.Integer({ minimum: 0, maximum: 100_000 }),
    /** Addresses of this machine that were searched from. */
    searchedFrom: Type.Array(said(100), { maxItems: 32 }),
  },
  closed,
);
export type FindCamerasAnswer = Static<typeof FindCamerasAnswer>;

export const CameraProbeBody = Type.Object(
  {
    /** A host, `http://192.0.2.10/onvif/device_service`, or `rtsp://192.0.2.10/main`. */
    address: Type.String({ minLength: 1, maxLength: 1_000 }),
    username: Type.Optional(orNull(Type.String({ maxLength: 200 }))),
    password: Type.Optional(orNull(Type.String({ maxLength: 200 }))),
  },
  closed,
);
export type CameraProbeBody = Static<typeof CameraProbeBody>;

export const ProbedStream = Type.Object(
  {
    name: said(80),
    /** `H.264`, `H.265`, `JPEG`, or what the camera says. */
    codec: said(40),
    width: orNull(Type.Integer({ minimum: 0, maximum: 65_535 })),
    height: orNull(Type.Integer({ minimum: 0, maximum: 65_535 })),
    framesPerSecond: orNull(Type.Number({ minimum: 0, maximum: 1_000 })),
    kilobitsPerSecond: orNull(Type.Number({ minimum: 0, maximum: 10_000_000 })),
    /** On the host that was typed, without user and password; null where it cannot be used. */
    url: orNull(said(1_000)),
    /** The host that the camera named instead; nothing is sent there. */
    otherHost: orNull(said(100)),
    problem: orNull(Problem),
  },
  closed,
);
export type ProbedStream = Static<typeof ProbedStream>;

export const MainReason = Type.Union([
  Type.Literal("largest-h264"),
  /** There is a larger one in H.265, which fewer browsers play. */
  Type.Literal("h264-before-larger-h265"),
  /** The H.264 there is is far smaller. */
  Type.Literal("h265-much-larger"),
  Type.Literal("h265-only"),
  Type.Literal("as-typed"),
  Type.Literal("none"),
]);
export type MainReason = Static<typeof MainReason>;
export const SubReason = Type.Union([
  Type.Literal("nearest-640x360"),
  /** The only smaller streams are in another codec. */
  Type.Literal("no-small-h264"),
  Type.Literal("none"),
]);
export type SubReason = Static<typeof SubReason>;

export const CameraProbeAnswer = Type.Object(
  {
    /** Null where it was asked as RTSP. */
    onvif: orNull(said(1_000)),
    maker: orNull(said(80)),
    model: orNull(said(80)),
    firmware: orNull(said(80)),
    /** Camera clock minus hub clock; null where it does not tell. */
    clockOffsetMs: orNull(Type.Integer()),
    streams: Type.Array(ProbedStream, { maxItems: PROBE_STREAMS_MAX }),
    /** Places in `streams`. */
    main: orNull(Type.Integer({ minimum: 0, maximum: PROBE_STREAMS_MAX })),
    sub: orNull(Type.Integer({ minimum: 0, maximum: PROBE_STREAMS_MAX })),
    mainReason: MainReason,
    subReason: SubReason,
    /** What the device says it can do; null where it does not say. */
    events: orNull(Type.Boolean()),
    backChannel: orNull(Type.Boolean()),
    masks: orNull(Type.Boolean()),
    topics: Type.Array(said(300), { maxItems: PROBE_TOPICS_MAX }),
    /** A JPEG in base64, shown once and stored nowhere. */
    still: orNull(Type.String({ maxLength: Math.ceil(STILL_BYTES_MAX / 3) * 4 + 4 })),
    stillProblem: orNull(Problem),
    /** Hosts that it named for its services. */
    otherHosts: Type.Array(said(100), { maxItems: 8 }),
    /** Why there is nothing, or not all; null where it went well. */
    problem: orNull(Problem),
    /** Something speaks RTSP there, where there is no ONVIF. */
    answersRtsp: Type.Boolean(),
  },
  closed,
);
export type CameraProbeAnswer = Static<typeof CameraProbeAnswer>;

/** An answer before anything was asked. */
export const NOTHING_PROBED: CameraProbeAnswer = {
  onvif: null,
  maker: null,
  model: null,
  firmware: null,
  clockOffsetMs: null,
  streams: [],
  main: null,
  sub: null,
  mainReason: "none",
  subReason: "none",
  events: null,
  backChannel: null,
  masks: null,
  topics: [],
  still: null,
  stillProblem: null,
  otherHosts: [],
  problem: null,
  answersRtsp: false,
};
