import type { BellCamera } from "./messages.ts";
import { parseRtspUrl } from "../camera/rtsp-url.ts";
import { parseCameraId } from "../protocol/ids.ts";
import type { MqttBroker } from "../settings/bells.ts";
import type { CameraSettings } from "../settings/cameras.ts";

/** What the bell process needs to know of a camera. */
export function bellCamera(camera: CameraSettings): BellCamera {
  const common = { id: parseCameraId(camera.id), bells: camera.bells ?? [] };
  if (camera.source !== "rtsp")
    return {
      ...common,
      onvif: null,
      host: null,
      username: null,
      password: null,
      allowBasic: false,
    };
  const { username, password, allowBasic } = camera;
  const onvif = "onvif" in camera && typeof camera.onvif === "string" ? camera.onvif : null;
  return {
    ...common,
    ...{ onvif, username, password, allowBasic },
    host: parseRtspUrl(camera.main).host,
  };
}

/** Whether a bell of this camera needs somebody who listens; a webhook calls by itself. */
export function needsListener({ bells }: Pick<BellCamera, "bells">): boolean {
  return bells.some(({ via }) => via !== "webhook");
}

/** Hosts that the bell process may say it has connected to. */
export function hostsOf(camera: BellCamera): readonly string[] {
  const onvif = camera.onvif !== null && URL.canParse(camera.onvif) ? [camera.onvif] : [];
  return [
    ...onvif.map((url) => bare(new URL(url).hostname)),
    ...(camera.host === null ? [] : [bare(camera.host)]),
  ];
}

export function brokerHost(broker: MqttBroker | null): readonly string[] {
  return broker === null ? [] : [bare(new URL(broker.url).hostname)];
}

/** Host of `host:port`, as {@link hostsOf} has them. */
export function hostOfAddress(address: string): string {
  return bare(address.replace(/:\d{1,5}$/, ""));
}

function bare(host: string): string {
  return host.toLowerCase().replace(/^\[|\]$/g, "");
}
