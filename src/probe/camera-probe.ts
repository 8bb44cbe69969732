import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import Type, { type Static } from "typebox";
import { forkWithoutCore } from "../base/fork.ts";
import type { Credentials } from "../camera/rtsp-digest.ts";
import { parseRtspUrl } from "../camera/rtsp-url.ts";
import { testCamera } from "./camera-test.ts";
import { whenGone } from "../base/forked-end.ts";
import { CameraProbeAnswer, FindCamerasAnswer, NOTHING_PROBED } from "../protocol/api-cameras.ts";
import type { CameraTestAnswer } from "../protocol/api-settings.ts";
import { MasksInCameraAnswer } from "../protocol/api-masks.ts";
import { checkShape } from "../protocol/check.ts";
import { HubError } from "../protocol/errors.ts";
import type { Polygon } from "../protocol/picture-areas.ts";

/** What the process is told, once. */
export type ProbeTask =
  | { readonly type: "find"; readonly waitMs: number }
  | {
      readonly type: "probe";
      readonly address: string;
      readonly username: string | null;
      readonly password: string | null;
    }
  | {
      readonly type: "masks";
      readonly address: string;
      readonly credentials: Credentials | null;
      readonly masks: readonly Polygon[];
      /** What they take the place of; null: the camera is only asked what it hides. */
      readonly before: readonly Polygon[] | null;
    };

const closed = { additionalProperties: false } as const;
const FromProbe = Type.Union([
  Type.Object({ type: Type.Literal("found"), answer: FindCamerasAnswer }, closed),
  Type.Object({ type: Type.Literal("probed"), answer: CameraProbeAnswer }, closed),
  Type.Object({ type: Type.Literal("masks"), answer: MasksInCameraAnswer }, closed),
  Type.Object(
    {
      type: Type.Literal("connects"),
      host: Type.String({ maxLength: 1_000 }),
      port: Type.Integer({ minimum: 1, maximum: 65_535 }),
    },
    closed,
  ),
  Type.Object(
    {
      type: Type.Literal("failed"),
      code: Type.String({ maxLength: 64 }),
      message: Type.String({ maxLength: 500 }),
    },
    closed,
  ),
]);
export type FromProbe = Static<typeof FromProbe>;

export interface ProbeOptions {
  /** Called before each connection to a new place, which the hub remembers. */
  readonly onConnect?: (place: { readonly host: string; readonly port: number }) => void;
  readonly signal?: AbortSignal;
}

const ENTRY = fileURLToPath(new URL("../camera-probe-main.ts", import.meta.url));
const FIND_WAIT_MS = 4_000;
const KILL_AFTER_MS = 60_000;
/** Answers are read whole, and have their limits; what goes beyond this went wrong. */
const HEAP_MIB_MAX = 96;
const PLACES_MAX = 32;

/** Searches the networks of this machine, in a process of its own. */
export async function findCameras(options: ProbeOptions = {}): Promise<FindCamerasAnswer> {
  const said = await runProbe({ type: "find", waitMs: FIND_WAIT_MS }, options);
  if (said.type !== "found") throw unexpected();
  return said.answer;
}

/**
 * Asks a camera what it is and what it sends, in a process of its own that inherits nothing: the
 * hub's parses no byte of a camera (invariant 12). Where nothing speaks ONVIF, RTSP is tried.
 *
 * @returns what came of it; a camera that refuses is an answer, not an error.
 */
