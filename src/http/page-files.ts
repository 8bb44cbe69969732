import { stat } from "node:fs/promises";
import path from "node:path";
import staticFiles from "@fastify/static";
import type { FastifyReply } from "fastify";
import Type from "typebox";
import { sendNotFound, type HubServer } from "./server.ts";

/** Names that the build gives. Without a dot at the front, a slash, or a way up. */
const FILE_NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,119}$/;
const NEVER_SERVED = /\.(?:map|br|gz)$/;

const POLICY = {
  "default-src": "'none'",
  "script-src": "'self'",
  "style-src": "'self'",
  "img-src": "'self' blob: data:",
  "media-src": "'self' blob:",
  "connect-src": "'self'",
  "worker-src": "'self'",
  "font-src": "'self'",
  "manifest-src": "'self'",
  "base-uri": "'none'",
  "form-action": "'none'",
  "frame-ancestors": "'none'",
  // Strings become markup nowhere but where Svelte makes its own templates.
  "require-trusted-types-for": "'script'",
  "trusted-types": "svelte-trusted-html doorward",
};
const PAGE_POLICY = policyText(POLICY);
/** What runs beside the page draws nothing and starts nothing: it may ask this hub, no more. */
const SERVICE_WORKER_POLICY = policyText({
  "default-src": "'none'",
  "connect-src": "'self'",
  "base-uri": "'none'",
  "form-action": "'none'",
  "frame-ancestors": "'none'",
  "require-trusted-types-for": "'script'",
  "trusted-types": "'none'",
});
/** A worker goes by the policy of its own file: compiling WebAssembly is for the redacting one only. */
const REDACTING_POLICY = policyText({ ...POLICY, "script-src": "'self' 'wasm-unsafe-eval'" });

const FEATURES_OFF = [
  "accelerometer",
  "browsing-topics",
  "camera",
  "display-capture",
  "encrypted-media",
  "gamepad",
  "geolocation",
  "gyroscope",
  "hid",
  "idle-detection",
  "local-fonts",
  "magnetometer",
  "midi",
  "otp-credentials",
  "payment",
  "picture-in-picture",
  "serial",
  "storage-access",
  "usb",
  "window-management",
  "xr-spatial-tracking",
];
const FEATURES_OWN = [
  "autoplay",
  "fullscreen",
  "publickey-credentials-create",
  "publickey-credentials-get",
  "screen-wake-lock",
];
/** What a page of ours may use of the device; somebody who opens a share is asked for nothing. */
export const FEATURES = featuresText("microphone=()");
/** The household's own page may ask for the microphone, to talk at a door. */
const PAGE_FEATURES = featuresText("microphone=(self)");

function featuresText(microphone: string): string {
  return [
    ...FEATURES_OFF.map((feature) => `${feature}=()`),
    ...FEATURES_OWN.map((feature) => `${feature}=(self)`),
    microphone,
  ].join(", ");
}

interface Served {
  /** Below the build's folder, with its slash. */
  readonly folder: string;
  readonly policy: string;
  readonly cacheControl: string;
}

/** Their names have a hash of what is in them. */
const UNCHANGING = "public, max-age=31536000, immutable";
const PLAIN: Served = { folder: "", policy: PAGE_POLICY, cacheControl: "no-cache" };
/** Of one name in every build: a browser asks for it again, and compares. */
const SERVICE_WORKER: Served = {
  folder: "",
  policy: SERVICE_WORKER_POLICY,
  cacheControl: "no-cache",
};
const SERVICE_WORKER_NAME = "service-worker.js";
const ASSETS: Served = { folder: "assets/", policy: PAGE_POLICY, cacheControl: UNCHANGING };
const REDACTING: Served = {
  folder: "assets/redact/",
  policy: REDACTING_POLICY,
  cacheControl: UNCHANGING,
};

/**
 * The page: what the build wrote into `directory`, and nothing from anywhere else. It may be built
 * while the hub runs; until then `/` says how.
 *
 * @param connectOrigins - Exact origins that the page may ask besides this hub: its mailbox's.
 */
export async function addPageFiles(
  server: HubServer,
  directory: string,
  connectOrigins: () => readonly string[] = () => [],
): Promise<void> {
  await server.register(staticFiles, {
    // Routes of our own instead, each of which says who may call it.
    serve: false,
    cacheControl: false,
    dotfiles: "deny",
    index: false,
    preCompressed: true,
  });
  const send = async (reply: FastifyReply, name: string, as: Served): Promise<void> => {
    const isServed = FILE_NAME.test(name) && !NEVER_SERVED.test(name);
    if (!isServed || !(await isFile(path.join(directory, as.folder, name)))) {
      await sendNotFound(reply);
      return;
    }
    reply.header("content-security-policy", connectingTo(as, connectOrigins()));
    reply.header("permissions-policy", PAGE_FEATURES);
    reply.header("cache-control", as.cacheControl);
    await reply.sendFile(name, path.join(directory, as.folder));
  };
  server.get("/", { config: { access: "public", beforeClaim: true } }, async (_request, reply) => {
    if (await isFile(path.join(directory, "index.html"))) await send(reply, "index.html", PLAIN);
    else await reply.type("text/html; charset=utf-8").send(NOT_BUILT);
  });
  const params = Type.Object({ file: Type.String({ maxLength: 128 }) });
  for (const served of [PLAIN, ASSETS, REDACTING])
    server.get(
      `/${served.folder}:file`,
      { config: { access: "public", beforeClaim: true }, schema: { params } },
      async ({ params: { file } }, reply) =>
        send(
          reply,
          file,
          served === PLAIN && file === SERVICE_WORKER_NAME ? SERVICE_WORKER : served,
        ),
    );
}

function policyText(policy: Readonly<Record<string, string>>): string {
  return Object.entries(policy)
    .map((directive) => directive.join(" "))
    .join("; ");
}

/** The page's own workers go by it; what runs beside the page asks nobody but this hub. */
function connectingTo({ policy }: Served, origins: readonly string[]): string {
  if (origins.length === 0 || policy === SERVICE_WORKER_POLICY) return policy;
  return policy.replace("connect-src 'self'", `connect-src 'self' ${origins.join(" ")}`);
}

async function isFile(file: string): Promise<boolean> {
  return stat(file).then(
    (found) => found.isFile(),
    () => false,
  );
}

const NOT_BUILT = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Doorward</title>
</head>
<body>
<h1>Doorward</h1>
<p>The hub runs. Its page has not been built yet; on the hub, run:</p>
<pre>node scripts/set-up.mjs page</pre>
<p>Then load this page again.</p>
</body>
</html>
`;
