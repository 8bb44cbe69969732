import type { FastifyReply } from "fastify";

const LIFETIME_SECONDS = 12 * 3_600;
/** Another port's server can set one for each part of our paths, and browsers send those first. */
const COOKIES_TRIED_MAX = 32;
const TOKEN = /^[0-9a-f]{64}$/;

/** What keeps a page logged in: out of reach for scripts, and sent by this hub's own pages only. */
export function setSessionCookie(reply: FastifyReply, token: string, isSecure: boolean): void {
  const options = { ...attributes(isSecure), maxAge: LIFETIME_SECONDS };
  reply.setCookie(nameOf(isSecure), token, options);
}

export function clearSessionCookie(reply: FastifyReply, isSecure: boolean): void {
  reply.clearCookie(nameOf(isSecure), attributes(isSecure));
}

/**
 * Every session's token that a `Cookie` header carries. There may be several: cookies do not know
 * ports, so that another server on the same host can set one of this name.
 *
 * @returns Null where the header has no cookie of that name at all.
 */
export function sessionTokensOf(header: string | undefined, isSecure: boolean): string[] | null {
  const values = (header ?? "")
    .split(";")
    .map((pair) => pair.trim().split("="))
    .filter(([name]) => name === nameOf(isSecure))
    .map(([, ...value]) => value.join("="));
  if (values.length === 0) return null;
  return values.filter((value) => TOKEN.test(value)).slice(0, COOKIES_TRIED_MAX);
}

/** A browser takes the prefix only with `Secure`, from that very host and for all paths. */
function nameOf(isSecure: boolean): string {
  return isSecure ? "__Host-doorward-session" : "doorward-session";
}

function attributes(isSecure: boolean) {
  return { httpOnly: true, sameSite: "strict", path: "/", secure: isSecure } as const;
}
