import type { CameraError } from "./camera-error.ts";

/** Whether a stream carries sound, and why not. */
export type SoundState =
  | { readonly state: "off" }
  | { readonly state: "absent" }
  | { readonly state: "on"; readonly codec: string }
  /** It should be there, and is not just now; it comes back by itself. */
  | { readonly state: "failing"; readonly message: string }
  | { readonly state: "unsupported"; readonly message: string };

/** What is known of a stream once its first picture has arrived. */
export interface ConnectionReport {
  readonly codec: string;
  readonly width: number;
  readonly height: number;
  /** As the stream says it; null where it does not. */
  readonly framesPerSecond: number | null;
  readonly sound: SoundState;
  /** Whose clock the fragments' wall-clock times follow. */
  readonly wallClock: "camera" | "hub";
  /** Camera clock minus hub clock; null where the camera does not say its time. */
  readonly clockOffsetMs: number | null;
  readonly lostPackets: number;
  readonly droppedUnits: number;
  readonly garbageBytes: number;
}

/** A stream that is open. Its access units go to a time line until it ends. */
export interface Connection extends AsyncDisposable {
  /** Resolves with the reason when it is over. Never rejects. */
  readonly ended: Promise<CameraError>;
  /** Null before the first picture. */
  report(): ConnectionReport | null;
}
