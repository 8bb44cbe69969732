import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { BlockList } from "node:net";
import { networkInterfaces } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import {
  FOUND_CAMERAS_MAX,
  type FindCamerasAnswer,
  type FoundCamera,
} from "../../protocol/api-cameras.ts";
import { CameraError } from "../camera-error.ts";
import { hostOfUrl } from "../device-http.ts";
import { plain } from "./soap.ts";
import { at, childrenOf, parseXml, textAt, type XmlElement } from "./xml.ts";

/**
 * Finds ONVIF cameras by WS-Discovery (2005/04, as ONVIF Core section 7.3 has it): one question to
 * the network's multicast address from every address of this machine. Anybody on the network may
 * answer, so an answer counts only for the host that it came from.
 */

export interface DiscoveryOptions {
  /** How long answers are taken. */
  readonly waitMs: number;
  /** Addresses of this machine; those of its networks where it is not given. */
  readonly from?: readonly LocalAddress[];
  /** Who is asked; the multicast address where it is not given. */
  readonly target?: { readonly host: string; readonly port: number };
  readonly signal?: AbortSignal;
}

export interface LocalAddress {
  readonly address: string;
  /** As `255.255.255.0`. */
  readonly netmask: string;
}

export const DISCOVERY_ADDRESS = { host: "239.255.255.250", port: 3702 } as const;
const ANSWER_BYTES_MAX = 16 * 1024;
const ANSWERS_MAX = 2_000;
const INTERFACES_MAX = 32;
const SCOPES_MAX = 64;
/** Datagrams get lost, and cameras may wait up to half a second; asked again after this. */
const REPEAT_MS = 700;
const SCOPE = /^onvif:\/\/www\.onvif\.org\/(name|hardware)\/([^/]{1,240})$/i;

/** @throws CameraError `UNREACHABLE` where this machine has no network to search. */
export async function discover(options: DiscoveryOptions): Promise<FindCamerasAnswer> {
  const from = (options.from ?? localAddresses()).slice(0, INTERFACES_MAX);
  if (from.length === 0)
    throw new CameraError(
      "UNREACHABLE",
      "Cannot search for cameras: this machine is in no network of IPv4; give the camera's address instead",
    );
  const found = new Found();
  const sockets = await Promise.all(from.map((place) => listen(place, options, found)));
  try {
    const open = sockets.filter((socket) => socket !== null);
    await ask(open, options);
    const more = options.signal === undefined ? {} : { signal: options.signal };
    await sleep(Math.min(REPEAT_MS, options.waitMs / 2), undefined, more);
    await ask(open, options);
    await sleep(Math.max(0, options.waitMs - REPEAT_MS), undefined, more);
  } finally {
    for (const socket of sockets) socket?.close();
  }
  return {
    cameras: found.cameras(),
    refused: found.refused,
    searchedFrom: from.map(({ address }) => address),
  };
}

function localAddresses(): LocalAddress[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ family, internal }) => family === "IPv4" && !internal)
    .map(({ address, netmask }) => ({ address, netmask }));
}

async function listen(
  place: LocalAddress,
  { target = DISCOVERY_ADDRESS }: DiscoveryOptions,
  found: Found,
): Promise<Socket | null> {
  const socket = createSocket({ type: "udp4", reuseAddr: false });
  socket.on("message", (message, sender) => found.take(message, sender, place));
  try {
    socket.bind(0, place.address);
    await once(socket, "listening");
    if (target === DISCOVERY_ADDRESS) {
      socket.setMulticastInterface(place.address);
      // Never beyond this network.
      socket.setMulticastTTL(1);
    }
  } catch {
    // One network that cannot be searched is no reason to leave out the others.
    socket.close();
    return null;
  }
  socket.on("error", () => undefined);
  return socket;
}

async function ask(sockets: readonly Socket[], options: DiscoveryOptions): Promise<void> {
  const { target = DISCOVERY_ADDRESS } = options;
  await Promise.all(
    sockets.map((socket) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      socket.send(QUESTION, target.port, target.host, () => resolve());
      return promise;
    }),
  );
}

