import type { RecorderEvent } from "./protocol/clip.ts";
import type { Json } from "./protocol/canonical-json.ts";
import type { CameraSettings } from "./settings.ts";

/**
 * What hub and ingest process say to each other over their pipe. The ingest process parses what
 * cameras send and holds nothing worth taking: public halves of readers, and its cameras' passwords.
 */
export type ToIngest =
  | {
      readonly type: "configure";
      readonly clipsDirectory: string;
      readonly cameras: readonly CameraSettings[];
    }
  /** The whole chain: the recorder verifies it itself (invariant 9). Nothing opens before it came. */
  | { readonly type: "keyring"; readonly statements: readonly Json[] }
  | { readonly type: "stop" };

/** State of one stream, without anything that a camera could have chosen freely. */
export interface StreamReport {
  readonly state: "idle" | "connecting" | "streaming" | "waiting-to-retry";
  readonly problem: { readonly code: string; readonly message: string } | null;
  readonly codec: string | null;
}

export type FromIngest =
  | { readonly type: "ready"; readonly sandbox: { inForce: boolean; reason: string } }
  | {
      readonly type: "camera";
      readonly camera: string;
      readonly role: "main" | "sub";
      readonly report: StreamReport;
    }
  | { readonly type: "recorder"; readonly event: RecorderEvent }
  | {
      readonly type: "trouble";
      readonly camera: string;
      readonly code: string;
      readonly message: string;
    }
  | { readonly type: "keyring-refused"; readonly message: string };
