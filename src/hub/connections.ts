import { parseRtspUrl } from "../camera/rtsp-url.ts";
import type { ConnectionPlace, Connections } from "../http/connections.ts";
import type { FromIngest } from "../ingest/messages.ts";
import type { CameraSettings } from "../settings/cameras.ts";
import { ffmpegHost } from "../settings/ffmpeg.ts";

type Role = "main" | "sub";

/** Tells {@link Connections} of the cameras, to which the ingest process alone connects. */
export class CameraConnections {
  readonly log: Connections;
  readonly #places = new Map<string, ConnectionPlace>();
  readonly #streaming = new Set<string>();

  constructor(log: Connections, cameras: readonly CameraSettings[]) {
    this.log = log;
    this.configure(cameras);
  }

  /** @param cameras - Those that are configured from now on. */
  configure(cameras: readonly CameraSettings[]): void {
    this.forgetStreams();
    this.#places.clear();
    for (const camera of cameras)
      for (const role of ["main", "sub"] as const) {
        const place = placeOf(camera, role);
        if (!place) continue;
        this.#places.set(`${camera.id} ${role}`, place);
        this.log.mention(place);
      }
    for (const camera of cameras) this.#mentionMasks(camera);
  }

  /** A camera with masks is asked over ONVIF whether it hides them by itself. */
  #mentionMasks(camera: CameraSettings): void {
    if (camera.source !== "rtsp" || camera.onvif === undefined) return;
    if ((camera.masks ?? []).length === 0 || !URL.canParse(camera.onvif)) return;
    const { hostname, port, protocol } = new URL(camera.onvif);
    const usual = protocol === "https:" ? "443" : "80";
    const address = `${hostname}:${port === "" ? usual : port}`;
    this.log.mention({ what: `camera ${camera.id} masks`, address });
  }

  observe(message: FromIngest): void {
    if (message.type !== "camera") return;
    const stream = `${message.camera} ${message.role}`;
    if (message.report.state === "streaming") this.#streaming.add(stream);
    else this.#streaming.delete(stream);
    const place = this.#places.get(stream);
    if (place) this.#settle(place);
  }

  /** Its connections are being closed. */
  switchedOff(camera: string): void {
    for (const role of ["main", "sub"]) {
      const stream = `${camera} ${role}`;
      this.#streaming.delete(stream);
      const place = this.#places.get(stream);
      if (place) this.#settle(place);
    }
  }

  /** Writes down, now and then, that open connections still are. */
  keep(): void {
    for (const stream of this.#streaming) {
      const place = this.#places.get(stream);
      if (place) this.log.connected(place);
    }
  }

  /** The process that held the connections is gone. */
  forgetStreams(): void {
    this.#streaming.clear();
    for (const place of this.#places.values()) this.log.disconnected(place);
  }

  /** Two streams of one camera are one place as a rule. */
  #settle(place: ConnectionPlace): void {
    const isOpen = [...this.#places].some(
      ([stream, { address, what }]) =>
        this.#streaming.has(stream) && address === place.address && what === place.what,
    );
    if (isOpen) this.log.connected(place);
    else this.log.disconnected(place);
  }
}

/** Null for a scene, a file or a device: nothing is connected to. */
function placeOf(camera: CameraSettings, role: Role): ConnectionPlace | null {
  if (camera.source === "ffmpeg") {
    const address = role === "main" ? ffmpegHost(camera) : null;
    return address === null ? null : { what: `camera ${camera.id}`, address };
  }
  if (camera.source !== "rtsp") return null;
  const url = role === "main" ? camera.main : camera.sub;
  if (url === null) return null;
  return { what: `camera ${camera.id}`, address: addressOf(url) };
}

/** Host and port of a camera's address, an IPv6 one in brackets. */
export function addressOf(url: string): string {
  const { host, port } = parseRtspUrl(url);
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
