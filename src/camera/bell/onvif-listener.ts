import { CameraError } from "../camera-error.ts";
import { PullPoint, type EventMessage } from "../onvif/events.ts";
import { OnvifDevice } from "../onvif/device.ts";
import type { Credentials } from "../rtsp-digest.ts";
import { pause } from "./listening.ts";
import { bellText, type BellMessage, type Listen } from "./message.ts";

export interface OnvifBellOptions {
  /** Of the device service. */
  readonly address: string;
  readonly credentials: Credentials | null;
}

/** How long the device may hold an answer back: real ones hang up after five to ten seconds. */
const POLL_MS = 5_000;
/** Beyond that a poll is given up; what came meanwhile waits at the device for the next one. */
const POLL_GRACE_MS = 2_500;
const LAPSE_MS = 120_000;
const RENEW_EVERY_MS = 30_000;
/** Without a proper answer for so long it is as good as gone, however often it hangs up. */
const DEAF_AFTER_MS = 45_000;
const MESSAGES_PER_POLL = 100;
/** Between the starts of two polls, so that a device that answers at once does not keep us busy. */
const POLL_EVERY_MS = 50;
const FLOOD_PAUSE_MS = 500;
const HANG_UP_PAUSE_MS = 250;

/** Listens at a pull-point of an ONVIF device (Core specification, real-time pull-point). */
export function onvifBell({ address, credentials }: OnvifBellOptions): Listen {
  return async (events, signal) => {
    const onConnect = events.contact;
    const device = await OnvifDevice.open({ address, credentials, onConnect, signal });
    let point = await PullPoint.create(device, LAPSE_MS, signal);
    events.up();
    let heardAtMs = performance.now();
    let renewedAtMs = heardAtMs;
    try {
      while (!signal.aborted) {
        const startedAtMs = performance.now();
        if (startedAtMs - heardAtMs > DEAF_AFTER_MS)
          throw new CameraError("SILENT", "Cannot hear the bell: the camera answers no poll");
        if (startedAtMs - renewedAtMs > renewalMs(point)) {
          point = await keep(device, point, signal);
          renewedAtMs = heardAtMs = performance.now();
          events.up();
        }
        const heard = await poll(point, signal);
        if (heard === "gone") {
          point = await PullPoint.create(device, LAPSE_MS, signal);
          renewedAtMs = heardAtMs = performance.now();
          continue;
        }
        if (heard === "empty") {
          await pause(HANG_UP_PAUSE_MS, signal);
          continue;
        }
        heardAtMs = performance.now();
        for (const message of heard) events.message(readEvent(message));
        const leastMs = heard.length >= MESSAGES_PER_POLL ? FLOOD_PAUSE_MS : POLL_EVERY_MS;
        const tookMs = performance.now() - startedAtMs;
        if (tookMs < leastMs) await pause(leastMs - tookMs, signal);
      }
    } finally {
      // Devices have room for a few of them; not waited for, and no news if it fails.
      point.unsubscribe(AbortSignal.timeout(1_000)).catch(() => undefined);
    }
  };
}

/** Well before it lapses, by what the device said of it. */
function renewalMs({ lapsesInMs }: PullPoint): number {
  return Math.min(RENEW_EVERY_MS, (lapsesInMs ?? LAPSE_MS) / 2);
}

/** Renews, or where the device cannot, takes a new one first and gives the old one back. */
async function keep(
  device: OnvifDevice,
  point: PullPoint,
  signal: AbortSignal,
): Promise<PullPoint> {
  try {
    await point.renew(LAPSE_MS, signal);
    return point;
  } catch (error) {
    if (signal.aborted || !(error instanceof CameraError)) throw error;
    const next = await PullPoint.create(device, LAPSE_MS, signal);
    point.unsubscribe(AbortSignal.timeout(1_000)).catch(() => undefined);
    return next;
  }
}

/** `empty` where the device hung up or held its answer back for too long; `gone`: ask for a new one. */
async function poll(
  point: PullPoint,
  signal: AbortSignal,
): Promise<readonly EventMessage[] | "empty" | "gone"> {
  const patience = AbortSignal.timeout(POLL_MS + POLL_GRACE_MS);
  try {
    return await point.pull({
      timeoutMs: POLL_MS,
      messageLimit: MESSAGES_PER_POLL,
      signal: AbortSignal.any([signal, patience]),
    });
  } catch (error) {
    if (signal.aborted || !(error instanceof CameraError)) throw error;
    if (patience.aborted || isHangUp(error)) return "empty";
    if (error.code === "DEVICE_FAULT") return "gone";
    throw error;
  }
}

/** Connected, and then not answered: a poll without messages, as far as anybody can tell. */
function isHangUp(error: CameraError): boolean {
  if (error.code === "SILENT") return true;
  const cause = error.cause as { readonly code?: unknown } | undefined;
  return (
    cause?.code === "ECONNRESET" ||
    cause?.code === "EPIPE" ||
    cause?.code === "HPE_INVALID_EOF_STATE"
  );
}

function readEvent({ topic, operation, source, data }: EventMessage): BellMessage {
  const items = new Map(
    [...data].map(([name, value]) => [bellText(name), bellText(value)] as const),
  );
  // Two buttons of one door station are told apart by where they say they are.
  items.set("@source", bellText([...source].map((pair) => pair.join("=")).join(",")));
  return {
    via: "onvif",
    topic: bellText(topic),
    items,
    isInitial: operation === "Initialized" || operation === "Deleted",
  };
}
