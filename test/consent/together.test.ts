import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { requireSameHeaders } from "../../src/owner/decide-together.ts";
import { identitiesOf } from "../../src/owner/device-bundle.ts";
import { envelopeSigner, generateReader } from "../../src/owner/identity.ts";
import { sealedFileName } from "../../src/protocol/clip.ts";
import {
  filesOfTerms,
  releaseHash,
  termsHash,
  type Decision,
} from "../../src/protocol/decision.ts";
import { PAYLOAD_TYPES, signEnvelope } from "../../src/protocol/envelope.ts";
import { verifyBundle } from "../../src/protocol/verify-bundle.ts";
import {
  decide,
  prepareApproval,
  prepareRefusal,
  statusPath,
  typeRequest,
} from "../support/test-consent.ts";
import { routesOf } from "../support/routes.ts";
import { firstClip, requireOk } from "../support/test-hub.ts";
import {
  codeOf,
  cosignAs,
  cosignature,
  decisionOf,
  forgedHeaders,
  propose,
  proposed,
  sendCosignature,
  startTwoOwners,
  summaryOf,
  type TwoOwners,
} from "../support/two-owners.ts";

const { recipient } = await generateReader("x25519");

describe("where two owners must sign", () => {
  let hub: TwoOwners;
  beforeAll(async () => {
    hub = await startTwoOwners();
  });
  afterAll(() => hub[Symbol.asyncDispose]());
  const fetched = async (request: Parameters<typeof statusPath>[0]): Promise<number> =>
    (await hub.call("GET", statusPath(request))).statusCode;

  test("the first signature makes a proposal, which changes nothing and hands out nothing", async () => {
    const entries = hub.ledgerKinds().length;
    const { request } = await proposed(hub, recipient);
    const { state, proposal, decisionSha256 } = await summaryOf(hub, request);
    expect(state).toBe("received");
    expect(decisionSha256).toBeUndefined();
    expect(proposal).toMatchObject({
      signers: [hub.owner.key.device],
      by: hub.owner.bundle.person,
      needed: 2,
      isStale: false,
    });
    expect(await fetched(request)).toBe(404);
    expect(hub.ledgerKinds().slice(entries)).toEqual(["request", "view"]);
  });

  test("with the second it is an approval like any other, and its bundle holds", async () => {
    const { request, terms } = await proposed(hub, recipient);
    expect(codeOf(await cosignAs(hub, request, hub.partner))).toBe("accepted");
    expect((await summaryOf(hub, request)).proposal).toBeUndefined();
    const bundle = requireOk(await hub.call("GET", statusPath(request))).rawPayload;
    const { holds, approval } = await verifyBundle(new Uint8Array(bundle));
    expect(holds).toBe(true);
    expect(approval?.signers).toEqual([hub.owner.key.device, hub.partner.key.device]);
    expect(approval?.terms.notAfterMs).toBe(request.record.expiresAtMs);
    expect(approval?.terms).toEqual(terms);
  });

  test("nobody alone gets anything out: not by the decision's route, not by two keys of his", async () => {
    const tablet = await hub.admit("owner", { person: hub.owner.bundle.person });
    const request = await typeRequest(hub, { recipient });
    const alone = await prepareApproval(hub, request.record.request, { clip: firstClip(hub) });
    expect(codeOf(await decide(hub, request.record.request, alone.decision))).toBe(
      "DECISION_NOT_ENOUGH_SIGNERS",
    );
    requireOk((await propose(hub, request)).answer);
    for (const again of [tablet, hub.owner])
      expect(codeOf(await cosignAs(hub, request, again))).toBe("DECISION_SAME_PERSON_TWICE");
    expect((await summaryOf(hub, request)).proposal?.signers).toHaveLength(1);
    expect(await fetched(request)).toBe(404);
    // Neither as one envelope that he signed twice.
    const prepared = await prepareApproval(hub, request.record.request, { clip: firstClip(hub) });
    const second = await cosignature(hub, prepared.decision, tablet);
    const twice = { ...prepared.decision, signatures: [...prepared.decision.signatures, second] };
    expect(codeOf(await decide(hub, request.record.request, twice))).toBe(
      "DECISION_SAME_PERSON_TWICE",
    );
  });

  test("an adult, a stranger and a signature over other bytes add nothing", async () => {
    const adult = await hub.admit("adult");
    const { request, decision } = await proposed(hub, recipient);
    const other = await proposed(hub, recipient);
    const { proposal } = await summaryOf(hub, request);
    const decisionSha256 = proposal?.decisionSha256 ?? "";
    const signature = await cosignature(hub, other.decision, hub.partner);
    const send = (body: Parameters<typeof sendCosignature>[2], by = hub.partner) =>
      sendCosignature(hub, request, body, by);
    expect(codeOf(await send({ decisionSha256, signature }))).toBe("DECISION_BAD_SIGNATURE");
    const own = await cosignature(hub, decision, adult);
    expect(codeOf(await send({ decisionSha256, signature: own }))).toBe("DECISION_UNKNOWN_KEY");
    expect(codeOf(await send({ decisionSha256, signature: own }, adult))).toBe("NOT_ALLOWED");
    expect(codeOf(await send({ decisionSha256: "0".repeat(64), signature }))).toBe("NO_PROPOSAL");
    expect(await fetched(request)).toBe(404);
  });

  test("either of them may refuse at any time, alone, and that is the end of it", async () => {
    const { request } = await proposed(hub, recipient);
    const signature = await cosignAs(hub, (await proposed(hub, recipient)).request, hub.partner);
    requireOk(signature);
    const refusal = await prepareRefusal(hub, request.record.request, hub.partner);
    requireOk(await decide(hub, request.record.request, refusal.decision, hub.partner));
    const { state, proposal } = await summaryOf(hub, request);
    expect([state, proposal]).toEqual(["refused", undefined]);
    const path = `/api/requests/${request.record.request}/proposal`;
    expect((await hub.call("GET", path, { as: hub.partner })).statusCode).toBe(404);
    expect(await fetched(request)).toBe(404);
  });

  test("one proposal stands at a time; only its maker takes it back, and then another may follow", async () => {
    const { request } = await proposed(hub, recipient);
    const { request: id } = request.record;
    const second = await propose(hub, request, { by: hub.partner });
    expect(codeOf(second.answer)).toBe("PROPOSAL_STANDS");
    const path = `/api/requests/${id}/proposal`;
    expect(codeOf(await hub.call("DELETE", path, { as: hub.partner }))).toBe("NOT_ALLOWED");
    expect((await hub.call("DELETE", path, { as: hub.owner })).statusCode).toBe(204);
    expect((await summaryOf(hub, request)).proposal).toBeUndefined();
    requireOk((await propose(hub, request, { by: hub.partner })).answer);
    requireOk(await cosignAs(hub, request, hub.owner));
    expect(await fetched(request)).toBe(200);
  });

  test("it waits for days, and no longer than its request", async () => {
    const [one, late] = [await proposed(hub, recipient), await proposed(hub, recipient)];
    hub.clock.nowMs += 14 * 86_400_000 - 60_000;
    const signedIn = {
      ...hub,
      owner: await hub.logIn(hub.owner.bundle),
      partner: await hub.logIn(hub.partner.bundle),
    };
    requireOk(await cosignAs(signedIn, one.request, signedIn.partner));
    const decisionSha256 = (await summaryOf(signedIn, late.request)).proposal?.decisionSha256 ?? "";
    const signature = await cosignature(signedIn, late.decision, signedIn.partner);
    hub.clock.nowMs += 60_000;
    const body = { decisionSha256, signature };
    const answer = await sendCosignature(signedIn, late.request, body, signedIn.partner);
    expect(codeOf(answer)).toBe("NOT_OPEN");
    hub = signedIn;
  });

  test("a change of the household makes it stale: it is said, and another may take its place", async () => {
    const { request } = await proposed(hub, recipient);
    await hub.admit("viewer");
    expect((await summaryOf(hub, request)).proposal?.isStale).toBe(true);
    expect(codeOf(await cosignAs(hub, request, hub.partner))).toBe("DECISION_WRONG_KEYRING");
    requireOk((await propose(hub, request, { by: hub.partner })).answer);
    requireOk(await cosignAs(hub, request, hub.owner));
    expect(await fetched(request)).toBe(200);
  });
});

