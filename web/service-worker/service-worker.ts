import { assetOf, forgetOldBuilds, isOfThisBuild, keepBuild, keptIndex } from "./kept-files.ts";
import "./push.ts";
import { scope } from "./scope.ts";

/**
 * Runs beside the page, also while none is open. It keeps the page's own files, and nothing that the
 * hub says: no answer of its interface, no picture, nothing that was opened.
 */
const ASSETS = "/assets/";
/** A line that swallows everything: the kept page comes instead. */
const INDEX_MAX_MS = 4_000;

scope.addEventListener("install", (event) => event.waitUntil(keepBuild()));

scope.addEventListener("activate", (event) =>
  event.waitUntil(forgetOldBuilds().then(() => scope.clients.claim())),
);

// A newer build waits until no page of the older one is open, or until one says that it may come.
scope.addEventListener("message", (event) => {
  const { data, ports } = event;
  if (data === "take") event.waitUntil(scope.skipWaiting());
  // A page asks whether it is of this very build: then nothing is newer than it.
  else if (typeof data === "object" && data !== null && "has" in data)
    ports[0]?.postMessage(typeof data.has === "string" && isOfThisBuild(data.has));
});

scope.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== location.origin) return;
  if (request.mode === "navigate") {
    if (pathname === "/" || pathname === "/index.html") event.respondWith(page(request));
  } else if (pathname.startsWith(ASSETS) || isOfThisBuild(pathname))
    event.respondWith(assetOf(request));
});

/** The hub's own answer, whatever it is; the kept page only where the hub gives none. */
async function page(request: Request): Promise<Response> {
  const answer = await fetch(request, { signal: AbortSignal.timeout(INDEX_MAX_MS) }).catch(
    (error: unknown) => {
      if (error instanceof DOMException || error instanceof TypeError) return null;
      throw error;
    },
  );
  // What stands before a hub that is gone says so with these.
  const isGone = answer === null || [502, 503, 504].includes(answer.status);
  const shown = isGone ? ((await keptIndex()) ?? answer) : answer;
  return shown ?? Response.error();
}
