import { CameraError } from "../camera-error.ts";
import { DeviceHttp, wrongPassword } from "../device-http.ts";
import type { Credentials } from "../rtsp-digest.ts";
import { DahuaParser } from "./dahua-parser.ts";
import { Throttle } from "./listening.ts";
import type { Listen } from "./message.ts";

export interface VendorBellOptions {
  readonly host: string;
  readonly port: number;
  readonly credentials: Credentials | null;
}

/** The device says `Heartbeat` every five seconds where it is asked to. */
const IDLE_MS = 20_000;

export function urlOf({ host, port }: VendorBellOptions, path: string): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}${path}`;
}

/** Listens to the event stream of a Dahua or Amcrest device (HTTP API, `eventManager.cgi`). */
export function dahuaBell(options: VendorBellOptions): Listen {
  return async (events, signal) => {
    const { host, credentials } = options;
    const http = new DeviceHttp({ host, credentials, onConnect: events.contact });
    await using stream = await http.open({
      url: urlOf(options, "/cgi-bin/eventManager.cgi?action=attach&codes=[All]&heartbeat=5"),
      idleTimeoutMs: IDLE_MS,
      signal,
    });
    if (stream.status === 401 || stream.status === 403) throw wrongPassword();
    const type = stream.headers.get("content-type")?.[0] ?? "";
    if (stream.status !== 200 || !/multipart/i.test(type))
      throw new CameraError(
        "PROTOCOL_ERROR",
        `Cannot hear the bell: the camera has no event stream of Dahua's kind (HTTP ${stream.status})`,
      );
    const boundary = /boundary="?([^";\s]{1,70})"?/i.exec(type)?.[1] ?? "myboundary";
    const parser = new DahuaParser(boundary);
    const throttle = new Throttle();
    events.up();
    for await (const chunk of stream.chunks)
      for (const message of parser.push(chunk)) {
        await throttle.take(signal);
        events.message(message);
      }
  };
}
