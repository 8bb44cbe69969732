import Type, { type Static } from "typebox";
import { fillIn, readInput, type FfmpegInput, type PictureWish } from "../camera/ffmpeg-inputs.ts";

/** What stands in the settings for a camera that ffmpeg reads (`source: ffmpeg`). */
export const FFMPEG_MEMBERS = {
  input: Type.String({
    minLength: 1,
    maxLength: 4_096,
    description: "the path of a video file, a device or an address",
  }),
  size: Type.Optional(
    Type.String({ pattern: "^[1-9]\\d{1,3}x[1-9]\\d{1,3}$", description: "a size as 1280x720" }),
  ),
  fps: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 60, description: "1 to 60 pictures a second" }),
  ),
  basic: Type.Optional(Type.Boolean({ description: "true or false" })),
};
const FfmpegMembers = Type.Object(FFMPEG_MEMBERS);

export interface FfmpegSettings {
  readonly source: "ffmpeg";
  /** As `readInput` takes it. */
  readonly input: string;
  /** What a camera of this machine is asked for; left out: what it does by itself. */
  readonly wish?: PictureWish;
  /** Left out: it asks for none. */
  readonly login?: {
    readonly username: string | null;
    readonly password: string | null;
    readonly allowBasic: boolean;
  };
}

const WISH: PictureWish = { width: 1_280, height: 720, framesPerSecond: 15 };

/** @returns What is wrong, and with which member, in words for a person. */
export function readFfmpegMembers(
  members: Static<typeof FfmpegMembers>,
  secret: { readonly username: string | null; readonly password: string | null },
):
  | FfmpegSettings
  | { readonly member: "input" | "size" | "fps" | "basic"; readonly wrong: string } {
  const { input, size, fps, basic } = members;
  const named = readInput(input);
  if ("wrong" in named) return { member: "input", wrong: named.wrong };
  const isMachines = named.kind === "device" || named.kind === "board";
  for (const member of ["size", "fps"] as const)
    if (members[member] !== undefined && !isMachines)
      return { member, wrong: "is for cameras of this machine; others are set in the camera" };
  if (basic !== undefined && named.kind !== "http")
    return { member: "basic", wrong: "is for cameras that are asked over HTTP" };
  if (input.includes("{password}") && isAddress(named.kind) && secret.password === null)
    return { member: "input", wrong: "{password} is not in secrets/cameras.yaml" };
  const [width, height] = size?.split("x").map(Number) ?? [WISH.width, WISH.height];
  const wish = {
    width: width ?? WISH.width,
    height: height ?? WISH.height,
    framesPerSecond: fps ?? WISH.framesPerSecond,
  };
  const isWished = size !== undefined || fps !== undefined;
  return {
    ...{ source: "ffmpeg", input },
    ...(isWished ? { wish } : {}),
    ...(isAddress(named.kind) && (secret.username !== null || secret.password !== null)
      ? { login: { ...secret, allowBasic: basic ?? false } }
      : {}),
  };
}

/** @returns Null for a file or a device, else where it is connected to. */
export function ffmpegHost({ input }: Pick<FfmpegSettings, "input">): string | null {
  const named = readInput(input);
  if (!("url" in named)) return null;
  const { hostname, port, protocol } = new URL(named.url.replaceAll(/[{}]/g, ""));
  const usual = { "http:": "80", "https:": "443" }[protocol] ?? "1935";
  return `${hostname}:${port === "" ? usual : port}`;
}

/** What the ingest process opens. @throws Error for what the settings would not have let through. */
export function ffmpegInput({ input, wish, login }: FfmpegSettings): FfmpegInput {
  const named = readInput(input);
  if ("wrong" in named) throw new Error("An input that was not checked");
  switch (named.kind) {
    case "file":
      return { kind: "file", path: named.path, loop: true };
    case "device":
      return { kind: "device", path: named.path, wish: wish ?? null };
    case "board":
      return { kind: "board", camera: named.camera, wish: wish ?? WISH };
    case "rtmp":
      return { kind: "rtmp", url: fillIn(named.url, login ?? NOBODY) };
    case "http":
      return {
        kind: "http",
        url: fillIn(named.url, login ?? NOBODY),
        credentials:
          login === undefined
            ? null
            : {
                username: login.username ?? "",
                password: login.password ?? "",
                allowBasic: login.allowBasic,
              },
      };
  }
}

const NOBODY = { username: null, password: null };

function isAddress(kind: FfmpegInput["kind"]): boolean {
  return kind === "http" || kind === "rtmp";
}