const MESSAGE_ID = `urn:uuid:${crypto.randomUUID()}`;
const QUESTION = [
  `<?xml version="1.0" encoding="UTF-8"?>`,
  `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">`,
  `<s:Header><a:MessageID>${MESSAGE_ID}</a:MessageID>`,
  `<a:ReplyTo><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>`,
  `<a:To s:mustUnderstand="1">urn:schemas-xmlsoap-org:ws:2005:04:discovery</a:To>`,
  `<a:Action s:mustUnderstand="1">http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action></s:Header>`,
  `<s:Body><d:Probe><d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></s:Body></s:Envelope>`,
].join("");

/** Answers so far: one for each host, the first that counts. */
class Found {
  refused = 0;
  readonly #byHost = new Map<string, FoundCamera>();
  readonly #refusedFrom = new Set<string>();
  #answers = 0;

  take(message: Buffer, sender: RemoteInfo, place: LocalAddress): void {
    this.#answers += 1;
    if (this.#answers > ANSWERS_MAX) return;
    try {
      const camera = readAnswer(message, sender, place);
      if (this.#byHost.size < FOUND_CAMERAS_MAX && !this.#byHost.has(camera.host))
        this.#byHost.set(camera.host, camera);
    } catch (error) {
      if (!(error instanceof CameraError)) throw error;
      if (this.#refusedFrom.has(sender.address) || this.#byHost.has(sender.address)) return;
      this.#refusedFrom.add(sender.address);
      this.refused += 1;
    }
  }

  cameras(): FoundCamera[] {
    return [...this.#byHost.values()].toSorted((one, other) =>
      one.host.localeCompare(other.host, "en", { numeric: true }),
    );
  }
}

/** @throws CameraError where it is no answer to our question, or names another host than its sender. */
export function readAnswer(
  message: Buffer,
  sender: Pick<RemoteInfo, "address">,
  place: LocalAddress,
): FoundCamera {
  if (message.length > ANSWER_BYTES_MAX) throw refusal("an answer longer than 16 KiB");
  const envelope = parseXml(message);
  if (textAt(envelope, "Header", "RelatesTo") !== MESSAGE_ID)
    throw refusal("an answer to another question");
  if (!isInNetwork(sender.address, place)) throw refusal("an answer from another network");
  const match = at(envelope, "Body", "ProbeMatches", "ProbeMatch");
  const addresses = (textAt(match, "XAddrs") ?? "").split(/\s+/).slice(0, 16);
  const onvif = addresses
    .map((address) => (address.length <= 1_000 ? URL.parse(address) : null))
    .find(
      (url) =>
        url !== null &&
        (url.protocol === "http:" || url.protocol === "https:") &&
        url.username === "" &&
        url.password === "" &&
        hostOfUrl(url) === sender.address,
    );
  if (!onvif) throw refusal("an answer that names another host than its own");
  return {
    onvif: onvif.href,
    host: sender.address,
    name: scopeOf(match, "name"),
    hardware: scopeOf(match, "hardware"),
  };
}

/** For the tests, which answer. */
export const DISCOVERY_MESSAGE_ID = MESSAGE_ID;

/** Only what a camera is called and what it is: where it stands is in scopes too, and not ours. */
function scopeOf(match: XmlElement | undefined, wanted: "name" | "hardware"): string | null {
  const scopes = childrenOf(match, "Scopes")
    .flatMap(({ text }) => text.split(/\s+/))
    .slice(0, SCOPES_MAX);
  for (const scope of scopes) {
    const [, kind, value = ""] = SCOPE.exec(scope) ?? [];
    if (kind?.toLowerCase() !== wanted) continue;
    const text = plain(decoded(value), 80);
    if (text !== "") return text;
  }
  return null;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function isInNetwork(address: string, place: LocalAddress): boolean {
  const bits = place.netmask
    .split(".")
    .reduce((sum, part) => sum + Number(part).toString(2).replaceAll("0", "").length, 0);
  const network = new BlockList();
  network.addSubnet(place.address, bits, "ipv4");
  return network.check(address, "ipv4");
}

function refusal(what: string): CameraError {
  return new CameraError("PROTOCOL_ERROR", `Cannot take what answered: ${what}`);
}
