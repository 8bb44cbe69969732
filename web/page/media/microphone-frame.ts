/** 20 ms at 8,000 Hz: what goes into one packet of telephone sound. */
export const FRAME_SAMPLES = 160;

export interface MicrophoneFrame {
  /** 16 bits each. */
  readonly samples: Int16Array<ArrayBuffer>;
  /** Root mean square, 0 to 1. */
  readonly level: number;
}
