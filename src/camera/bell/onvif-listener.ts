import { CameraError } from "../camera-error.ts";
import { OnvifDevice } from "../onvif/device.ts";
import { PullPoint, type EventMessage } from "../onvif/events.ts";
import type { Credentials } from "../rtsp-digest.ts";
import { pause } from "./listening.ts";
import { bellText, type BellMessage, type Listen, type ListenerEvents } from "./message.ts";

export interface OnvifBellOptions {
  /** Of the device service. */
  readonly address: string;
  readonly credentials: Credentials | null;
}

/** How long the device may hold an answer back: real ones hang up after five to ten seconds. */
const POLL_MS = 5_000;
/** Beyond that a poll is given up; what came meanwhile waits at the device for the next one. */
const POLL_GRACE_MS = 2_500;
/** So long what nobody fetched waits at the device, and a press may ring late. */
const LAPSE_MS = 60_000;
const RENEW_EVERY_MS = 20_000;
/** Without a proper answer for so long it is as good as gone, however often it hangs up. */
const DEAF_AFTER_MS = 20_000;
/** One may be the device's moment of weakness; after more of them the subscription is gone. */
const FAULTS_MAX = 2;
const MESSAGES_PER_POLL = 100;
/** Between the starts of two polls, so that a device that answers at once does not keep us busy. */
const POLL_EVERY_MS = 50;
const FLOOD_PAUSE_MS = 500;
const HANG_UP_PAUSE_MS = 250;
const LEAVE_MS = 1_000;

interface Subscription {
  readonly device: OnvifDevice;
  readonly point: PullPoint;
  answeredAtMs: number;
  renewedAtMs: number;
}

/** Listens at a pull-point of an ONVIF device (Core specification, real-time pull-point). */
export function onvifBell({ address, credentials }: OnvifBellOptions): Listen {
  // Outlasts a failure: what was pressed meanwhile still waits there.
  let kept: Subscription | null = null;
  return async (events, signal) => {
    const known = kept;
    const isWorthTrying = known && performance.now() - known.answeredAtMs < LAPSE_MS;
    const onConnect = events.contact;
    let current = isWorthTrying
      ? known
      : await subscribe(
          await OnvifDevice.open({ address, credentials, onConnect, signal }),
          signal,
        );
    kept = null;
    try {
      if (current !== known) events.up();
      while (!signal.aborted) current = await pollOnce(current, events, signal);
      await leave(current);
    } catch (error) {
      if (signal.aborted) await leave(current);
      else if (!(error instanceof Gone)) kept = current;
      throw error;
    }
  };
}

/** The subscription is of no more use. */
class Gone extends CameraError {}

async function subscribe(device: OnvifDevice, signal: AbortSignal): Promise<Subscription> {
  const point = await PullPoint.create(device, LAPSE_MS, signal);
  const nowMs = performance.now();
  return { device, point, answeredAtMs: nowMs, renewedAtMs: nowMs };
}

/** @returns the subscription to go on with. */
async function pollOnce(
  current: Subscription,
  events: ListenerEvents,
  signal: AbortSignal,
): Promise<Subscription> {
  const startedAtMs = performance.now();
  if (startedAtMs - current.answeredAtMs > DEAF_AFTER_MS)
    throw new CameraError("SILENT", "Cannot hear the bell: the camera answers no poll");
  if (startedAtMs - current.renewedAtMs > renewalMs(current.point))
    return await renewed(current, events, signal);
  const heard = await poll(current, signal);
  if (heard === "gone") return await subscribe(current.device, signal);
  if (heard === "nothing") {
    await pause(HANG_UP_PAUSE_MS, signal);
    return current;
  }
  current.answeredAtMs = performance.now();
  events.up();
  for (const message of heard) events.message(readEvent(message));
  const leastMs = heard.length >= MESSAGES_PER_POLL ? FLOOD_PAUSE_MS : POLL_EVERY_MS;
  const tookMs = performance.now() - startedAtMs;
  if (tookMs < leastMs) await pause(leastMs - tookMs, signal);
  return current;
}

/** Well before it lapses, by what the device said of it. */
function renewalMs({ lapsesInMs }: PullPoint): number {
  return Math.min(RENEW_EVERY_MS, (lapsesInMs ?? LAPSE_MS) / 2);
}

/** Renews, or where the device cannot, takes a new one first and gives the old one back. */
async function renewed(
  current: Subscription,
  events: ListenerEvents,
  signal: AbortSignal,
): Promise<Subscription> {
  const nowMs = performance.now();
  try {
    await current.point.renew(LAPSE_MS, signal);
    events.up();
    return { ...current, answeredAtMs: nowMs, renewedAtMs: nowMs };
  } catch (error) {
    if (signal.aborted || !isCameraError(error) || error.code === "WRONG_PASSWORD") throw error;
    // Not reached, or not understood: it is tried again with the next turn, until it is too late.
    if (error.code !== "DEVICE_FAULT") {
      await pause(HANG_UP_PAUSE_MS, signal);
      return current;
    }
    const next = await subscribe(current.device, signal);
    await drain(current, events, signal);
    void leave(current);
    return next;
  }
}

/** What waits at a subscription that is about to be given back. */
async function drain(
  { point }: Subscription,
  events: ListenerEvents,
  signal: AbortSignal,
): Promise<void> {
  try {
    const options = { timeoutMs: 1_000, messageLimit: MESSAGES_PER_POLL };
    const patience = AbortSignal.any([signal, AbortSignal.timeout(2_000)]);
    for (const message of await point.pull({ ...options, signal: patience }))
      events.message(readEvent(message));
  } catch (error) {
    if (!isCameraError(error)) throw error;
    // It is gone already, and with it what waited there.
  }
}

/** Devices have room for a few of them; it is no news if it fails. */
async function leave({ point }: Subscription): Promise<void> {
  await point.unsubscribe(AbortSignal.timeout(LEAVE_MS)).catch(() => undefined);
}

/** `nothing` where it hung up, held its answer back or made no sense; `gone`: ask for a new one. */
async function poll(
  { point }: Subscription,
  signal: AbortSignal,
): Promise<readonly EventMessage[] | "nothing" | "gone"> {
  for (let faults = 1; ; faults += 1) {
    const patience = AbortSignal.timeout(POLL_MS + POLL_GRACE_MS);
    try {
      return await point.pull({
        timeoutMs: POLL_MS,
        messageLimit: MESSAGES_PER_POLL,
        signal: AbortSignal.any([signal, patience]),
      });
    } catch (error) {
      if (signal.aborted || !isCameraError(error)) throw error;
      if (patience.aborted) return "nothing";
      if (error.code === "WRONG_PASSWORD") throw new Gone(error.code, error.message);
      if (isNotThere(error)) throw error;
      if (error.code !== "DEVICE_FAULT") return "nothing";
      if (faults >= FAULTS_MAX) return "gone";
      await pause(HANG_UP_PAUSE_MS, signal);
    }
  }
}

/** Not even connected: no device that hangs up, but none that is there. */
function isNotThere({ code, cause }: CameraError): boolean {
  const name = (cause as { readonly code?: unknown } | undefined)?.code;
  return code === "UNREACHABLE" && name !== "ECONNRESET" && name !== "EPIPE";
}

function isCameraError(error: unknown): error is CameraError {
  return error instanceof CameraError;
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
    // ONVIF Core, properties: an event without an operation is none.
    isState: operation !== null,
  };
}
