import http from "node:http";
import https from "node:https";
import cookie from "@fastify/cookie";
import {
  SerializerSelector as serializerSelector,
  type Serializer,
} from "@fastify/fast-json-stringify-compiler";
import helmet from "@fastify/helmet";
import rateLimit from "@fastify/rate-limit";
import websocket from "@fastify/websocket";
import { TypeBoxValidatorCompiler, type TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifySerializerCompiler,
  type FastifyRequest,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from "fastify";
import { checkShape } from "../protocol/check.ts";
import { HubError, MalformedInput } from "../protocol/errors.ts";
import { LIMITS } from "../protocol/limits.ts";
import type { DeviceId } from "../protocol/ids.ts";
import type { Right } from "../protocol/keyring.ts";
import {
  requireAccess,
  requireOwnHost,
  requireOwnOrigin,
  type NoticeSecrets,
  type ProxyBefore,
} from "./access-check.ts";
import { behindFront, guardUpgrades, type Front } from "./front.ts";
import type { LanGate } from "./lan-gate.ts";
import { describeRoutes } from "./openapi.ts";
import type { Sessions, SessionDevice } from "./sessions.ts";
import { statusOf } from "./status-codes.ts";

export type HubServer = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/**
 * Who may call a route. `public` routes check what they hand out themselves (a token in the path, a
 * claim code); `session` is any device in force; a right is that device's role's. `notice` is any
 * device in force, by its session or by the secret of a browser that pushes reach.
 */
export type Access = "public" | "session" | "notice" | Right;

declare module "fastify" {
  interface FastifyContextConfig {
    access?: Access;
    /** For the form page, which is opened from a file: needs no login and changes nothing secret. */
    anyOrigin?: boolean;
    /** On the local network only what says so is answered before the claim. */
    beforeClaim?: boolean;
  }
  interface FastifyInstance {
    /** Whether it faces the local network. */
    isLan: boolean;
  }
  interface FastifyRequest {
    /** Scheme, host and port under which the hub is called; checked before anything else. */
    ownOrigin: string;
    /** Set by the access check; null on public routes. */
    device: SessionDevice | null;
    /** Set by the access check where a subscription's secret was shown, and no session. */
    noticeReader: DeviceId | null;
  }
}

export interface ServerOptions {
  readonly sessions: Sessions | null;
  /** By default there are none, and routes of notices take sessions only. */
  readonly noticeSecrets?: NoticeSecrets;
  readonly version: string;
  /** Names under which this server may be addressed, without port; against DNS rebinding. */
  readonly hostNames: readonly string[];
  readonly logLevel: "silent" | "warn" | "info";
  /** Answers with TLS; contexts by name and their renewal are the caller's. */
  readonly tls?: https.ServerOptions;
  readonly proxy?: ProxyBefore | null;
  /** For a listener that faces the local network. */
  readonly gate?: LanGate;
  /** By default the gate. */
  readonly front?: Front;
  /** For a listener that faces everybody; by default those of one that faces the household. */
  readonly limits?: ServerLimits;
}

/** How long a connection may take, and how many there may be. */
export interface ServerLimits {
  readonly headersMs: number;
  /** Until a request has come in whole, its body included. */
  readonly requestMs: number;
  /** Without a byte in either direction. */
  readonly idleMs: number;
  readonly checkEveryMs: number;
  readonly requestsPerSocket: number;
  readonly connections: number;
}

/** Of one message that a page or the command line sends over a socket. */
const SOCKET_MESSAGE_BYTES_MAX = 64 * 1024;

/** Of every answer but the page's own files: whatever it is, nothing in it runs or loads. */
const ANSWER_POLICY = {
  defaultSrc: ["'none'"],
  baseUri: ["'none'"],
  formAction: ["'none'"],
  frameAncestors: ["'none'"],
};

/**
 * A server with everything that holds for all routes: limits, headers, host and origin checks,
 * access by right, and the one table from error to status.
 */
export async function createServer(options: ServerOptions): Promise<HubServer> {
  const { proxy } = options;
  const front = options.front ?? options.gate;
  const server = Fastify({
    ...(options.tls || front ? { serverFactory: serverFactory(options, front) } : {}),
    bodyLimit: LIMITS.requestBytes,
    requestTimeout: options.limits?.requestMs ?? 30_000,
    connectionTimeout: options.limits?.idleMs ?? 0,
    ...(options.limits ? limitsOf(options.limits) : {}),
    keepAliveTimeout: 10_000,
    // The one hop that is known, and what it says of its caller; nothing that the caller says.
    trustProxy: proxy
      ? (address: string, hop: number) => hop === 0 && proxy.isPeer(address)
      : false,
    forceCloseConnections: true,
    // A HEAD would count as somebody who has fetched: mail scanners send them.
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 128 },
    logger:
      options.logLevel === "silent"
        ? false
        : {
            level: options.logLevel,
            // Standard output belongs to the command that started the hub.
            stream: process.stderr,
            // Paths hold status tokens; neither they nor any header are logged.
            serializers: { req: (request: FastifyRequest) => ({ method: request.method }) },
          },
  }).withTypeProvider<TypeBoxTypeProvider>();
  if (options.limits) server.server.maxConnections = options.limits.connections;
  server.setValidatorCompiler(validatorFor);
  server.setSerializerCompiler(serializerFor);
  await server.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: ANSWER_POLICY },
    crossOriginEmbedderPolicy: { policy: "require-corp" },
    crossOriginResourcePolicy: { policy: "same-origin" },
    referrerPolicy: { policy: "no-referrer" },
    xFrameOptions: { action: "deny" },
    strictTransportSecurity: false,
  });
  await limitRates(server);
  await describeRoutes(server, options.version);
  // For writing only: its reader takes one cookie of a name, and there may be two.
  await server.register(cookie, { hook: false });
  // Nobody without a session opens a socket, so a server without sessions has none.
  if (options.sessions)
    await server.register(websocket, { options: { maxPayload: SOCKET_MESSAGE_BYTES_MAX } });
  if (front) server.addHook("onReady", async () => guardUpgrades(server.server, front));
  addChecks(server, options);
  server.addHook("onSend", async (_request, reply) => {
    if (!reply.hasHeader("cache-control")) reply.header("cache-control", "no-store");
  });
  server.setNotFoundHandler({ preHandler: server.rateLimit() }, async (_request, reply) => {
    // The same bytes as for a status token that is unknown or not answered yet (invariant 6).
    await sendNotFound(reply);
  });
  server.setErrorHandler(answerError);
  return server;
}

