import type { FastifyReply, FastifyRequest } from "fastify";
import Type from "typebox";
import type { Authority } from "../lan/authority.ts";
import { Lane, PeerLanes } from "../lan/lanes.ts";
import { networkOf } from "../lan/names.ts";
import { certificateProfile } from "../lan/profile.ts";
import { HubError } from "../protocol/errors.ts";
import { isHouseName } from "../protocol/house-name.ts";
import {
  certificatePage,
  isAsked,
  type CertificatePage,
  type CertificatePageState,
  type NameRefusal,
} from "./certificate-page.ts";
import { languageOf, platformOf, type PageLanguage } from "./certificate-reader.ts";
import { CERTIFICATE_STYLE } from "./certificate-style.ts";
import type { Front } from "./front.ts";
import { FEATURES } from "./page-files.ts";
import {
  createServer,
  sendNotFound,
  type HubServer,
  type ServerLimits,
  type ServerOptions,
} from "./server.ts";

export interface CertificateServerOptions extends Pick<ServerOptions, "hostNames" | "logLevel"> {
  /** Looked at with each request. */
  readonly state: () => CertificateState;
  /**
   * Takes the name that somebody chose before the claim.
   *
   * @throws HubError LAN_NAME_TAKEN where another machine goes by it; any other for what else is
   *   wrong.
   */
  readonly chooseName: (name: string) => Promise<unknown>;
  /** Only ever runs forward. */
  readonly monotonicMs: () => number;
}

export interface CertificateState extends CertificatePageState {
  /** Null where the owner's own certificate or a reverse proxy is used. */
  readonly authority: Authority | null;
}

/** A page of 30 KB and a certificate: nobody needs long or many connections for it. */
const LIMITS: ServerLimits = {
  headersMs: 5_000,
  requestMs: 10_000,
  idleMs: 15_000,
  checkEveryMs: 2_000,
  requestsPerSocket: 50,
  connections: 48,
};
const PER_PEER_PER_MINUTE = 60;
const NAMES_PER_PEER_PER_MINUTE = 6;
const PER_NETWORK_PER_SECOND = 4;
const PER_NETWORK_SAVED = 80;
/** Of all together: more than a house full of machines that are each at their own limit. */
const PER_SECOND = 120;
const FORM_BYTES_MAX = 1_024;
const NAME_TYPED_MAX = 300;

const PAGE_POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join("; ");

/**
 * The certificate page: a server of its own, without TLS, since whoever needs it trusts no
 * certificate of this hub yet. It shows how to trust it, takes a name before the claim, and hands out
 * nothing else.
 */
export async function createCertificateServer(
  options: CertificateServerOptions,
): Promise<HubServer> {
  const server = await createServer({
    sessions: null,
    version: "",
    get hostNames() {
      return options.hostNames;
    },
    logLevel: options.logLevel,
    limits: LIMITS,
    front: pageFront(options.monotonicMs),
  });
  server.addHook("onRequest", async (_request, reply) => {
    reply.header("x-robots-tag", "noindex, nofollow");
  });
  addPage(server, options);
  addNameForm(server, options);
  addFiles(server, options);
  return server;
}

function pageFront(monotonicMs: () => number): Front {
  const networks = new PeerLanes(PER_NETWORK_PER_SECOND, PER_NETWORK_SAVED);
  const all = new Lane(PER_SECOND, PER_SECOND * 4);
  return {
    admits: ({ socket }) => {
      const nowMs = monotonicMs();
      return networks.take(networkOf(socket.remoteAddress ?? ""), nowMs) && all.take(nowMs);
    },
    keepsConnection: () => false,
  };
}

const RATE = { max: PER_PEER_PER_MINUTE, timeWindow: 60_000 };
const OPEN = { access: "public", rateLimit: RATE } as const;

