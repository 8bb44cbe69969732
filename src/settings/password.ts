import { MalformedInput } from "../protocol/errors.ts";
import type { CameraChange } from "./camera-body.ts";
import { cameraVariable, type CameraSettings } from "./cameras.ts";
import { hostNameOf, hostOf } from "./edit.ts";

type Camera = Extract<CameraSettings, { source: "rtsp" }>;

/**
 * A kept password goes only to the hosts that it was given for: otherwise who has a session could
 * send it to a host of his own.
 */
export function requirePassword(options: {
  readonly id: string;
  readonly before: Camera | null;
  readonly change: CameraChange;
  readonly environment: NodeJS.ProcessEnv;
}): void {
  const { id, before, change, environment } = options;
  const isFromEnvironment = environment[`${cameraVariable(id)}_PASSWORD`] !== undefined;
  if (isFromEnvironment && typeof change.password === "string")
    throw new MalformedInput(
      "password",
      "Cannot save password: this camera's comes from the hub's environment, which goes first",
    );
  const hasPassword = isFromEnvironment || (before !== null && before.password !== null);
  if (!hasPassword || change.password !== undefined) return;
  const streams = before === null ? [] : [before.main, before.sub];
  const known = new Set(streams.map(hostOf));
  // Another service of the same host has another port.
  const knownNames = new Set([...streams, before?.onvif ?? null].map(hostNameOf));
  for (const member of ["main", "sub", "onvif"] as const) {
    const url = change[member];
    if (member === "onvif" && knownNames.has(hostNameOf(url ?? null))) continue;
    const host = typeof url === "string" ? hostOf(url) : null;
    // What is no address at all is refused for that.
    if (host === null || host === "" || known.has(host)) continue;
    throw new MalformedInput(
      "password",
      isFromEnvironment
        ? `Cannot save ${member}: the password from the hub's environment would go to another host; change the address in the settings file`
        : `Cannot save ${member}: it names another host, so the password is needed again`,
    );
  }
}
