import type { ChimeAnswer, ChimeTriedAnswer } from "../protocol/api-chime.ts";
import type { Notice } from "../protocol/api.ts";

/** The chime in the house. */
export interface ChimeDesk extends Disposable {
  /** Somebody has rung; returns at once. */
  ring(): void;
  /** The settings have changed. */
  configure(): void;
  answer(): ChimeAnswer;
  /** Sounds now, quiet hours or not, and says how that went. */
  test(): Promise<ChimeTriedAnswer>;
  /** What an owner should know: that nothing would be heard. */
  warnings(): Notice[];
}
