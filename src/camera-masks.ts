import { lookup } from "node:dns/promises";
import { parseOnvifUrl } from "./camera/onvif/device.ts";
import { probeCamera, runProbe, type ProbeOptions, type ProbeTask } from "./camera-probe.ts";
import type { CameraProbeAnswer } from "./protocol/api-cameras.ts";
import type { MasksInCameraAnswer } from "./protocol/api-masks.ts";
import { HubError } from "./protocol/errors.ts";
import type { Polygon } from "./protocol/picture-areas.ts";
import type { CameraSettings } from "./settings-cameras.ts";
import { hostNameOf } from "./settings-edit.ts";

/**
 * Asks a camera about masks of its own, in a process of its own that inherits nothing.
 *
 * @param asked - `before`: what they take the place of; null: nothing is changed in the camera.
 * @throws HubError where it cannot be asked.
 */
export async function askAboutMasks(
  camera: Extract<CameraSettings, { source: "rtsp" }>,
  asked: { readonly masks: readonly Polygon[]; readonly before: readonly Polygon[] | null },
): Promise<MasksInCameraAnswer> {
  const { onvif, username, password, allowBasic } = camera;
  if (onvif === undefined)
    throw new HubError("NO_ONVIF", "Cannot ask camera: it has no ONVIF address");
  const credentials = username === null ? null : { username, password: password ?? "", allowBasic };
  const said = await runProbe({ type: "masks", address: onvif, credentials, ...asked }, {});
  if (said.type !== "masks")
    throw new HubError("CAMERA_PROBE_FAILED", "Cannot ask camera: its process said something else");
  return said.answer;
}

/**
 * As {@link probeCamera}, for the page: a camera that is saved with masks shows no still, since a
 * still is taken past them.
 */
export async function probeForPage(
  cameras: readonly CameraSettings[],
  camera: Omit<Extract<ProbeTask, { type: "probe" }>, "type">,
  options: ProbeOptions,
): Promise<CameraProbeAnswer> {
  const answer = await probeCamera(camera, options);
  if (answer.still === null || !(await isMasked(cameras, camera.address))) return answer;
  return {
    ...answer,
    still: null,
    stillProblem: {
      code: "MASKED",
      message: "Its still is not shown: a camera of this address has masks, and a still has none",
    },
  };
}

/** By name and by what names stand for: one camera has more than one name. */
async function isMasked(cameras: readonly CameraSettings[], address: string): Promise<boolean> {
  const masked = cameras.filter(({ masks = [] }) => masks.length > 0);
  const hosts = masked.flatMap((camera) =>
    camera.source === "rtsp"
      ? [camera.main, camera.sub, camera.onvif].flatMap((url) => hostNameOf(url ?? null) ?? [])
      : [],
  );
  if (hosts.length === 0) return false;
  const [asked, ...known] = await Promise.all(
    [hostOfAsked(address), ...hosts].map(async (host) => [host, ...(await addressesOf(host))]),
  );
  return known.flat().some((host) => asked?.includes(host));
}

function hostOfAsked(address: string): string {
  return /^rtsp:\/\//i.test(address)
    ? (hostNameOf(address) ?? address)
    : parseOnvifUrl(address).host;
}

async function addressesOf(host: string): Promise<readonly string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch {
    // A name that stands for nothing now is compared as it is written.
    return [];
  }
}
