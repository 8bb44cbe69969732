import { CameraError } from "../camera-error.ts";
import { DeviceHttp, type DeviceHttpOptions } from "../device-http.ts";
import { NAMESPACES, plain, SoapClient } from "./soap.ts";
import { at, childrenOf, numberAt, textAt, type XmlElement } from "./xml.ts";

export type ServiceName = "device" | "media" | "media2" | "events" | "deviceIo";

export interface OnvifAddress {
  /** Without brackets. */
  readonly host: string;
  /** Of the device service. */
  readonly url: string;
}

export interface OnvifOptions extends Omit<DeviceHttpOptions, "host"> {
  /** As {@link parseOnvifUrl} takes it. */
  readonly address: string;
  readonly nowMs?: () => number;
  readonly signal?: AbortSignal;
}

/** What the device says of its clock, in milliseconds of Unix time. */
export interface DeviceClock {
  readonly deviceMs: number;
  /** Device clock minus this one. */
  readonly offsetMs: number;
}

const ACTION = {
  time: `${NAMESPACES.device}/GetSystemDateAndTime`,
  services: `${NAMESPACES.device}/GetServices`,
  capabilities: `${NAMESPACES.device}/GetCapabilities`,
} as const;
const SERVICES_MAX = 64;
const DEFAULT_PATH = "/onvif/device_service";

/**
 * Reads `http://192.0.2.10/onvif/device_service`, or a host, or a host and port.
 *
 * @throws CameraError `PROTOCOL_ERROR` where it is no address.
 */
export function parseOnvifUrl(text: string): OnvifAddress {
  const malformed = (what: string): CameraError =>
    new CameraError("PROTOCOL_ERROR", `Cannot use the camera's address: ${what}`);
  if (text.length > 1_000 || !/^[\x21-\x7e]+$/.test(text))
    throw malformed("it is too long, or has a space or a non-ASCII character");
  const isIpv6 = /^[0-9a-f:]+$/i.test(text) && text.split(":").length > 2;
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(text)
    ? text
    : `http://${isIpv6 ? `[${text}]` : text}`;
  const url = URL.parse(whole);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:"))
    throw malformed("it is neither a host nor an address as http://192.0.2.10");
  if (url.username !== "" || url.password !== "")
    throw malformed("it carries a user name or a password");
  if (url.pathname === "/" && url.search === "") url.pathname = DEFAULT_PATH;
  url.hash = "";
  return { host: url.hostname.replace(/^\[|\]$/g, ""), url: url.href };
}

/**
 * An ONVIF device, once it has told its time and its services. Everything that it is asked goes to
 * the one host that was typed.
 */
export class OnvifDevice {
  readonly address: OnvifAddress;
  readonly soap: SoapClient;
  /** Null where it does not tell its time. */
  readonly clock: DeviceClock | null;
  readonly #services: ReadonlyMap<ServiceName, string>;
  /** Hosts that it named for its services; nothing was sent there. */
  readonly otherHosts: readonly string[];

  private constructor(
    address: OnvifAddress,
    soap: SoapClient,
    clock: DeviceClock | null,
    found: FoundServices,
  ) {
    this.address = address;
    this.soap = soap;
    this.clock = clock;
    this.#services = found.services;
    this.otherHosts = found.otherHosts;
  }

  /**
   * Asks for the time first, since the login is made with it, then for the services.
   *
   * @throws CameraError as {@link SoapClient.call}.
   */
  static async open(options: OnvifOptions): Promise<OnvifDevice> {
    const address = parseOnvifUrl(options.address);
    const { credentials, onConnect, patience, nowMs = Date.now, signal } = options;
    const http = new DeviceHttp({
      host: address.host,
      credentials,
      ...(onConnect === undefined ? {} : { onConnect }),
      ...(patience === undefined ? {} : { patience }),
    });
    const soap = new SoapClient({ http, credentials, nowMs });
    const clock = await readClock(soap, address.url, nowMs, signal);
    if (clock) soap.clockOffsetMs = clock.offsetMs;
    const found = await readServices(soap, address.url, signal);
    return new OnvifDevice(address, soap, clock, found);
  }

  has(service: ServiceName): boolean {
    return this.#services.has(service);
  }

  /** @throws CameraError `DEVICE_FAULT` where the device has no such service. */
  urlOf(service: ServiceName): string {
    const url = this.#services.get(service);
    if (url === undefined)
      throw new CameraError(
        "DEVICE_FAULT",
        `Cannot do this on camera: it has no ${service} service`,
      );
    return url;
  }
}

