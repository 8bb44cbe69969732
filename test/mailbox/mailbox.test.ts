import { expect, test } from "vitest";
import { identitiesOf, signingKeyOf } from "../../src/owner/device-bundle.ts";
import {
  approvalTerms,
  chooseFiles,
  refusalTerms,
  signApproval,
  signRefusal,
} from "../../src/owner/decide.ts";
import { groundFor } from "../../src/owner/ground.ts";
import type { FollowedHub } from "../../src/owner/hub-client.ts";
import { envelopeSigner, generateReader } from "../../src/owner/identity.ts";
import { fetchListedClip } from "../../src/owner/listed-clip.ts";
import { RequestSummary } from "../../src/protocol/api.ts";
import { sealedFileName } from "../../src/protocol/clip.ts";
import type { Envelope } from "../../src/protocol/envelope.ts";
import { parseRequestId } from "../../src/protocol/ids.ts";
import { typeRequest } from "../support/test-consent.ts";
import type { TestDevice, TestHub } from "../support/test-hub.ts";
import { awayDevice, startMailboxHub, turn, type AwayDevice } from "../support/test-mailbox.ts";
import { startWebDav } from "../support/webdav-server.ts";

/** An hour around now, in which the clips of these tests lie. */
export function soughtNow(): { sought: never } {
  const at = (ms: number): string => new Date(ms).toISOString();
  return {
    sought: {
      cameras: "unspecified",
      from: at(Date.now() - 600_000),
      to: at(Date.now() + 600_000),
      tracks: ["video"],
      clearFaces: true,
    } as never,
  };
}

async function refusal(hub: FollowedHub, { bundle }: TestDevice, id: string): Promise<Envelope> {
  const terms = refusalTerms(await groundFor(hub, id));
  return signRefusal(terms, envelopeSigner(signingKeyOf(bundle)));
}

async function refuse(away: AwayDevice, id: string): Promise<void> {
  const hub = await away.look();
  const decision = await refusal(hub, away.device, id);
  await hub.client.post(`/api/requests/${id}/decision`, { decision }, RequestSummary);
}

function stateOf(hub: TestHub, id: string): string | undefined {
  return hub.hub.services.requests.get(parseRequestId(id))?.state;
}

test("a refusal goes out and comes back", async () => {
  await using dav = await startWebDav();
  await using hub = await startMailboxHub({ kind: "webdav", ...dav });
  const { request } = (await typeRequest(hub)).record;
  await turn(hub);
  const away = awayDevice(hub.owner);
  expect(await away.atHome(hub)).toBe(true);
  await refuse(away, request);
  expect(stateOf(hub, request)).toBe("received");
  await turn(hub);
  expect(stateOf(hub, request)).toBe("refused");
  const { client } = await away.look();
  expect(client.state.requests).toEqual([]);
  expect(client.state.answers).toMatchObject([{ request, taken: true }]);
  expect((await away.store.read())?.outbox).toEqual([]);
});

test("an approval: the pieces come out, exactly the chosen keys go back", async () => {
  await using dav = await startWebDav();
  await using hub = await startMailboxHub({ kind: "webdav", ...dav }, { clips: 1 });
  const { privacy: _, ...services } = hub.hub.services;
  const clip = services.clips.list().clips[0];
  const reader = await generateReader("x25519");
  const { request } = (
    await typeRequest(hub, {
      recipient: reader.recipient,
      sought: {
        cameras: ["front"],
        from: new Date((clip?.startedAtMs ?? 0) - 60_000).toISOString(),
        to: new Date((clip?.startedAtMs ?? 0) + 60_000).toISOString(),
        tracks: ["video"],
        clearFaces: true,
      },
    })
  ).record;
  await turn(hub);
  const away = awayDevice(hub.owner);
  await away.atHome(hub);
  const found = await away.look();
  const listed = await fetchListedClip(found, clip?.id ?? "", "release");
  const ground = await groundFor(found, request);
  const chosen = chooseFiles({
    ...{ clip: listed, rendition: "original", audio: false, fromMs: null, toMs: null },
  });
  const terms = approvalTerms(ground, {
    ...{ clips: [chosen], recipient: reader.recipient, purpose: "To see", isPart: false },
  });
  expect(terms.notAfterMs).toBe(ground.request.record.expiresAtMs);
  const { bundle } = away.device;
  const decision = await signApproval(
    terms,
    identitiesOf(bundle),
    (id, file) => found.client.bytes(`/api/clips/${id}/files/${sealedFileName(file)}`),
    envelopeSigner(signingKeyOf(bundle)),
  );
  await found.client.post(`/api/requests/${request}/decision`, { decision }, RequestSummary);
  await turn(hub);
  expect(stateOf(hub, request)).toBe("packaged");
  const kinds = hub.ledgerKinds();
  expect(kinds.filter((kind) => kind === "view")).toHaveLength(1);
});
