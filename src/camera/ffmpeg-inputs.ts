import type { Credentials } from "./rtsp-digest.ts";
import { parseRtmpUrl } from "./rtmp-client.ts";

/** What is asked of a camera that can do more than one. */
export interface PictureWish {
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
}

/** Something that ffmpeg turns into H.264: copied where it is H.264 already, else encoded. */
export type FfmpegInput =
  | { readonly kind: "file"; readonly path: string; readonly loop: true }
  | {
      /** A program of this machine that writes raw yuv420p pictures to its output, in real time. */
      readonly kind: "frames";
      readonly command: readonly string[];
      readonly width: number;
      readonly height: number;
      readonly framesPerSecond: number;
    }
  | {
      /** A USB camera (Video4Linux). */
      readonly kind: "device";
      readonly path: string;
      readonly wish: PictureWish | null;
    }
  | {
      /** A camera on the board's own connector (CSI), through the board's own program. */
      readonly kind: "board";
      readonly camera: number;
      readonly wish: PictureWish;
      /** By default the first of {@link BOARD_PROGRAMS} on PATH. */
      readonly program?: string;
    }
  | {
      /** JPEG pictures one after the other, FLV or an MPEG transport stream. */
      readonly kind: "http";
      readonly url: string;
      readonly credentials: Credentials | null;
    }
  | { readonly kind: "rtmp"; readonly url: string };

export const BOARD_PROGRAMS = ["rpicam-vid", "libcamera-vid"] as const;

/** Parts of an address that stand for what is kept apart from the settings. */
const PLACEHOLDER = /\{(user|password)\}/g;
/** Parts of a query that cameras take a password in. */
const SECRET_NAMES = /^(pass|passwd|password|pwd|pw|token|auth|secret|key)$/i;
const FILE_ONLY =
  "expected the path of a video file, /dev/video0, csi:0, http://..., https://... or rtmp://...";

/** The kinds of input that somebody may name in the settings; whatever else is refused. */
export type NamedInput =
  | { readonly kind: "file" | "device"; readonly path: string }
  | { readonly kind: "board"; readonly camera: number }
  | { readonly kind: "http" | "rtmp"; readonly url: string };

/**
 * Reads what stands in the settings. This is the allow-list of protocols: ffmpeg knows some fifty.
 *
 * @returns What it names, or what is wrong with it in words for a person.
 */
export function readInput(text: string): NamedInput | { readonly wrong: string } {
  if (/^\/dev\/video\d{1,3}$/.test(text)) return { kind: "device", path: text };
  const board = /^csi:(\d)$/.exec(text)?.[1];
  if (board !== undefined) return { kind: "board", camera: Number(board) };
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined)
    return text.startsWith("/dev/") || text.includes("\0")
      ? { wrong: FILE_ONLY }
      : { kind: "file", path: text };
  if (scheme !== "http" && scheme !== "https" && scheme !== "rtmp") return { wrong: FILE_ONLY };
  return readAddress(text, scheme === "rtmp" ? "rtmp" : "http");
}

function readAddress(url: string, kind: "http" | "rtmp"): NamedInput | { readonly wrong: string } {
  const plain = url.replaceAll(PLACEHOLDER, "x");
  const parsed = /^[!-~]+$/.test(url) ? URL.parse(plain) : null;
  if (parsed === null || parsed.hostname === "") return { wrong: FILE_ONLY };
  if (parsed.username !== "" || parsed.password !== "")
    return { wrong: "user and password belong into secrets/cameras.yaml, not here" };
  const isTold = [...new URL(plain).searchParams].some(
    ([name, value]) => SECRET_NAMES.test(name) && value !== "x" && value !== "",
  );
  if (isTold)
    return {
      wrong:
        "the password belongs into secrets/cameras.yaml: write {user} and {password} where they stand in the address",
    };
  if (kind === "rtmp" && parseRtmpUrl(plain) === null)
    return { wrong: "expected an address as rtmp://192.0.2.10/application/stream" };
  return { kind, url };
}

/** An address with what is kept apart put in, escaped as a part of a query is. */
export function fillIn(
  url: string,
  { username, password }: { readonly username: string | null; readonly password: string | null },
): string {
  return url.replaceAll(PLACEHOLDER, (_, name: string) =>
    encodeURIComponent((name === "user" ? username : password) ?? ""),
  );
}
