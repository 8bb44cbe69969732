import type http from "node:http";
import type net from "node:net";
import {
  createCertificateServer,
  type CertificateServerOptions,
} from "../http/certificate-server.ts";
import { createLanGate, type LanGate } from "../http/lan-gate.ts";
import { addPageFiles } from "../http/page-files.ts";
import { createServer, type HubServer, type ServerLimits } from "../http/server.ts";
import type { ProxyBefore } from "../http/access-check.ts";
import type { HubServices } from "../http/services.ts";
import { addHouseRoutes } from "./routes.ts";
import { SESSION_CONTEXT, type LanCertificates } from "../lan/lan-certificates.ts";
import { LAN_LIMITS, LanListener, type LanLimits } from "../lan/lan-listener.ts";
import type { ProvenPeers } from "../lan/lanes.ts";
import { isPrivateAddress, plainAddress } from "../lan/names.ts";
import type { LanSettings } from "../settings/listen.ts";

/** As of a listener that faces everybody: who is slow, holds nothing up but himself. */
const LIMITS: ServerLimits = {
  headersMs: 10_000,
  requestMs: 60_000,
  // Sockets of live pictures and of news say something at least every half minute.
  idleMs: 120_000,
  checkEveryMs: 2_000,
  requestsPerSocket: 10_000,
  connections: LAN_LIMITS.connections + LAN_LIMITS.provenConnections,
};
const CERTIFICATE_LIMITS: LanLimits = { ...LAN_LIMITS, connections: 48, connectionsPerPeer: 12 };
/** How long a device that comes again needs no whole handshake. */
const RESUMED_SECONDS = 12 * 3_600;
const CLOSE_CHECK_MS = 50;
const CLOSE_MAX_MS = 3_000;

/** A server and the addresses on which it is reached. */
export interface LanDoor extends AsyncDisposable {
  readonly server: HubServer;
  readonly listener: LanListener;
  /** No new connection; ends when all requests that are being answered are. */
  close(): Promise<void>;
}

export interface LanDoorOptions {
  readonly services: HubServices;
  readonly pageDirectory: string;
  readonly settings: LanSettings;
  /** Changed while it runs: those that are in force with each request. */
  readonly hostNames: readonly string[];
  readonly certificates: LanCertificates;
  readonly proven: ProvenPeers;
  readonly monotonicMs: () => number;
  /** By default those that a household needs. */
  readonly limits?: { readonly connections: LanLimits; readonly requests: ServerLimits };
}

/** TLS for the house, and for a reverse proxy on another machine of it. */
export async function openLanDoor(options: LanDoorOptions): Promise<LanDoor> {
  const { settings, certificates, proven, monotonicMs } = options;
  const proxy = proxyBefore(settings, (address) => !isLoopback(address));
  const server = await houseServer(options, {
    hostNames: options.hostNames,
    proxy,
    tls: {
      minVersion: "TLSv1.2",
      sessionTimeout: RESUMED_SECONDS,
      sessionIdContext: SESSION_CONTEXT,
      // By name alone: to a bare address, nothing is shown and nothing is answered.
      SNICallback: (name, answer) => answer(null, certificates.shown(name.toLowerCase())?.context),
    },
  });
  return doorOf(server, {
    port: settings.port,
    limits: options.limits?.connections ?? LAN_LIMITS,
    isTls: true,
    isPeer: (address) => isPrivateAddress(address) || proxy?.isPeer(address) === true,
    isProven: (address) => proven.isProven(address),
    isProxy: (address) => proxy?.isPeer(address) === true,
    monotonicMs,
  });
}

/** For a reverse proxy on this machine: without TLS, and for nobody but it. */
export async function openProxyDoor(options: LanDoorOptions): Promise<LanDoor> {
  const { settings, monotonicMs } = options;
  const proxy = proxyBefore(settings, isLoopback);
  const isPeer = (address: string): boolean => proxy?.isPeer(address) === true;
  const server = await houseServer(options, { hostNames: [], proxy });
  return doorOf(server, {
    port: settings.port,
    limits: options.limits?.connections ?? LAN_LIMITS,
    isTls: false,
    isPeer,
    isProven: () => true,
    isProxy: isPeer,
    monotonicMs,
  });
}

/** Without TLS: how to trust the house's certificate, for those who cannot yet. */
export async function openCertificateDoor(
  page: Omit<CertificateServerOptions, "logLevel" | "monotonicMs">,
  { settings, monotonicMs }: Pick<LanDoorOptions, "settings" | "monotonicMs">,
): Promise<LanDoor> {
  const server = await createCertificateServer({
    state: page.state,
    chooseName: page.chooseName,
    hostNames: page.hostNames,
    ...{ logLevel: "warn", monotonicMs },
  });
  return doorOf(server, {
    port: settings.certificatePort,
    limits: CERTIFICATE_LIMITS,
    isTls: false,
    isPeer: isPrivateAddress,
    isProven: () => false,
    isProxy: () => false,
    monotonicMs,
  });
}

async function houseServer(
  { services, pageDirectory, proven, monotonicMs, limits }: LanDoorOptions,
  own: Pick<Parameters<typeof createServer>[0], "hostNames" | "proxy" | "tls">,
): Promise<HubServer> {
  const gate: LanGate = createLanGate({
    isClaimed: () => services.household.keyring !== null,
    proven,
    proxy: own.proxy ?? null,
    monotonicMs,
  });
  const { sessions, version, push: noticeSecrets } = services;
  const server = await createServer({
    ...own,
    ...{
      sessions,
      noticeSecrets,
      version,
      gate,
      logLevel: "warn",
      limits: limits?.requests ?? LIMITS,
    },
  });
  await addPageFiles(server, pageDirectory, () => services.mailbox.origins());
  addHouseRoutes(server, services);
  return server;
}

/** The server never listens itself: it is handed connections that the listener has let in. */
async function doorOf(
  server: HubServer,
  options: Omit<ConstructorParameters<typeof LanListener>[0], "take">,
): Promise<LanDoor> {
  await server.ready();
  const answering: http.Server = server.server;
  const listener = new LanListener({
    ...options,
    take: (socket: net.Socket) => void answering.emit("connection", socket),
  });
  answering.on("secureConnection", (socket: net.Socket) => listener.shaken(socket));
  // Its watch over slow requests begins with this event and not before.
  answering.emit("listening");
  const end = async (): Promise<void> => {
    await listener[Symbol.asyncDispose]();
    await server.close();
  };
  return {
    server,
    listener,
    close: async () => {
      listener.stop();
      await whenAnswered(answering, listener);
      await end();
    },
    [Symbol.asyncDispose]: end,
  };
}

/** Connections on which nothing is asked end at once; sockets of live pictures after a while. */
async function whenAnswered(server: http.Server, listener: LanListener): Promise<void> {
  for (let waitedMs = 0; waitedMs < CLOSE_MAX_MS; waitedMs += CLOSE_CHECK_MS) {
    server.closeIdleConnections();
    if (listener.connections === 0) return;
    await new Promise((resolve) => setTimeout(resolve, CLOSE_CHECK_MS));
  }
}

export function isLoopback(address: string): boolean {
  return address === "::1" || address.startsWith("127.");
}

/** The proxy's addresses that count for a door, or null where it has none there. */
function proxyBefore(
  { proxy }: LanSettings,
  counts: (address: string) => boolean,
): ProxyBefore | null {
  const from = proxy?.from.filter(counts) ?? [];
  if (proxy === null || from.length === 0) return null;
  return {
    origin: proxy.origin,
    isPeer: (address) => from.includes(plainAddress(address)),
  };
}