describe("a co-signer's device makes every key again", () => {
  test("and signs nothing where one differs, is another's, or is one too many", async () => {
    await using hub = await startTwoOwners();
    const request = await typeRequest(hub, { recipient });
    const { decision } = await prepareApproval(hub, request.record.request, {
      clip: firstClip(hub),
    });
    const honest = decisionOf(decision);
    await expect(cosignature(hub, decision, hub.partner)).resolves.toBeDefined();
    const spy = await generateReader("x25519");
    for (const release of [
      await forgedHeaders(hub, honest, spy.recipient, releaseHash(honest.terms)),
      // The right recipient, and randomness that a co-signer cannot know.
      await forgedHeaders(hub, honest, recipient, new Uint8Array(32)),
      honest.release.toReversed(),
      honest.release.slice(1),
    ]) {
      const forged: Decision = { ...honest, release };
      const envelope = await signEnvelope(
        PAYLOAD_TYPES.decision,
        forged,
        envelopeSigner(hub.owner.key),
        termsHash(forged.terms),
      );
      await expect(cosignature(hub, envelope, hub.partner)).rejects.toMatchObject({
        code: "PROPOSAL_ALTERED",
      });
    }
  });

  test("and passes on no key that belongs to another file than the hub says", async () => {
    await using hub = await startTwoOwners();
    const { decision } = await proposed(hub, recipient);
    const files = filesOfTerms(decisionOf(decision).terms);
    const [, other] = files;
    const swapped = async (): Promise<Uint8Array> => {
      const url = `/api/clips/${other?.clip.clip ?? ""}/files/${other ? sealedFileName(other.file) : ""}`;
      return new Uint8Array(requireOk(await hub.call("GET", url, { as: hub.partner })).rawPayload);
    };
    const identities = identitiesOf(hub.partner.bundle);
    await expect(
      requireSameHeaders({ decision: decisionOf(decision) }, identities, swapped),
    ).rejects.toMatchObject({ code: "FILE_ALTERED" });
  });
});

test("one decision is for one request and the files it names: no route takes more or earlier", async () => {
  await using hub = await startTwoOwners({ exportSigners: 1 });
  const request = await typeRequest(hub, { recipient });
  const { decision } = await prepareApproval(hub, request.record.request, {
    clip: firstClip(hub),
  });
  const other = await typeRequest(hub, { recipient });
  expect(codeOf(await decide(hub, other.record.request, decision))).toBe("DECISION_WRONG_REQUEST");
  for (const wildcard of ["all", "*", "0".repeat(32)])
    expect((await decide(hub, wildcard, decision)).statusCode).toBeGreaterThanOrEqual(400);
  // Every route that writes an answer names one request; a decision can be made for no later one.
  const writing = routesOf(hub.hub.server)
    .filter(({ method, url }) => method === "POST" && /decision|proposal|approv/.test(url))
    .map(({ url }) => url)
    .filter((url) => !url.startsWith("/api/keyring/"));
  expect(writing.toSorted()).toEqual([
    "/api/requests/:id/decision",
    "/api/requests/:id/proposal",
    "/api/requests/:id/proposal/signatures",
  ]);
});
