import { HubError } from "../protocol/errors.ts";
import type { CarrierAnswer, Exchange } from "../protocol/mailbox-carriers.ts";

const TIMEOUT_MS = 60_000;

/** A device's side of the line to the mailbox: no redirect, no cookie, and no more than was said. */
export const deviceExchange: Exchange = async ({ method, url, headers, body, maxBytes }) => {
  let response: Response;
  try {
    response = await fetch(url, {
      ...{ method, headers, redirect: "error", credentials: "omit", cache: "no-store" },
      ...(body ? { body: new Uint8Array(body) } : {}),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (cause) {
    throw new HubError(
      "CARRIER_UNREACHABLE",
      `Cannot reach the mailbox at ${new URL(url).host}: no network, or it does not let this page in`,
      { cause },
    );
  }
  return { status: response.status, bytes: await readUpTo(response, maxBytes) };
};

async function readUpTo({ body }: Response, maxBytes: number): Promise<CarrierAnswer["bytes"]> {
  if (!body) return new Uint8Array();
  const stream: ReadableStream<Uint8Array> = body;
  const reader = stream.getReader();
  const parts: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > maxBytes) {
      await reader.cancel();
      throw new HubError("CARRIER_FAILED", "Cannot use the mailbox: an answer is too large");
    }
    parts.push(value);
  }
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
