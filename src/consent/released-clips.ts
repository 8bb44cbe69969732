import { checkShape } from "../protocol/check.ts";
import { DecisionSchema } from "../protocol/decision.ts";
import { openEnvelope, PAYLOAD_TYPES } from "../protocol/envelope.ts";
import type { ProposalStore } from "./proposals.ts";
import type { RequestStore } from "./requests.ts";

/**
 * Clips of releases that a recipient may still fetch, that are about to be made, or that wait for
 * another owner's signature: they must stay, whatever their age. The decisions were verified when
 * they were stored.
 */
export function createReleasedClips(
  requests: RequestStore,
  proposals: ProposalStore,
): () => ReadonlySet<string> {
  let known = new Map<string, readonly string[]>();
  return () => {
    const released = new Map<string, readonly string[]>();
    const add = (decisionSha256: string, envelope: string): void => {
      const clips = known.get(decisionSha256) ?? clipsOf(envelope);
      released.set(decisionSha256, clips);
    };
    for (const state of ["approved", "packaged", "accessed"] as const)
      for (const { decision, decisionSha256 } of requests.inState(state))
        if (decision !== null && decisionSha256 !== null) add(decisionSha256, decision);
    for (const { decisionSha256, envelope } of proposals.envelopes()) add(decisionSha256, envelope);
    known = released;
    return new Set([...released.values()].flat());
  };
}

function clipsOf(decision: string): readonly string[] {
  const { content } = openEnvelope(JSON.parse(decision), PAYLOAD_TYPES.decision, "decision");
  return checkShape(DecisionSchema, content, "decision").terms.clips.map(({ clip }) => clip);
}
