import { HubError } from "../protocol/errors.ts";
import type { CarrierAnswer, CarrierRequest, Exchange } from "../protocol/mailbox-carriers.ts";

const TIMEOUT_MS = 60_000;

/**
 * The hub's side of the line to a mailbox. It follows no redirect, so that the login stays with the
 * server that it is for, and reads no more than it was told to.
 *
 * @param onAnswer - Told after each exchange whether the server answered.
 */
export function hubExchange(
  onAnswer: (hasAnswered: boolean) => void,
  signal: AbortSignal,
): Exchange {
  return async (request) => {
    try {
      const answer = await exchange(request, signal);
      onAnswer(true);
      return answer;
    } catch (cause) {
      onAnswer(cause instanceof HubError);
      if (cause instanceof HubError) throw cause;
      throw new HubError("CARRIER_UNREACHABLE", "Cannot reach the mailbox; trying again", {
        cause,
      });
    }
  };
}

async function exchange(
  { method, url, headers, body, maxBytes }: CarrierRequest,
  signal: AbortSignal,
): Promise<CarrierAnswer> {
  const response = await fetch(url, {
    ...{ method, headers, redirect: "manual" },
    ...(body ? { body: new Uint8Array(body) } : {}),
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  });
  if (response.status >= 300 && response.status < 400) {
    await response.body?.cancel();
    throw new HubError(
      "CARRIER_FAILED",
      "Cannot use the mailbox: it sends on to another address; set the one that it is at",
    );
  }
  return { status: response.status, bytes: await readUpTo(response, maxBytes) };
}

async function readUpTo(response: Response, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const body: AsyncIterable<Uint8Array> | null = response.body;
  for await (const part of body ?? []) {
    size += part.length;
    if (size > maxBytes)
      throw new HubError("CARRIER_FAILED", "Cannot use the mailbox: an answer is too large");
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts));
}