export async function probeCamera(
  camera: Omit<Extract<ProbeTask, { type: "probe" }>, "type">,
  options: ProbeOptions = {},
): Promise<CameraProbeAnswer> {
  const { address, username, password } = camera;
  if (/^rtsp:\/\//i.test(address)) {
    parseRtspUrl(address);
    options.onConnect?.(placeOf(address));
    return asTyped(address, await testCamera({ url: address, username, password }, options.signal));
  }
  const said = await runProbe({ type: "probe", ...camera }, options);
  if (said.type !== "probed") throw unexpected();
  const { answer } = said;
  if (answer.onvif !== null || !isWithoutOnvif(answer.problem?.code) || options.signal?.aborted)
    return answer;
  // A wrong path is an answer too: it tells that streams can be had there.
  const url = `rtsp://${hostOfTyped(address)}/`;
  if (!URL.canParse(url)) return answer;
  options.onConnect?.(placeOf(url));
  const trial = await testCamera({ url, username: null, password: null }, options.signal);
  const answersRtsp = trial.ok || (trial.problem?.code ?? "UNREACHABLE") !== "UNREACHABLE";
  return { ...answer, answersRtsp };
}

function isWithoutOnvif(code: string | undefined): boolean {
  return (
    code === "UNREACHABLE" || code === "NO_ONVIF" || code === "PROTOCOL_ERROR" || code === "SILENT"
  );
}

/** A stream whose address is known already is what it says it is. */
function asTyped(url: string, trial: CameraTestAnswer): CameraProbeAnswer {
  const { codec, width, height, fps, problem } = trial;
  if (!trial.ok)
    return { ...NOTHING_PROBED, problem, answersRtsp: problem?.code !== "UNREACHABLE" };
  const stream = {
    ...{ name: "", codec: codec ?? "", width, height, framesPerSecond: fps },
    ...{ kilobitsPerSecond: null, url, otherHost: null, problem: null },
  };
  return {
    ...NOTHING_PROBED,
    streams: [stream],
    main: 0,
    mainReason: "as-typed",
    answersRtsp: true,
  };
}

function placeOf(url: string): { readonly host: string; readonly port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: port === "" ? 554 : Number(port) };
}

/** Host of `host`, `host:port` or `http://host/path`, as an address has it. */
function hostOfTyped(address: string): string {
  const rest = address.replace(/^[a-z][a-z0-9+.-]*:\/\//i, "").replace(/[/?#].*$/s, "");
  const isIpv6 = rest.split(":").length > 2 && !rest.startsWith("[");
  return isIpv6 ? `[${rest}]` : rest.replace(/:\d+$/, "");
}

/** Resolves with what the process says last. */
export async function runProbe(task: ProbeTask, options: ProbeOptions): Promise<FromProbe> {
  const child = forkWithoutCore(ENTRY, {
    env: {},
    execArgv: [`--max-old-space-size=${HEAP_MIB_MAX}`],
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  const end = (): void => void child.kill("SIGKILL");
  const timer = setTimeout(end, KILL_AFTER_MS);
  const gone = whenGone(child);
  options.signal?.addEventListener("abort", end, { once: true });
  try {
    // Over its pipe, not in its arguments: those show in the list of processes.
    if (child.connected) child.send(task, () => undefined);
    const said = await Promise.race([lastWord(child, options), gone.then(() => null)]);
    if (options.signal?.aborted)
      throw new HubError("CAMERA_PROBE_STOPPED", "Cannot ask camera: it was stopped");
    if (said === null)
      throw new HubError("CAMERA_PROBE_FAILED", "Cannot ask camera: the process for it ended");
    if (said.type === "failed") throw new HubError(said.code, said.message);
    return said;
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", end);
    end();
    await gone;
  }
}

function lastWord(child: ChildProcess, options: ProbeOptions): Promise<FromProbe> {
  const { promise, resolve, reject } = Promise.withResolvers<FromProbe>();
  const places = new Set<string>();
  child.on("message", (value) => {
    try {
      const message = checkShape(FromProbe, value, "result of the probe");
      if (message.type !== "connects") return resolve(message);
      const key = `${message.host} ${message.port}`;
      if (places.has(key) || places.size >= PLACES_MAX) return undefined;
      places.add(key);
      return options.onConnect?.({ host: message.host, port: message.port });
    } catch (error) {
      return reject(error);
    }
  });
  return promise;
}

function unexpected(): HubError {
  return new HubError(
    "CAMERA_PROBE_FAILED",
    "Cannot ask camera: the process for it said something else",
  );
}
