import { expect, test } from "vitest";
import { identitiesOf, signingKeyOf } from "../../src/owner/device-bundle.ts";
import { approvalTerms, chooseFiles, signApproval } from "../../src/owner/decide.ts";
import { groundFor } from "../../src/owner/ground.ts";
import { envelopeSigner, generateReader } from "../../src/owner/identity.ts";
import { fetchListedClip } from "../../src/owner/listed-clip.ts";
import { RequestSummary } from "../../src/protocol/api.ts";
import { sealedFileName } from "../../src/protocol/clip.ts";
import { typeRequest } from "../support/test-consent.ts";
import { awayDevice, refuse, startMailboxHub, stateOf, turn } from "../support/test-mailbox.ts";
import { startWebDav } from "../support/webdav-server.ts";

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
  const { services } = hub.hub;
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