/** What every request has to pass, in this order, before anything of it is read. */
function addChecks(server: HubServer, options: ServerOptions): void {
  const { gate, proxy = null, sessions, noticeSecrets = null } = options;
  const isTls = options.tls !== undefined;
  server.decorateRequest("device", null);
  server.decorateRequest("noticeReader", null);
  server.decorateRequest("ownOrigin", "");
  server.decorate("isLan", gate !== undefined);
  server.addHook("onRoute", (route) => {
    if (route.config?.access === undefined)
      throw new Error(`route ${route.url} does not say who may call it`);
  });
  server.addHook("onRequest", async (request, reply) => {
    gate?.enter(request);
    // Read with each request: names and addresses change while a hub runs.
    const { hostNames } = options;
    request.ownOrigin = requireOwnHost(request, { hostNames, isTls, proxy });
    requireOwnOrigin(request);
    requireAccess(request, reply, { sessions, noticeSecrets });
    if (request.device) gate?.proved(request);
  });
}

async function limitRates(server: HubServer): Promise<void> {
  // Without the headers that count down: answers to different people would differ by them.
  const quiet = {
    "x-ratelimit-limit": false,
    "x-ratelimit-remaining": false,
    "x-ratelimit-reset": false,
  };
  await server.register(rateLimit, {
    global: false,
    max: 120,
    timeWindow: 60_000,
    addHeaders: quiet,
    addHeadersOnExceeding: quiet,
  });
}

function limitsOf({ headersMs, checkEveryMs, requestsPerSocket }: ServerLimits) {
  return {
    maxRequestsPerSocket: requestsPerSocket,
    http: { headersTimeout: headersMs, connectionsCheckingInterval: checkEveryMs },
  };
}

