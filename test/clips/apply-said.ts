import { readRecorderEvent } from "../../src/clips/recorder-event.ts";
import type { ClipStore } from "../../src/clips/store.ts";

/** Takes in what the recorder's process says, as the hub reads it. */
export async function applySaid(store: ClipStore, said: unknown): Promise<void> {
  await store.apply(readRecorderEvent(said));
}
