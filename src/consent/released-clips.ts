import { checkShape } from "../protocol/check.ts";
import { DecisionSchema } from "../protocol/decision.ts";
import { openEnvelope, PAYLOAD_TYPES } from "../protocol/envelope.ts";
import type { RequestStore } from "./requests.ts";

/**
 * Clips of releases that a recipient may still fetch, or that are about to be made: they must stay,
 * whatever their age. The decisions were verified when they were stored.
 */
export function createReleasedClips(requests: RequestStore): () => ReadonlySet<string> {
  const known = new Map<string, readonly string[]>();
  return () => {
    const released = new Set<string>();
    for (const state of ["approved", "packaged", "accessed"] as const)
      for (const { id, decision } of requests.inState(state)) {
        if (decision === null) continue;
        const clips = known.get(id) ?? clipsOf(decision);
        known.set(id, clips);
        for (const clip of clips) released.add(clip);
      }
    return released;
  };
}

function clipsOf(decision: string): readonly string[] {
  const { content } = openEnvelope(JSON.parse(decision), PAYLOAD_TYPES.decision, "decision");
  return checkShape(DecisionSchema, content, "decision").terms.clips.map(({ clip }) => clip);
}
