import http from "node:http";
import https from "node:https";
import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import net from "node:net";
import { HubError } from "../protocol/errors.ts";
import { addressOf, type OutwardLog } from "./outward.ts";
import { isLocalAddress } from "./webhook-address.ts";

export type LookUp = (host: string) => Promise<readonly LookupAddress[]>;

export interface WebhookPost {
  readonly url: URL;
  /** Whether it may be outside the local network. */
  readonly anywhere: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const WHAT = "webhook";
const HEADER_BYTES_MAX = 8 * 1024;
const ADDRESSES_MAX = 16;

/** Each time anew: where a name leads can have changed since. */
async function lookUpName(host: string): Promise<readonly LookupAddress[]> {
  return lookup(host, { all: true });
}

/**
 * One POST. Where it goes to is looked up now, judged, and connected to at the very address that was
 * judged. No redirect is followed, and of the answer nothing is read but its status.
 *
 * @throws HubError `WEBHOOK_NOT_LOCAL`, `WEBHOOK_REFUSED` for an answer that is none of success, or
 * `WEBHOOK_UNREACHABLE`.
 */
export async function postWebhook(
  { url, anywhere, headers, body }: WebhookPost,
  log: OutwardLog,
  signal: AbortSignal,
  lookUp: LookUp = lookUpName,
): Promise<void> {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const found = await unlessAborted(addressesOf(host, lookUp), signal);
  const to = found[0];
  if (!to) throw unreachable("its name leads nowhere");
  // One that is not of the house is enough: which of them would be taken, is chance.
  if (!anywhere && !found.slice(0, ADDRESSES_MAX).every(({ address }) => isLocalAddress(address)))
    throw new HubError(
      "WEBHOOK_NOT_LOCAL",
      `Cannot call webhook: ${host} is not in the local network; anywhere: true in the settings allows it`,
    );
  const place = { what: WHAT, address: addressOf(url) };
  log.mention(place);
  const status = await statusOf({ url, headers, body, to, signal });
  log.connected(place);
  log.disconnected(place);
  if (status < 200 || status > 299)
    throw new HubError("WEBHOOK_REFUSED", `Cannot call webhook: it answered ${status}`);
}

async function addressesOf(host: string, lookUp: LookUp): Promise<readonly LookupAddress[]> {
  const family = net.isIP(host);
  if (family !== 0) return [{ address: host, family }];
  try {
    return await lookUp(host);
  } catch (cause) {
    throw unreachable("its name cannot be looked up", cause);
  }
}

/** Looking up a name cannot be given up: it is only waited for no longer. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(unreachable("no answer came in time"));
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

async function statusOf(parts: {
  url: URL;
  headers: Readonly<Record<string, string>>;
  body: string;
  to: LookupAddress;
  signal: AbortSignal;
}): Promise<number> {
  const { url, headers, body, to, signal } = parts;
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const sent = (url.protocol === "https:" ? https : http).request(
    url,
    {
      method: "POST",
      agent: false,
      signal,
      maxHeaderSize: HEADER_BYTES_MAX,
      headers: { ...headers, "content-length": String(Buffer.byteLength(body)) },
      lookup: (_host, options, done) =>
        options.all === true ? done(null, [to]) : done(null, to.address, to.family),
    },
    (answer) => {
      resolve(answer.statusCode ?? 0);
      // However long it is.
      answer.destroy();
    },
  );
  sent.on("error", (cause) =>
    reject(unreachable(signal.aborted ? "no answer came in time" : wordsOf(cause), cause)),
  );
  sent.end(body);
  return promise;
}

function wordsOf(cause: Error): string {
  const code = "code" in cause ? String(cause.code) : "";
  if (code === "ECONNREFUSED") return "nothing answers there";
  return code === "" ? "the connection failed" : `the connection failed (${code})`;
}

function unreachable(why: string, cause?: unknown): HubError {
  return new HubError("WEBHOOK_UNREACHABLE", `Cannot call webhook: ${why}`, { cause });
}
