import type { HouseAnswer } from "../protocol/api-house.ts";

/** What is told to programs of the house: Home Assistant over the broker, and webhooks. */
export interface HouseDesk {
  answer(): HouseAnswer;
  /** Calls each webhook once, now, and says how each did. */
  test(): Promise<HouseAnswer>;
  /** After each change of the settings, and at the start. */
  configure(): void;
}
