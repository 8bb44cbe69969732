import type { LightMyRequestResponse } from "fastify";
import { createOutsideServer } from "../../src/http/outside.ts";
import type { HubServer } from "../../src/http/server.ts";
import { envelopeSigner } from "../../src/owner/identity.ts";
import { newLink, signShare, type LinkChoice, type NewLink } from "../../src/owner/share.ts";
import type { RequestSummary } from "../../src/protocol/api.ts";
import { fromBase64, sha256Hex } from "../../src/protocol/bytes.ts";
import type { Envelope } from "../../src/protocol/envelope.ts";
import { shareKeys } from "../../src/protocol/share.ts";
import { approve, typeRequest, type Prepared } from "./test-consent.ts";
import { requireOk, type TestDevice, type TestHub } from "./test-hub.ts";

export interface MadeShare extends Prepared {
  readonly request: RequestSummary;
  readonly link: NewLink;
  readonly share: Envelope;
  /** What the viewer would send. */
  readonly token: string;
}

export const CHOICE: LinkChoice = {
  meantFor: "Anna next door",
  lifetimeMs: 3_600_000,
  viewsMax: 2,
};

export async function shareOf(
  hub: TestHub,
  made: { link: NewLink; request: string; decision: Envelope },
  choice: Partial<LinkChoice> = {},
  by: TestDevice = hub.owner,
): Promise<Envelope> {
  const { keyring } = hub.hub.services.household;
  if (!keyring) throw new Error("nobody has claimed this hub");
  const decisionSha256 = sha256Hex(fromBase64(made.decision.payload, "payload"));
  const ground = { keyring, request: made.request, decisionSha256, nowMs: hub.clock.nowMs };
  return signShare(made.link, { ...CHOICE, ...choice }, ground, envelopeSigner(by.key));
}

const outsides = new WeakMap<TestHub["hub"], Promise<HubServer>>();

/** What is behind a hub's outside listener, where share links lead; it listens nowhere. */
export function outsideOf({ hub }: TestHub): Promise<HubServer> {
  const known = outsides.get(hub);
  if (known) return known;
  const made = createOutsideServer(hub.services, {
    ...{ version: "test", hostNames: ["localhost"], logLevel: "silent" },
  });
  outsides.set(hub, made);
  return made;
}

export async function fetchShare(hub: TestHub, token: string): Promise<LightMyRequestResponse> {
  const outside = await outsideOf(hub);
  return outside.inject({
    ...{ method: "POST", url: "/share/fetch", headers: { host: "localhost" }, payload: { token } },
  });
}

/** A request of the household's own, approved for a link, and the link. */
export async function sharedClip(
  hub: TestHub,
  choice: Partial<LinkChoice> = {},
): Promise<MadeShare> {
  const link = await newLink();
  const request = await typeRequest(hub, { kind: "household" });
  const prepared = await approve(hub, request, {
    clip: hub.clips[0] ?? "",
    segments: [1, 1],
    recipient: link.recipient,
  });
  const id = request.record.request;
  const share = await shareOf(hub, { link, request: id, decision: prepared.decision }, choice);
  requireOk(await hub.call("POST", "/api/shares", { as: hub.owner, body: { share } }));
  return { ...prepared, request, link, share, token: shareKeys(link.secret).token };
}
