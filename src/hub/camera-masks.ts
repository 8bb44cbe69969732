import { parseOnvifUrl } from "../camera/onvif/device.ts";
import { probeCamera, runProbe, type ProbeOptions, type ProbeTask } from "../probe/camera-probe.ts";
import type { CameraProbeAnswer } from "../protocol/api-cameras.ts";
import type { MasksInCameraAnswer } from "../protocol/api-masks.ts";
import { HubError } from "../protocol/errors.ts";
import type { Polygon } from "../protocol/picture-areas.ts";
import type { CameraSettings } from "../settings/cameras.ts";
import { hostNameOf } from "../settings/edit.ts";

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
  if (answer.still === null || !isMasked(cameras, camera.address)) return answer;
  return {
    ...answer,
    still: null,
    stillProblem: {
      code: "MASKED",
      message:
        "Its still is not shown: a camera that may be this one has masks, and a still has none",
    },
  };
}

/**
 * A name and a number may be one camera: where one of the two is a name, only the same one twice is
 * known to be the same, and everything else might be.
 */
function isMasked(cameras: readonly CameraSettings[], address: string): boolean {
  const asked = hostOfAsked(address);
  const masked = cameras.filter(({ masks = [] }) => masks.length > 0);
  const hosts = masked.flatMap((camera) =>
    camera.source === "rtsp"
      ? [camera.main, camera.sub, camera.onvif].flatMap((url) => hostNameOf(url ?? null) ?? [])
      : [],
  );
  return hosts.some((host) => host === asked || !isNumber(host) || !isNumber(asked));
}

function hostOfAsked(address: string): string {
  return /^rtsp:\/\//i.test(address)
    ? (hostNameOf(address) ?? address)
    : parseOnvifUrl(address).host;
}

function isNumber(host: string): boolean {
  return /^[\d.]+$/.test(host) || host.includes(":");
}
