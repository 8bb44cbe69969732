import { CameraError } from "../camera-error.ts";
import { DeviceHttp } from "../device-http.ts";
import { urlOf, type VendorBellOptions } from "./dahua-listener.ts";
import { pause } from "./listening.ts";
import type { Listen } from "./message.ts";

const POLL_EVERY_MS = 1_000;
const POLL_TIMEOUT_MS = 4_000;
/** Polls in a row that may fail before it counts as not listening. */
const FAILURES_MAX = 3;
const BODY_BYTES_MAX = 16 * 1024;
const PATH = "/ISAPI/VideoIntercom/callStatus?format=json";

/**
 * Asks a Hikvision door station every second whether it rings (ISAPI `callStatus`: `idle`, `ring`,
 * `onCall`). Only a change to `ring` is told; what it is at the start is a state.
 */
export function hikvisionBell(options: VendorBellOptions): Listen {
  let before: string | null = null;
  return async (events, signal) => {
    const { host, credentials } = options;
    const http = new DeviceHttp({ host, credentials, onConnect: events.contact });
    let failures = 0;
    while (!signal.aborted) {
      try {
        const status = await readStatus(http, options, signal);
        events.up();
        failures = 0;
        if (status !== before) {
          events.message({
            ...{ via: "hikvision", topic: "callStatus" },
            items: new Map([["status", status]]),
            isInitial: before === null,
          });
          before = status;
        }
      } catch (error) {
        if (!(error instanceof CameraError) || signal.aborted) throw error;
        failures += 1;
        // What a log-in or another kind of device answers does not get better by asking.
        const isPassing = error.code === "UNREACHABLE" || error.code === "SILENT";
        if (!isPassing || failures >= FAILURES_MAX) throw error;
      }
      await pause(POLL_EVERY_MS, signal);
    }
  };
}

async function readStatus(
  http: DeviceHttp,
  options: VendorBellOptions,
  signal: AbortSignal,
): Promise<string> {
  const answer = await http.request({
    url: urlOf(options, PATH),
    connectTimeoutMs: POLL_TIMEOUT_MS,
    answerTimeoutMs: POLL_TIMEOUT_MS,
    totalTimeoutMs: POLL_TIMEOUT_MS,
    bodyBytesMax: BODY_BYTES_MAX,
    signal,
  });
  const text = Buffer.from(answer.body).toString("utf8");
  // JSON from most of them, XML from some, whatever was asked for.
  const status = /"status"\s*:\s*"([A-Za-z]{1,20})"|<status>([A-Za-z]{1,20})<\/status>/.exec(text);
  const found = status?.[1] ?? status?.[2];
  if (answer.status !== 200 || found === undefined)
    throw new CameraError(
      "PROTOCOL_ERROR",
      `Cannot hear the bell: the camera does not tell its call status (HTTP ${answer.status})`,
    );
  return found;
}
