import Type from "typebox";
import * as Api from "../protocol/api.ts";
import * as KeyringApi from "../protocol/api-keyring.ts";
import { toBase64 } from "../protocol/bytes.ts";
import { canonicalJson } from "../protocol/canonical-json.ts";
import { HubError } from "../protocol/errors.ts";
import type { Keyring } from "../protocol/keyring.ts";
import { LIMITS, RECOVERY_NOTICE_MS } from "../protocol/limits.ts";
import { deviceOf, type HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

const perMinute = (max: number) => ({ rateLimit: { max, timeWindow: 60_000 } });
const hashParameter = Type.Object({
  id: Type.String({ pattern: "^[0-9a-f]{64}$", maxLength: 64 }),
});
/** A statement, and readers for every device. */
const BODY_BYTES_MAX = (LIMITS.devicesInForce + 1) * LIMITS.passedOnCharacters + 512 * 1024;

/** Changes of the keyring by its owners, what they pass on, and the way of the lost phone. */
export function addKeyringRoutes(server: HubServer, services: HubServices): void {
  addChangeRoutes(server, services);
  addProposalRoutes(server, services);
  addPassedOnRoutes(server, services);
  addRecoveryRoutes(server, services);
}

function requireKeyring({ household }: HubServices): Keyring {
  if (!household.keyring)
    throw new HubError("NOT_CLAIMED", "Cannot answer: nobody has claimed this hub yet");
  return household.keyring;
}

function addChangeRoutes(server: HubServer, services: HubServices): void {
  const { keyringDesk, claimDesk, news } = services;
  server.post(
    "/api/keyring/sheet-test",
    {
      config: { access: "administer", ...perMinute(20) },
      schema: { body: KeyringApi.SheetTestBody, response: { 200: Api.ClaimTestAnswer } },
    },
    async ({ body }) => {
      const { originals } = requireKeyring(services).readers;
      const content = claimDesk.startTest({ originals, recovery: body.recovery });
      return { file: toBase64(services.seal(content, [originals, body.recovery])) };
    },
  );
  server.post(
    "/api/keyring",
    {
      config: { access: "administer", ...perMinute(60) },
      bodyLimit: BODY_BYTES_MAX,
      schema: { body: KeyringApi.KeyringBody, response: { 200: KeyringApi.KeyringChanged } },
    },
    async ({ body }) => {
      const { originals } = requireKeyring(services).readers;
      const result = keyringDesk.change(body.statement, body.passedOn, (recovery) =>
        claimDesk.requireProof(body.proof ?? "", { originals, recovery }),
      );
      if (result.state === "accepted") services.keyringChanged();
      else news.tell("keyring");
      return result;
    },
  );
}

function addProposalRoutes(server: HubServer, services: HubServices): void {
  const { keyringDesk, household, pairings, news } = services;
  server.get(
    "/api/keyring/proposals",
    {
      config: { access: "administer" },
      schema: { response: { 200: KeyringApi.KeyringProposalList } },
    },
    async (request) => {
      const own = deviceOf(request).device;
      return keyringDesk
        .proposals()
        .map(({ proposal, envelope: statement, signers, needed, proposedAtMs, passedOn }) => ({
          ...{ proposal, statement, signers, needed, proposedAtMs },
          sealed: passedOn.find(({ device }) => device === own)?.sealed ?? null,
        }));
    },
  );
  server.post(
    "/api/keyring/proposals/:id",
    {
      config: { access: "administer", ...perMinute(60) },
      bodyLimit: 512 * 1024,
      schema: {
        params: hashParameter,
        body: KeyringApi.CosignedBody,
        response: { 200: KeyringApi.KeyringChanged },
      },
    },
    async ({ params, body }) => {
      const { newcomer } = household.proposals.get(params.id);
      // Gone after ten minutes, and nobody would be there to take what is sealed to it.
      const pairing = newcomer && pairings.get(newcomer.pairing);
      const label = pairing?.reveal?.label ?? null;
      const result = keyringDesk.cosign(params.id, body.statement, label);
      if (result.state === "accepted") {
        if (pairing) pairing.sealed = newcomer.sealed;
        services.keyringChanged();
      } else news.tell("keyring");
      return result;
    },
  );
  server.delete(
    "/api/keyring/proposals/:id",
    { config: { access: "administer" }, schema: { params: hashParameter } },
    async ({ params }, reply) => {
      household.proposals.remove(params.id);
      news.tell("keyring");
      await reply.code(204).send();
    },
  );
}

function addPassedOnRoutes(server: HubServer, { household }: HubServices): void {
  server.get(
    "/api/passed-on",
    { config: { access: "session" }, schema: { response: { 200: KeyringApi.PassedOnAnswer } } },
    async (request) => household.passedOn.of(deviceOf(request).device),
  );
  server.delete(
    "/api/passed-on/:epoch",
    {
      config: { access: "session" },
      schema: { params: Type.Object({ epoch: Type.Integer({ minimum: 1 }) }) },
    },
    async (request, reply) => {
      household.passedOn.remove(deviceOf(request).device, request.params.epoch);
      await reply.code(204).send();
    },
  );
}

function addRecoveryRoutes(server: HubServer, services: HubServices): void {
  const { keyringDesk, household } = services;
  server.get(
    "/api/recoveries",
    {
      config: { access: "public", ...perMinute(10) },
      schema: { response: { 200: KeyringApi.RecoveryAnswer } },
    },
    async () => {
      const { readers } = requireKeyring(services);
      return { sealed: toBase64(services.seal(recoveryContent(services), [readers.recovery])) };
    },
  );
  server.post(
    "/api/recoveries",
    {
      config: { access: "public", ...perMinute(5) },
      bodyLimit: BODY_BYTES_MAX,
      schema: { body: KeyringApi.RecoveryBody },
    },
    async ({ body }, reply) => {
      keyringDesk.recover(body.statement, body.label, body.passedOn);
      services.keyringChanged();
      await reply.code(204).send();
    },
  );
  server.get(
    "/api/recovery",
    { config: { access: "session" }, schema: { response: { 200: KeyringApi.RecoveryState } } },
    async () => {
      const pending = household.keyring?.pending;
      if (!pending) return { pending: null };
      const { notice } = pending;
      return { pending: { notice, ranMs: keyringDesk.ranMs(), neededMs: RECOVERY_NOTICE_MS } };
    },
  );
}

/** Whoever holds the sheet may know all this; nobody else can open what it is sealed in. */
function recoveryContent({ household, keyringDesk, nowMs }: HubServices): Uint8Array {
  const { keyring } = household;
  const labels = [...(keyring?.devices.keys() ?? [])].flatMap((device) => {
    const label = household.labelOf(device);
    return label === null ? [] : [{ device, label }];
  });
  const statements = household.statements();
  return canonicalJson({
    ...{ v: 1, statements, labels, nowMs: nowMs(), ranMs: keyringDesk.ranMs() },
  });
}
