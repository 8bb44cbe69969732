import type { CameraId, ClipId, DeviceId, EventKind, RequestId } from "../protocol/ids.ts";

/** What somebody is told of. `digest` stands for all motion of a stretch of time. */
export type NoticeKind = "bell" | "motion" | "digest" | "request" | "house" | "trouble" | "test";

/**
 * Something that people of the house are told of. Lies in the hub's database and nowhere else: what
 * leaves the house of it is `id`.
 */
export interface Notice {
  /** 128 random bits, 32 lower-case hex digits. */
  readonly id: string;
  readonly kind: NoticeKind;
  /** UTC. */
  readonly atMs: number;
  /** From here on it resolves to nothing. */
  readonly expiresAtMs: number;
  /** Null where it is about none; so for all that follow. */
  readonly camera: CameraId | null;
  /** As the settings name it. */
  readonly zone: string | null;
  readonly clip: ClipId | null;
  readonly request: RequestId | null;
  /** Of house matters and troubles: a code as `RECOVERY_PENDING`. */
  readonly code: string | null;
  /** Of a digest: where the stretch begins that ends with `atMs`. */
  readonly sinceMs: number | null;
  /** The only device that may look it up; null where everybody with the right to it may. */
  readonly device: DeviceId | null;
}

/** Worth nothing when it comes late: it waits for no quiet time that a service asks for. */
export function isForNow(kind: NoticeKind): boolean {
  return kind === "bell" || kind === "test";
}

export const CARRIERS = ["push", "ntfy", "unified-push"] as const;
export type CarrierName = (typeof CARRIERS)[number];

/** As RFC 8030 names it. In the clear for whoever carries it. */
export type Urgency = "very-low" | "low" | "normal" | "high";

/** All that a carrier is told. `kind` is for its own choices: nothing may leave that says it. */
export interface Delivery {
  readonly device: DeviceId;
  readonly id: string;
  readonly kind: NoticeKind;
  /** Whole seconds that are left of it, at least 1. */
  readonly ttlSeconds: number;
  readonly urgency: Urgency;
  /** Whether it may take the place of one that is still under way to the device. */
  readonly isReplacing: boolean;
}

/** A way out of the house to a device. */
export interface Carrier {
  readonly name: CarrierName;
  /** Whether a device has given this carrier a way to reach it. */
  reaches(device: DeviceId): boolean;
  /**
   * Hands it over to whoever carries it; resolves when that one has taken it. Begins to send before
   * it first waits for anything, where a connection is there.
   *
   * @throws CarrierFailure; anything else counts as `later`.
   */
  send(delivery: Delivery, signal: AbortSignal): Promise<void>;
}

/**
 * `gone`: the way to this device is there no more, and the carrier has forgotten it. `later`: worth
 * another try. `refused`: this one will never be taken.
 */
export class CarrierFailure extends Error {
  override readonly name = "CarrierFailure";
  readonly kind: "gone" | "later" | "refused";
  /** As the carrier asked for; null where it said nothing. */
  readonly retryAfterMs: number | null;

  constructor(
    kind: CarrierFailure["kind"],
    message: string,
    options: ErrorOptions & { readonly retryAfterMs?: number | null } = {},
  ) {
    super(message, options);
    this.kind = kind;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

/** The same inside the house, whoever is told of it or not: for what lives in the same process. */
export interface HouseEvent {
  readonly kind: "bell" | "motion";
  readonly camera: CameraId;
  /** What was seen; `motion` where that is all that is known so far. */
  readonly class: EventKind;
  /** As the settings name it; null for a bell. */
  readonly zone: string | null;
  readonly clip: ClipId | null;
  /** UTC. */
  readonly atMs: number;
  /** A motion that was told before and has a better name now. */
  readonly isNamed: boolean;
}
