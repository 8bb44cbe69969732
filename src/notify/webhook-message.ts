import { createHmac } from "node:crypto";
import type { EventKind } from "../protocol/ids.ts";

/** What somebody's program in the house can be told. */
export const WEBHOOK_EVENTS = ["bell", "motion", "privacy", "camera-away"] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

/** The whole of it: no picture, no recording, nobody. */
export interface WebhookMessage {
  readonly event: WebhookEvent | "test";
  /** As the settings have its id; null for a test. */
  readonly camera: string | null;
  /** Of motion: what was seen. */
  readonly class?: EventKind;
  /** Of motion: the zone as the settings name it. */
  readonly zone?: string;
  /** Of privacy: whether the camera is off now. */
  readonly off?: boolean;
  /** UTC, as ISO 8601. */
  readonly at: string;
}

/**
 * Of one try. `t` is in seconds and is signed with the body, so that whoever kept an old message
 * cannot send it again later than the receiver allows.
 *
 * @returns `t=1795335300,v1=` and 64 hex digits: HMAC-SHA-256 over `t`, a full stop, and the body.
 */
export function signatureOf(secret: Uint8Array, body: string, nowMs: number): string {
  const seconds = Math.floor(nowMs / 1_000);
  const mac = createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex");
  return `t=${seconds},v1=${mac}`;
}
