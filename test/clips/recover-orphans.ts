import type { Recovery } from "../../src/clips/clip-folder.ts";
import type { ClipStore } from "../../src/clips/store.ts";

/** Both halves of what a hub does about the time before it, one after the other. */
export async function recoverOrphans(store: ClipStore): Promise<Recovery> {
  const torn = await store.settleRecorder();
  const swept = await store.sweep();
  return { ...swept, torn: [...new Set([...torn, ...swept.torn])] };
}
