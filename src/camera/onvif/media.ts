import type { ProbedStream } from "../../protocol/api-cameras.ts";
import { CameraError } from "../camera-error.ts";
import { parseRtspUrl } from "../rtsp-url.ts";
import { ownAddress, type OnvifDevice } from "./device.ts";
import { NAMESPACES, plain } from "./soap.ts";
import { stripStill } from "./still.ts";
import { at, child, childrenOf, escapeXml, numberAt, textAt, type XmlElement } from "./xml.ts";

/** What a device sends, by its media service: the second where it has it, else the first. */

export interface DeviceStream extends ProbedStream {
  /** Names the profile to the device. */
  readonly token: string;
  readonly source: string;
}

type Media = "media" | "media2";

const PROFILES_MAX = 32;
const TOKEN_LENGTH_MAX = 256;
const STILL_TIMEOUT_MS = 10_000;

/**
 * All profiles with video, each with its address on the host that was typed.
 *
 * @throws CameraError as {@link SoapClient.call}, also where there is no media service.
 */
export async function readStreams(
  device: OnvifDevice,
  signal?: AbortSignal,
): Promise<readonly DeviceStream[]> {
  const { media, profiles } = await readProfiles(device, signal);
  const streams: DeviceStream[] = [];
  for (const profile of profiles) {
    const described = describe(profile, media);
    if (described === null) continue;
    const isKnown = described.codec === "H.264" || described.codec === "H.265";
    const place = isKnown
      ? await readPlace(device, media, described.token, signal)
      : refused(unsupported(described.codec));
    streams.push({ ...described, ...place });
  }
  return streams;
}

async function readProfiles(
  device: OnvifDevice,
  signal: AbortSignal | undefined,
): Promise<{ readonly media: Media; readonly profiles: readonly XmlElement[] }> {
  const read = async (media: Media): Promise<readonly XmlElement[]> => {
    const namespace = NAMESPACES[media];
    const types = media === "media2" ? `<Type>VideoSource</Type><Type>VideoEncoder</Type>` : "";
    const answer = await device.soap.call({
      url: device.urlOf(media),
      action: `${namespace}/GetProfiles`,
      body: `<GetProfiles xmlns="${namespace}">${types}</GetProfiles>`,
      ...(signal === undefined ? {} : { signal }),
    });
    return childrenOf(answer, "Profiles").slice(0, PROFILES_MAX);
  };
  if (device.has("media2"))
    try {
      const profiles = await read("media2");
      if (profiles.length > 0 || !device.has("media")) return { media: "media2", profiles };
    } catch (error) {
      // Some devices name the second service and then fail in it.
      if (!(error instanceof CameraError) || error.code !== "DEVICE_FAULT") throw error;
      if (!device.has("media")) throw error;
    }
  return { media: "media", profiles: await read("media") };
}

type Described = Omit<DeviceStream, "url" | "otherHost" | "problem">;

function describe(profile: XmlElement, media: Media): Described | null {
  const configurations = media === "media2" ? child(profile, "Configurations") : profile;
  const encoder = child(
    configurations,
    media === "media2" ? "VideoEncoder" : "VideoEncoderConfiguration",
  );
  const token = profile.attributes.get("token") ?? "";
  if (!encoder || token === "" || token.length > TOKEN_LENGTH_MAX) return null;
  const source = at(
    configurations,
    media === "media2" ? "VideoSource" : "VideoSourceConfiguration",
    "SourceToken",
  );
  const whole = (path: readonly string[]): number | null => {
    const value = numberAt(encoder, path, 65_535);
    return value === null ? null : Math.round(value);
  };
  return {
    token,
    source: (source?.text ?? "").slice(0, TOKEN_LENGTH_MAX),
    name: plain(textAt(profile, "Name") ?? "", 80),
    codec: codecName(textAt(encoder, "Encoding") ?? ""),
    width: whole(["Resolution", "Width"]),
    height: whole(["Resolution", "Height"]),
    framesPerSecond: numberAt(encoder, ["RateControl", "FrameRateLimit"], 1_000),
    kilobitsPerSecond: numberAt(encoder, ["RateControl", "BitrateLimit"], 10_000_000),
  };
}

function codecName(text: string): string {
  const name = text.trim().toUpperCase();
  if (name === "H264") return "H.264";
  if (name === "H265" || name === "HEVC") return "H.265";
  return plain(name === "" ? "unknown" : name, 40);
}

type Place = Pick<ProbedStream, "url" | "otherHost" | "problem">;