async function readClock(
  soap: SoapClient,
  url: string,
  nowMs: () => number,
  signal: AbortSignal | undefined,
): Promise<DeviceClock | null> {
  const ask = async (login: "none" | undefined): Promise<DeviceClock | null> => {
    const beforeMs = nowMs();
    const answer = await soap.call({
      url,
      action: ACTION.time,
      body: `<GetSystemDateAndTime xmlns="${NAMESPACES.device}"/>`,
      ...(login === undefined ? {} : { login }),
      ...(signal === undefined ? {} : { signal }),
    });
    const deviceMs = readTime(at(answer, "SystemDateAndTime", "UTCDateTime"));
    if (deviceMs === null) return null;
    return { deviceMs, offsetMs: Math.round(deviceMs - (beforeMs + nowMs()) / 2) };
  };
  try {
    return await ask("none");
  } catch (error) {
    // A few devices want a login even for their time, against ONVIF Core section 5.9.
    if (!(error instanceof CameraError) || error.code !== "WRONG_PASSWORD") throw error;
    if (!soap.hasCredentials) throw error;
    return ask(undefined);
  }
}

/** ONVIF `tt:DateTime`, which has no fractions of a second. */
function readTime(element: XmlElement | undefined): number | null {
  const date = ["Year", "Month", "Day"].map((name) => numberAt(element, ["Date", name], 9_999));
  const time = ["Hour", "Minute", "Second"].map((name) => numberAt(element, ["Time", name], 61));
  const [year, month, day, hour, minute, second] = [...date, ...time].map((part) => part ?? -1);
  if (year === undefined || month === undefined || day === undefined) return null;
  if (hour === undefined || minute === undefined || second === undefined) return null;
  if (Math.min(hour, minute, second) < 0 || hour > 23) return null;
  if (year < 1970 || year > 2199 || month < 1 || month > 12 || day < 1 || day > 31) return null;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

interface FoundServices {
  readonly services: ReadonlyMap<ServiceName, string>;
  readonly otherHosts: readonly string[];
}

async function readServices(
  soap: SoapClient,
  url: string,
  signal: AbortSignal | undefined,
): Promise<FoundServices> {
  const call = { url, login: "not-needed", ...(signal === undefined ? {} : { signal }) } as const;
  try {
    const answer = await soap.call({
      ...call,
      action: ACTION.services,
      body: `<GetServices xmlns="${NAMESPACES.device}"><IncludeCapability>false</IncludeCapability></GetServices>`,
    });
    const named = childrenOf(answer, "Service")
      .slice(0, SERVICES_MAX)
      .map((service) => [textAt(service, "Namespace"), textAt(service, "XAddr")] as const);
    if (named.length > 0) return keepOwn(soap, url, named);
  } catch (error) {
    // Devices before ONVIF 2.0 have no such call, and say so with a fault.
    if (!(error instanceof CameraError) || error.code !== "DEVICE_FAULT") throw error;
  }
  const answer = await soap.call({
    ...call,
    action: ACTION.capabilities,
    body: `<GetCapabilities xmlns="${NAMESPACES.device}"><Category>All</Category></GetCapabilities>`,
  });
  const capabilities = at(answer, "Capabilities");
  return keepOwn(soap, url, [
    [NAMESPACES.media, textAt(capabilities, "Media", "XAddr")],
    [NAMESPACES.events, textAt(capabilities, "Events", "XAddr")],
    [NAMESPACES.deviceIo, textAt(capabilities, "Extension", "DeviceIO", "XAddr")],
  ]);
}

const NAMES: ReadonlyMap<string, ServiceName> = new Map([
  [NAMESPACES.device, "device"],
  [NAMESPACES.media, "media"],
  [NAMESPACES.media2, "media2"],
  [NAMESPACES.events, "events"],
  [NAMESPACES.deviceIo, "deviceIo"],
]);

/**
 * Where a device names another host for a service, as behind a router that translates addresses,
 * its path is asked at the host and port that were typed.
 */
function keepOwn(
  soap: SoapClient,
  url: string,
  named: readonly (readonly [namespace: string | null, address: string | null])[],
): FoundServices {
  const services = new Map<ServiceName, string>([["device", url]]);
  const otherHosts = new Set<string>();
  for (const [namespace, address] of named) {
    const name = NAMES.get(namespace?.trim() ?? "");
    if (name === undefined || name === "device" || address === null || services.has(name)) continue;
    const { own, other } = ownAddress(soap.http, url, address);
    if (own !== null) services.set(name, own);
    if (other !== null && otherHosts.size < 8) otherHosts.add(other);
  }
  return { services, otherHosts: [...otherHosts] };
}

/**
 * An address that the device gave, on our host.
 *
 * @returns `own` is null where it is no http address; `other` is the host that it named instead.
 */
export function ownAddress(
  http: DeviceHttp,
  deviceUrl: string,
  address: string,
): { readonly own: string | null; readonly other: string | null } {
  const url = address.length <= 1_000 ? URL.parse(address, deviceUrl) : null;
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:"))
    return { own: null, other: null };
  url.username = "";
  url.password = "";
  if (http.isOwn(url.href)) return { own: url.href, other: null };
  const own = new URL(deviceUrl);
  own.pathname = url.pathname;
  own.search = url.search;
  return { own: own.href, other: plain(url.hostname, 100) };
}
