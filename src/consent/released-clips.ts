import { checkShape } from "../protocol/check.ts";
import { DecisionSchema, filesOfTerms } from "../protocol/decision.ts";
import { openEnvelope, PAYLOAD_TYPES } from "../protocol/envelope.ts";
import type { ProposalStore } from "./proposals.ts";
import type { RequestStore } from "./requests.ts";

interface Named {
  readonly clips: readonly string[];
  readonly payloads: readonly string[];
}

/**
 * What is in releases that a recipient may still fetch, that are about to be made, or that wait for
 * another owner's signature: it must stay, whatever its age. The decisions were verified when they
 * were stored.
 */
export function createReleased(
  requests: RequestStore,
  proposals: ProposalStore,
): {
  readonly clips: () => ReadonlySet<string>;
  /** Payload hashes of the very files. */
  readonly payloads: () => ReadonlySet<string>;
} {
  let known = new Map<string, Named>();
  const look = (): readonly Named[] => {
    const released = new Map<string, Named>();
    const add = (decisionSha256: string, envelope: string): void => {
      released.set(decisionSha256, known.get(decisionSha256) ?? namedIn(envelope));
    };
    for (const state of ["approved", "packaged", "accessed"] as const)
      for (const { decision, decisionSha256 } of requests.inState(state))
        if (decision !== null && decisionSha256 !== null) add(decisionSha256, decision);
    for (const { decisionSha256, envelope } of proposals.envelopes()) add(decisionSha256, envelope);
    known = released;
    return [...released.values()];
  };
  return {
    clips: () => new Set(look().flatMap(({ clips }) => clips)),
    payloads: () => new Set(look().flatMap(({ payloads }) => payloads)),
  };
}

function namedIn(decision: string): Named {
  const { content } = openEnvelope(JSON.parse(decision), PAYLOAD_TYPES.decision, "decision");
  const { terms } = checkShape(DecisionSchema, content, "decision");
  return {
    clips: terms.clips.map(({ clip }) => clip),
    payloads: filesOfTerms(terms).map(({ file }) => file.payloadSha256),
  };
}
