import files from "virtual:build-files";

/**
 * The page's own files, kept for when the hub does not answer. Only what one build wrote is kept, by
 * its SHA-256: whatever else answers under this hub's name, or comes only half, is not ours.
 */
const PREFIX = "doorward-page-";
const INDEX = "/";
/** Large, and wanted by one screen only: kept once it was fetched. */
const KEPT_WHEN_FETCHED = "/assets/redact/";
const FETCHED_AT_ONCE_MAX = 6;
const HASHES: ReadonlyMap<string, string> = new Map(files);
const TYPES: Readonly<Record<string, string>> = {
  "": "text/html",
  css: "text/css",
  js: "javascript",
  svg: "image/svg+xml",
  wasm: "application/wasm",
};

/** Keeps every file of this build, or fails and keeps none. */
export async function keepBuild(): Promise<void> {
  const cache = await caches.open(await ownName());
  const wanted = [...HASHES.keys()].filter((path) => !path.startsWith(KEPT_WHEN_FETCHED));
  const workers = Array.from({ length: FETCHED_AT_ONCE_MAX }, async () => {
    for (let path = wanted.pop(); path !== undefined; path = wanted.pop())
      if (!(await cache.match(path)) && !(await fetchAndKeep(path, path)))
        throw new Error(`Cannot keep ${path}: it is not what the build wrote`);
  });
  await Promise.all(workers);
}

/** Other builds' files go, but for the newest of them: a page that is open may still want these. */
export async function forgetOldBuilds(): Promise<void> {
  const own = await ownName();
  const others = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== own);
  for (const name of others.slice(0, -1)) await caches.delete(name);
}

/** A file with its hash in its name: kept ones first, whichever build they are of. */
export async function assetOf(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  return (await kept(pathname)) ?? (await fetchAndKeep(pathname, request)) ?? fetch(request);
}

export function isOfThisBuild(pathname: string): boolean {
  return HASHES.has(pathname);
}

/** The page as it was kept, of this build; null where it is not. */
export async function keptIndex(): Promise<Response | null> {
  return (await (await caches.open(await ownName())).match(INDEX)) ?? null;
}

async function kept(pathname: string): Promise<Response | null> {
  const own = await caches.open(await ownName());
  const found = await own.match(pathname, { ignoreVary: true });
  if (found) return found;
  for (const name of await caches.keys()) {
    if (!name.startsWith(PREFIX)) continue;
    const older = await (await caches.open(name)).match(pathname, { ignoreVary: true });
    if (older) return older;
  }
  return null;
}

/** @returns null where what came is not what this build wrote; nothing is kept then. */
async function fetchAndKeep(pathname: string, from: string | Request): Promise<Response | null> {
  const sha256 = HASHES.get(pathname);
  if (sha256 === undefined) return null;
  const answer = await fetch(from, { cache: "no-cache", credentials: "omit", redirect: "error" });
  if (!isPlausible(answer, pathname)) return null;
  const bytes = await answer.clone().arrayBuffer();
  if ((await sha256Of(bytes)) !== sha256) return null;
  const cache = await caches.open(await ownName());
  await cache.put(pathname, answer.clone());
  return answer;
}

/** The policy is kept with the file, and holds where the file is given from here: it must be there. */
function isPlausible({ ok, status, type, headers }: Response, pathname: string): boolean {
  const extension = /\.(\w+)$/.exec(pathname)?.[1] ?? "";
  const wanted = TYPES[extension] ?? "";
  const policy = headers.get("content-security-policy") ?? "";
  return (
    ok &&
    status === 200 &&
    type === "basic" &&
    (headers.get("content-type") ?? "").includes(wanted) &&
    policy.startsWith("default-src 'none'")
  );
}

let name: Promise<string> | null = null;

/** By everything that the build wrote: another build, another name. */
function ownName(): Promise<string> {
  name ??= sha256Of(new TextEncoder().encode(JSON.stringify(files))).then(
    (hash) => `${PREFIX}${hash.slice(0, 24)}`,
  );
  return name;
}

async function sha256Of(bytes: BufferSource): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