function addPage(server: HubServer, options: CertificateServerOptions): void {
  server.get("/", { config: OPEN }, async (request, reply) => {
    const language = languageOf(request.headers["accept-language"], request.query);
    await sendPage(reply, options, { ...aboutReader(request, language), refused: null });
  });
  server.get("/style.css", { config: OPEN }, async (_request, reply) =>
    reply.type("text/css; charset=utf-8").send(CERTIFICATE_STYLE),
  );
}

function addNameForm(server: HubServer, options: CertificateServerOptions): void {
  server.addContentTypeParser(
    "application/x-www-form-urlencoded",
    { parseAs: "string", bodyLimit: FORM_BYTES_MAX },
    (_request, body, done) => {
      const fields = new URLSearchParams(body.toString());
      done(null, { name: fields.get("name") ?? "", language: fields.get("language") ?? "" });
    },
  );
  const body = Type.Object(
    { name: Type.String({ maxLength: NAME_TYPED_MAX }), language: Type.String({ maxLength: 8 }) },
    { additionalProperties: false },
  );
  const config = { ...OPEN, rateLimit: { ...RATE, max: NAMES_PER_PEER_PER_MINUTE } };
  server.post("/name", { config, schema: { body } }, async (request, reply) => {
    if (!isAsked(options.state())) return sendNotFound(reply);
    const language = request.body.language === "fr" ? "fr" : "en";
    const typed = request.body.name;
    const why = await refusalOf(options, nameTyped(typed));
    if (why === null) return reply.redirect(`/?language=${language}`, 303);
    reply.code(why === "malformed" ? 422 : 409);
    await sendPage(reply, options, { ...aboutReader(request, language), refused: { why, typed } });
  });
}

function addFiles(server: HubServer, options: CertificateServerOptions): void {
  const files: readonly [
    ending: string,
    mediaType: string,
    content: (authority: Authority) => string | Buffer,
  ][] = [
    ["crt", "application/x-x509-ca-cert", ({ certificateDer }) => Buffer.from(certificateDer)],
    ["pem", "application/x-pem-file", ({ certificatePem }) => certificatePem],
    [
      "mobileconfig",
      "application/x-apple-aspen-config",
      ({ name, certificateDer }) => certificateProfile(name, certificateDer),
    ],
  ];
  for (const [ending, mediaType, content] of files)
    server.get(`/doorward.${ending}`, { config: OPEN }, async (_request, reply) => {
      const state = options.state();
      if (state.authority === null || isAsked(state)) return sendNotFound(reply);
      reply.header("content-disposition", `attachment; filename="doorward.${ending}"`);
      return reply.type(mediaType).send(content(state.authority));
    });
}

async function refusalOf(
  { chooseName }: CertificateServerOptions,
  name: string,
): Promise<NameRefusal | null> {
  if (!isHouseName(name)) return "malformed";
  try {
    await chooseName(name);
    return null;
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    if (error.code === "LAN_NAME_TAKEN") return "taken";
    return error.code === "MALFORMED_INPUT" ? "malformed" : "failed";
  }
}

/** People type a name as they see it in an address line, and phones begin it with a capital. */
function nameTyped(text: string): string {
  return text
    .trim()
    .toLowerCase()
    .replace(/^https?:\/\//, "")
    .replace(/[./]+$/, "");
}

function aboutReader({ headers }: FastifyRequest, language: PageLanguage) {
  return { language, platform: platformOf(headers["user-agent"]) };
}

async function sendPage(
  reply: FastifyReply,
  options: CertificateServerOptions,
  shown: Pick<CertificatePage, "language" | "platform" | "refused">,
): Promise<void> {
  reply.header("content-security-policy", PAGE_POLICY);
  // Without it a browser says "null" for the origin of the form.
  reply.header("referrer-policy", "same-origin");
  reply.header("vary", "accept-language, user-agent");
  reply.header("permissions-policy", FEATURES);
  await reply
    .type("text/html; charset=utf-8")
    .send(certificatePage({ ...shown, state: options.state() }));
}