/** With the framework's own server, the types of every route would be those of TLS. */
function serverFactory({ limits, tls }: ServerOptions, front: Front | undefined) {
  return (handler: http.RequestListener): http.Server => {
    const answer = front ? behindFront(front, handler) : handler;
    const times = {
      requestTimeout: limits?.requestMs ?? 30_000,
      headersTimeout: limits?.headersMs ?? 30_000,
      keepAliveTimeout: 10_000,
      connectionsCheckingInterval: limits?.checkEveryMs ?? 10_000,
    };
    const server = tls
      ? https.createServer({ ...tls, ...times }, answer)
      : http.createServer(times, answer);
    server.maxRequestsPerSocket = limits?.requestsPerSocket ?? 0;
    server.timeout = limits?.idleMs ?? 0;
    return server as http.Server;
  };
}

/** Bodies are judged by the words of the formats themselves; the rest is the framework's. */
const validatorFor: typeof TypeBoxValidatorCompiler = (route) => {
  const validate = TypeBoxValidatorCompiler(route);
  if (route.httpPart !== "body") return validate;
  return (value: unknown) => {
    try {
      return { value: checkShape(route.schema, value, "body") };
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      return { error };
    }
  };
};

const compileSerializer = serializerSelector()({}, {});
const serializers = new WeakMap<object, Serializer>();

/** Compiled once per shape: many routes answer with the same, and a second server answers alike. */
const serializerFor: FastifySerializerCompiler<object> = (route) => {
  const known =
    serializers.get(route.schema) ??
    compileSerializer({ ...route, httpStatus: route.httpStatus ?? "" });
  serializers.set(route.schema, known);
  return known;
};

/** The one answer to everything that is not there, is not ready, or is none of the asker's business. */
export async function sendNotFound(reply: FastifyReply): Promise<void> {
  await reply.code(404).send({ code: "NOT_FOUND", message: "There is nothing here" });
}

/** The device behind a request to a route that needs one. */
export function deviceOf(request: FastifyRequest): SessionDevice {
  if (!request.device) throw new Error(`${request.routeOptions.url ?? "?"} ran without its check`);
  return request.device;
}

/** Who looks up a notice, by whatever the access check took. */
export function noticeReaderOf(request: FastifyRequest): DeviceId {
  return request.noticeReader ?? deviceOf(request).device;
}

async function answerError(
  error: FastifyError | HubError,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  if (error instanceof HubError) {
    const field = error instanceof MalformedInput ? { field: error.field } : {};
    await reply
      .code(statusOf(error.code))
      .send({ code: error.code, message: error.message, ...field });
    return;
  }
  if (error.validation) {
    const field = fieldOf(error);
    const message = `Cannot read ${field}: ${error.validation[0]?.message ?? "wrong shape"}`;
    await reply.code(422).send({ code: "MALFORMED_INPUT", message, field });
    return;
  }
  const status = error.statusCode ?? 500;
  if (status < 500) {
    await reply.code(status).send(refusalOf(error, status));
    return;
  }
  request.log.error({ err: error }, "request failed");
  await reply.code(500).send({ code: "FAILED", message: "The hub failed; its log says why" });
}

/** Refusals that the framework makes before a route is reached, in the words of this interface. */
function refusalOf(
  error: FastifyError,
  status: number,
): { code: string; message: string; field?: string } {
  switch (status) {
    case 413:
      return {
        code: "TOO_LARGE",
        message: "Cannot read body: it is over its limit",
        field: "body",
      };
    case 429:
      return { code: "TOO_MANY_CALLS", message: "Cannot answer: too many calls; wait a minute" };
    default:
      return { code: "NOT_UNDERSTOOD", message: `Cannot read request: ${error.message}` };
  }
}

function fieldOf(error: FastifyError): string {
  const [first] = error.validation ?? [];
  const names = (first?.instancePath ?? "").split("/").slice(1);
  const params: Record<string, unknown> = { ...first?.params };
  const extra = params["requiredProperties"] ?? params["additionalProperties"];
  if (Array.isArray(extra) && typeof extra[0] === "string") names.push(extra[0]);
  return names.length === 0 ? (error.validationContext ?? "body") : names.join(".");
}