async function readPlace(
  device: OnvifDevice,
  media: Media,
  token: string,
  signal: AbortSignal | undefined,
): Promise<Place> {
  const namespace = NAMESPACES[media];
  const asked =
    media === "media2"
      ? `<Protocol>RTSP</Protocol><ProfileToken>${escapeXml(token)}</ProfileToken>`
      : `<StreamSetup><t:Stream>RTP-Unicast</t:Stream><t:Transport><t:Protocol>RTSP</t:Protocol></t:Transport></StreamSetup><ProfileToken>${escapeXml(token)}</ProfileToken>`;
  try {
    const answer = await device.soap.call({
      url: device.urlOf(media),
      action: `${namespace}/GetStreamUri`,
      body: `<GetStreamUri xmlns="${namespace}" xmlns:t="${NAMESPACES.schema}">${asked}</GetStreamUri>`,
      ...(signal === undefined ? {} : { signal }),
    });
    return placeOf(device.address.host, textAt(answer, "Uri") ?? textAt(answer, "MediaUri", "Uri"));
  } catch (error) {
    // One profile without a stream is no reason to give up the others.
    if (error instanceof CameraError && error.code === "DEVICE_FAULT") return refused(error);
    throw error;
  }
}

/**
 * An announced stream on the host that was typed. Where the camera names another, its port and path
 * are kept at ours, and the other is named; what is no RTSP address is refused.
 */
export function placeOf(host: string, announced: string | null): Place {
  const text = announced?.trim() ?? "";
  const malformed = (what: string): Place =>
    refused(new CameraError("PROTOCOL_ERROR", `Cannot use the announced stream: ${what}`));
  if (text === "" || text.length > 1_000) return malformed("it has no address");
  const scheme = /^([a-z][a-z0-9+.-]{0,20}):/i.exec(text)?.[1]?.toLowerCase() ?? "none";
  if (scheme !== "rtsp") return malformed(`its address is of the kind "${scheme}", not rtsp`);
  const url = URL.parse(text);
  if (url === null || url.hostname === "") return malformed("its address names no host");
  const own = host.includes(":") ? `[${host}]` : host;
  // A password that the camera wrote into it is not kept: ours are kept apart.
  const rest = text.slice(text.indexOf("://") + 3);
  const path = rest.slice(
    Math.max(0, rest.search(/[/?#]/) < 0 ? rest.length : rest.search(/[/?#]/)),
  );
  const port = url.port === "" || url.port === "554" ? "" : `:${url.port}`;
  const whole = `rtsp://${own}${port}${path === "" ? "/" : path}`;
  try {
    parseRtspUrl(whole);
  } catch {
    return malformed("its address cannot be written in a request");
  }
  if (whole.includes("@")) return malformed("its address has an @ behind its host");
  const named = url.hostname.toLowerCase();
  const isOwn = named === own.toLowerCase();
  return { url: whole, otherHost: isOwn ? null : plain(named, 100), problem: null };
}

function refused(error: CameraError): Place {
  const { code, message } = error;
  return { url: null, otherHost: null, problem: { code, message: plain(message, 500) } };
}

function unsupported(codec: string): CameraError {
  return new CameraError(
    "UNSUPPORTED_CODEC",
    `Cannot use this stream: it is ${codec}, and Doorward takes H.264 and H.265`,
  );
}

/**
 * One picture of the camera, for the person who adds it.
 *
 * @returns a JPEG without anything but the picture.
 * @throws CameraError `DEVICE_FAULT` where the device gives none.
 */
export async function readStill(
  device: OnvifDevice,
  token: string,
  options: { readonly bytesMax: number; readonly signal?: AbortSignal },
): Promise<Uint8Array> {
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  const announced = await readStillAddress(device, token, signal);
  const { own } = ownAddress(device.soap.http, device.address.url, announced);
  if (own === null)
    throw new CameraError(
      "PROTOCOL_ERROR",
      "Cannot show the camera's still: its address is no http address",
    );
  const response = await device.soap.http.request({
    url: own,
    bodyBytesMax: options.bytesMax,
    totalTimeoutMs: STILL_TIMEOUT_MS,
    ...signal,
  });
  if (response.status !== 200)
    throw new CameraError(
      "DEVICE_FAULT",
      `Cannot show the camera's still: it says HTTP ${response.status}`,
    );
  return stripStill(response.body);
}

/** The first service is asked first: devices know stills longer there. */
async function readStillAddress(
  device: OnvifDevice,
  token: string,
  signal: { readonly signal?: AbortSignal },
): Promise<string> {
  const ask = async (media: Media): Promise<string> => {
    const answer = await device.soap.call({
      url: device.urlOf(media),
      action: `${NAMESPACES[media]}/GetSnapshotUri`,
      body: `<GetSnapshotUri xmlns="${NAMESPACES[media]}"><ProfileToken>${escapeXml(token)}</ProfileToken></GetSnapshotUri>`,
      ...signal,
    });
    return textAt(answer, "Uri") ?? textAt(answer, "MediaUri", "Uri") ?? "";
  };
  if (!device.has("media") || !device.has("media2"))
    return ask(device.has("media") ? "media" : "media2");
  try {
    return await ask("media");
  } catch (error) {
    if (!(error instanceof CameraError) || error.code !== "DEVICE_FAULT") throw error;
    return ask("media2");
  }
}
