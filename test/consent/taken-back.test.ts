import { describe, expect, test } from "vitest";
import { generateReader } from "../../src/owner/identity.ts";
import type { RequestSummary } from "../../src/protocol/api.ts";
import {
  approve,
  fill,
  makeForm,
  refuse,
  statusPath,
  typeRequest,
} from "../support/test-consent.ts";
import { firstClip, requireOk, startTestHub } from "../support/test-hub.ts";
import {
  codeOf,
  entriesOf,
  fetched,
  proposed,
  startTwoOwners,
  stateOf,
  summaryOf,
} from "../support/two-owners.ts";

const { recipient } = await generateReader("x25519");

describe("whoever asked", () => {
  test("takes it back by his address, and every address answers the same", async () => {
    await using hub = await startTestHub({ clips: 1, outside: true });
    const form = await makeForm(hub);
    const body = await fill(form, { recipient });
    const open: RequestSummary = requireOk(
      await hub.call("POST", "/api/requests/import", { as: hub.owner, body }),
    ).json();
    const refused = await typeRequest(hub, { recipient });
    await refuse(hub, refused);
    const approved = await typeRequest(hub, { recipient });
    await approve(hub, approved, { clip: firstClip(hub) });
    const answers = [];
    for (const address of [
      statusPath(open),
      statusPath(refused),
      statusPath(approved),
      `/status/${"f".repeat(64)}`,
      "/status/x",
    ]) {
      const { statusCode, headers, body: text } = await hub.call("POST", `${address}/withdrawal`);
      answers.push({ statusCode, text, names: Object.keys(headers).toSorted() });
    }
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(answers[0]?.statusCode).toBe(204);
    // Noted only: what it comes to is done later, so that it takes no time that could be measured.
    expect(await stateOf(hub, open)).toBe("received");
    hub.hub.services.withdrawals.settle();
    expect(await stateOf(hub, open)).toBe("withdrawn");
    expect(entriesOf(hub, open).at(-1)).toMatchObject({
      kind: "decision",
      outcome: "withdrawn",
      decisionSha256: null,
    });
    expect(await stateOf(hub, refused)).toBe("refused");
    expect(await fetched(hub, approved)).toBe(200);
    const outside = await fetch(`${hub.hub.outsideUrl ?? ""}${statusPath(approved)}/withdrawal`, {
      method: "POST",
    });
    expect(outside.status).toBe(204);
  });

  test("or the owner who typed the letter does, for a typed request alone", async () => {
    await using hub = await startTwoOwners();
    const { request } = await proposed(hub, recipient);
    const take = (summary: RequestSummary) =>
      hub.call("POST", `/api/requests/${summary.record.request}/withdrawal`, {
        as: hub.owner,
        body: {},
      });
    expect(requireOk(await take(request)).json()).toMatchObject({ state: "withdrawn" });
    expect((await summaryOf(hub, request)).proposal).toBeUndefined();
    expect(codeOf(await take(request))).toBe("NOT_OPEN");
    const body = await fill(await makeForm(hub), { recipient });
    const sent: RequestSummary = requireOk(
      await hub.call("POST", "/api/requests/import", { as: hub.owner, body }),
    ).json();
    expect(codeOf(await take(sent))).toBe("NOT_OPEN");
    expect(await stateOf(hub, sent)).toBe("received");
  });
});
