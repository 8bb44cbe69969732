import { MalformedInput } from "./errors.ts";

declare const brand: unique symbol;
/** A string that was checked once, where it came in. Two brands cannot be mixed up. */
export type Branded<Name extends string> = string & { readonly [brand]: Name };

/** 128 random bits of a clip, 32 lower-case hex digits. */
export type ClipId = Branded<"ClipId">;
/** 128 random bits of a request, 32 lower-case hex digits. */
export type RequestId = Branded<"RequestId">;
/** 128 random bits of a household member, 32 lower-case hex digits. Says nothing about the person. */
export type PersonId = Branded<"PersonId">;
/** SHA-256 of a device's raw Ed25519 public key, 64 lower-case hex digits. */
export type DeviceId = Branded<"DeviceId">;
/** The `id` a camera has in the settings: 1 to 32 of `a-z`, `0-9`, `-`, starting with a letter. */
export type CameraId = Branded<"CameraId">;
/** SHA-256 as 64 lower-case hex digits. */
export type Sha256Hex = Branded<"Sha256Hex">;

/** `video`, `audio` or `poster` (design: what a sealed file carries). */
export type Track = "video" | "audio" | "poster";
/** `original` as the camera sent it, or `blurred`. */
export type Rendition = "original" | "blurred";
/** What made the hub record. Neutral words only: nobody is a suspect. */
export const EVENT_KINDS = ["bell", "motion", "person", "vehicle", "animal", "package"] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

const HEX_128 = /^[0-9a-f]{32}$/;
const HEX_256 = /^[0-9a-f]{64}$/;
const CAMERA_ID = /^[a-z][a-z0-9-]{0,31}$/;

function isClipId(text: string): text is ClipId {
  return HEX_128.test(text);
}
function isRequestId(text: string): text is RequestId {
  return HEX_128.test(text);
}
function isPersonId(text: string): text is PersonId {
  return HEX_128.test(text);
}
function isDeviceId(text: string): text is DeviceId {
  return HEX_256.test(text);
}
function isCameraId(text: string): text is CameraId {
  return CAMERA_ID.test(text);
}
function isSha256Hex(text: string): text is Sha256Hex {
  return HEX_256.test(text);
}

/** @throws MalformedInput unless `text` is 32 lower-case hex digits. */
export function parseClipId(text: string): ClipId {
  if (!isClipId(text)) throw new MalformedInput("clip", "Cannot read clip id: not 32 hex digits");
  return text;
}
/** @throws MalformedInput unless `text` is 32 lower-case hex digits. */
export function parseRequestId(text: string): RequestId {
  if (!isRequestId(text))
    throw new MalformedInput("request", "Cannot read request id: not 32 hex digits");
  return text;
}
/** @throws MalformedInput unless `text` is 32 lower-case hex digits. */
export function parsePersonId(text: string): PersonId {
  if (!isPersonId(text))
    throw new MalformedInput("person", "Cannot read person id: not 32 hex digits");
  return text;
}
/** @throws MalformedInput unless `text` is 64 lower-case hex digits. */
export function parseDeviceId(text: string): DeviceId {
  if (!isDeviceId(text))
    throw new MalformedInput("device", "Cannot read device id: not 64 hex digits");
  return text;
}
/** @throws MalformedInput unless `text` is a camera id as the settings allow it. */
export function parseCameraId(text: string): CameraId {
  if (!isCameraId(text))
    throw new MalformedInput(
      "camera",
      "Cannot read camera id: expected 1 to 32 of a-z, 0-9 and '-', starting with a letter",
    );
  return text;
}
/** @throws MalformedInput unless `text` is 64 lower-case hex digits. */
export function parseSha256Hex(text: string): Sha256Hex {
  if (!isSha256Hex(text))
    throw new MalformedInput("sha256", "Cannot read SHA-256: not 64 lower-case hex digits");
  return text;
}
