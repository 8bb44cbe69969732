import {
  NOTHING_PROBED,
  PROBE_STREAMS_MAX,
  PROBE_TOPICS_MAX,
  STILL_BYTES_MAX,
  type CameraProbeAnswer,
} from "../../protocol/api-cameras.ts";
import { CameraError } from "../camera-error.ts";
import { chooseStreams } from "./choose.ts";
import { OnvifDevice, type OnvifOptions } from "./device.ts";
import { readEventProperties } from "./events.ts";
import { readStill, readStreams, type DeviceStream } from "./media.ts";
import { NAMESPACES, plain } from "./soap.ts";
import { child, childrenOf, textAt } from "./xml.ts";

/**
 * Asks a camera what it is and what it sends. What fails on the way is named in the answer; what was
 * found before stays in it.
 */
export async function probeDevice(options: OnvifOptions): Promise<CameraProbeAnswer> {
  let answer = NOTHING_PROBED;
  try {
    const device = await OnvifDevice.open(options);
    answer = {
      ...answer,
      onvif: device.address.url,
      clockOffsetMs: device.clock?.offsetMs ?? null,
      otherHosts: [...device.otherHosts],
      events: device.has("events"),
    };
    const { signal } = options;
    answer = { ...answer, ...(await readInformation(device, signal)) };
    const streams = (await readStreams(device, signal)).slice(0, PROBE_STREAMS_MAX);
    answer = { ...answer, ...chooseStreams(streams), streams: streams.map(shown) };
    answer = { ...answer, ...(await readAbilities(device, signal)) };
    return { ...answer, ...(await tryStill(device, streams[answer.main ?? 0], signal)) };
  } catch (error) {
    return { ...answer, problem: problemOf(error) };
  }
}

function shown(stream: DeviceStream): CameraProbeAnswer["streams"][number] {
  const { name, codec, width, height, framesPerSecond, kilobitsPerSecond } = stream;
  const { url, otherHost, problem } = stream;
  return {
    ...{ name, codec, width, height, framesPerSecond, kilobitsPerSecond },
    ...{ url, otherHost, problem },
  };
}

type Signal = AbortSignal | undefined;

async function readInformation(
  device: OnvifDevice,
  signal: Signal,
): Promise<Pick<CameraProbeAnswer, "maker" | "model" | "firmware">> {
  const answer = await device.soap.call({
    url: device.address.url,
    action: `${NAMESPACES.device}/GetDeviceInformation`,
    body: `<GetDeviceInformation xmlns="${NAMESPACES.device}"/>`,
    ...(signal === undefined ? {} : { signal }),
  });
  const line = (name: string): string | null => {
    const text = plain(textAt(answer, name) ?? "", 80);
    return text === "" ? null : text;
  };
  return { maker: line("Manufacturer"), model: line("Model"), firmware: line("FirmwareVersion") };
}

/** Each on its own: a device that has no word for one of them may have the others. */
async function readAbilities(
  device: OnvifDevice,
  signal: Signal,
): Promise<Pick<CameraProbeAnswer, "backChannel" | "masks" | "topics">> {
  const options = signal === undefined ? {} : { signal };
  const backChannel = device.has("media")
    ? await orNull(async () => {
        const answer = await device.soap.call({
          url: device.urlOf("media"),
          action: `${NAMESPACES.media}/GetAudioOutputs`,
          body: `<GetAudioOutputs xmlns="${NAMESPACES.media}"/>`,
          ...options,
        });
        return childrenOf(answer, "AudioOutputs").length > 0;
      })
    : null;
  const masks = device.has("media2")
    ? await orNull(async () => {
        const answer = await device.soap.call({
          url: device.urlOf("media2"),
          action: `${NAMESPACES.media2}/GetServiceCapabilities`,
          body: `<GetServiceCapabilities xmlns="${NAMESPACES.media2}"/>`,
          ...options,
        });
        const mask = child(answer, "Capabilities")?.attributes.get("Mask");
        return mask === undefined ? null : mask === "true" || mask === "1";
      })
    : null;
  const properties = device.has("events")
    ? await orNull(() => readEventProperties(device, signal))
    : null;
  const topics = (properties?.topics ?? [])
    .slice(0, PROBE_TOPICS_MAX)
    .map(({ topic }) => plain(topic, 300));
  return { backChannel, masks, topics };
}

async function tryStill(
  device: OnvifDevice,
  stream: DeviceStream | undefined,
  signal: Signal,
): Promise<Pick<CameraProbeAnswer, "still" | "stillProblem">> {
  if (!stream) return { still: null, stillProblem: null };
  try {
    const options = { bytesMax: STILL_BYTES_MAX, ...(signal === undefined ? {} : { signal }) };
    const still = await readStill(device, stream.token, options);
    return { still: Buffer.from(still).toString("base64"), stillProblem: null };
  } catch (error) {
    return { still: null, stillProblem: problemOf(error) };
  }
}

async function orNull<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof CameraError && error.code === "DEVICE_FAULT") return null;
    throw error;
  }
}

function problemOf(error: unknown): NonNullable<CameraProbeAnswer["problem"]> {
  if (error instanceof CameraError) return { code: error.code, message: plain(error.message, 500) };
  throw error;
}
