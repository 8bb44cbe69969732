import websocket from "@fastify/websocket";
import type { FastifyReply, FastifyRequest } from "fastify";
import { addPageFiles } from "../http/page-files.ts";
import { createServer, type HubServer } from "../http/server.ts";
import { HubError } from "../protocol/errors.ts";
import { relayRequest, relaySocket, type RelayTarget } from "./ui-relay.ts";
import { SEEN_BODY_MAX_BYTES } from "./ui-keys.ts";

const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"];
const SOCKET_MESSAGE_MAX_BYTES = 64 * 1024;
const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

export interface UiOptions extends RelayTarget {
  readonly version: string;
  /** What the build of the page wrote. */
  readonly pageDirectory: string;
  /** @throws HubError KEYS_HANDED_OUT the second time. */
  readonly handOutKeys: () => Uint8Array;
  /** Takes what the page has seen of the ledger, still sealed. */
  readonly takeSeen: (sealed: Uint8Array) => Promise<void>;
}

/**
 * A server for this machine alone: the page's files from this machine, and behind it the hub. It has
 * the hub's own checks of host, origin and site, and every other path is not there.
 */
export async function createUiServer(options: UiOptions): Promise<HubServer> {
  const server = await createServer({
    sessions: null,
    version: options.version,
    hostNames: LOOPBACK_NAMES,
    logLevel: "silent",
  });
  await server.register(websocket, { options: { maxPayload: SOCKET_MESSAGE_MAX_BYTES } });
  await addPageFiles(server, options.pageDirectory);
  await server.register(async (relay) => {
    // Put behind the hub's address as it stands, anything else would make another host of it.
    relay.addHook("onRequest", async ({ raw }) => {
      if (raw.url?.startsWith("/") !== true)
        throw new HubError("WRONG_HOST", "Cannot answer: ask for a path, not for another host's");
    });
    // Bodies are the hub's to judge: they pass through as they come.
    relay.removeAllContentTypeParsers();
    relay.addContentTypeParser("*", (_request, payload, done) => done(null, payload));
    const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<void> =>
      relayRequest(options, request, reply);
    const config = { access: "public" } as const;
    relay.route({
      method: "GET",
      url: "/api/*",
      config,
      handler,
      wsHandler: (socket, request) => relaySocket(options, request, socket),
    });
    const others = METHODS.filter((method) => method !== "GET");
    relay.route({ method: others, url: "/api/*", config, handler });
    relay.route({ method: "GET", url: "/status/*", config, handler });
  });
  await server.register(async (local) => {
    local.removeAllContentTypeParsers();
    local.addContentTypeParser(
      "application/octet-stream",
      { parseAs: "buffer", bodyLimit: SEEN_BODY_MAX_BYTES },
      (_request, body, done) => done(null, body),
    );
    const config = { access: "public" } as const;
    local.get("/local/keys", { config }, async (request, reply) => {
      requireOwnPage(request);
      const sealed = Buffer.from(options.handOutKeys());
      await reply.type("application/octet-stream").send(sealed);
    });
    local.post("/local/seen", { config }, async (request, reply) => {
      requireOwnPage(request);
      if (!(request.body instanceof Uint8Array))
        throw new HubError(
          "MALFORMED_INPUT",
          "Cannot read body: expected what the page has sealed",
        );
      await options.takeSeen(request.body);
      await reply.code(204).send();
    });
  });
  return server;
}

/** More than the hub asks for: another site's page could not read the keys, but could use them up. */
function requireOwnPage({ headers }: FastifyRequest): void {
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin")
    throw new HubError("WRONG_ORIGIN", "Cannot answer: another site's page asked for this");
}
