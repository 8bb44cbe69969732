import Type from "typebox";
import * as Api from "../protocol/api.ts";
import { requirePlausibleClock } from "../base/plausible-clock.ts";
import { plainAddress } from "../lan/names.ts";
import { toBase64 } from "../protocol/bytes.ts";
import { checkShape } from "../protocol/check.ts";
import { openEnvelope, PAYLOAD_TYPES } from "../protocol/envelope.ts";
import { HubError } from "../protocol/errors.ts";
import { requireOwnPasskey } from "../keys/passkey-origin.ts";
import { KeyringStatementSchema, roleOfDevice, type KeyringChange } from "../protocol/keyring.ts";
import type { Pairing } from "./pairings.ts";
import type { HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

const perMinute = (max: number) => ({ rateLimit: { max, timeWindow: 60_000 } });
const idParameter = Type.Object({
  id: Type.String({ pattern: "^[0-9a-f]{32}$", maxLength: 32 }),
});

/** Claim, keyring and pairing. */
export function addHouseholdRoutes(server: HubServer, services: HubServices): void {
  server.get(
    "/api/hub",
    { config: { access: "public", beforeClaim: true }, schema: { response: { 200: Api.HubInfo } } },
    async () => ({
      name: services.name,
      version: services.version,
      claimed: services.household.keyring !== null,
      origin: services.ledger.origin,
      ledgerKey: toBase64(services.ledgerKey),
      genesis: services.household.keyring?.genesis ?? null,
    }),
  );
  addClaimRoutes(server, services);
  addKeyringRoutes(server, services);
  addPairingRoutes(server, services);
}

function requireUnclaimed({ household }: HubServices): void {
  if (household.keyring)
    throw new HubError("CLAIM_GONE", "Cannot claim: this hub has a household already");
}

function addClaimRoutes(server: HubServer, services: HubServices): void {
  const { claimDesk, household } = services;
  server.post(
    "/api/claim/test",
    {
      config: { access: "public", beforeClaim: true, ...perMinute(20) },
      schema: { body: Api.ClaimTestBody, response: { 200: Api.ClaimTestAnswer } },
    },
    async ({ body, ip }) => {
      requireUnclaimed(services);
      claimDesk.requireCode(body.code, plainAddress(ip));
      // All that is signed and entered from here on is dated.
      requirePlausibleClock(services.nowMs(), "claim");
      const content = claimDesk.startTest(body);
      const file = services.seal(content, [body.originals, body.recovery]);
      return { file: toBase64(file) };
    },
  );
  server.post(
    "/api/claim",
    {
      config: { access: "public", beforeClaim: true, ...perMinute(20) },
      schema: { body: Api.ClaimBody, response: { 200: Api.HubInfo } },
    },
    async ({ body, ip }) => {
      requireUnclaimed(services);
      claimDesk.requireCode(body.code, plainAddress(ip));
      const founding = foundingOf(body.statement);
      claimDesk.requireProof(body.proof, founding.readers);
      requirePlausibleClock(services.nowMs(), "claim");
      requireOwnPasskey(founding.device.passkey, services.lan.origins());
      const keyring = household.accept(body.statement, body.label);
      services.keyringChanged();
      await services.lan.claimed(server.isLan);
      return {
        name: services.name,
        version: services.version,
        claimed: true,
        origin: keyring.origin,
        ledgerKey: toBase64(keyring.ledgerKey),
        genesis: keyring.genesis,
      };
    },
  );
}

function foundingOf(statement: unknown): Extract<KeyringChange, { kind: "genesis" }> {
  const { content } = openEnvelope(statement, PAYLOAD_TYPES.keyring, "keyring");
  const { change } = checkShape(KeyringStatementSchema, content, "keyring statement");
  if (change.kind !== "genesis")
    throw new HubError("KEYRING_INVALID_CHANGE", "Cannot claim: the statement founds no household");
  return change;
}

function addKeyringRoutes(server: HubServer, { household }: HubServices): void {
  server.get(
    "/api/keyring",
    { config: { access: "session" }, schema: { response: { 200: Api.KeyringAnswer } } },
    async () => ({ statements: household.statements() }),
  );
  server.get(
    "/api/devices",
    { config: { access: "session" }, schema: { response: { 200: Api.DeviceList } } },
    async () => devicesOf(household),
  );
}

/** Everybody's devices, with the names that people gave them. */
export function devicesOf(household: HubServices["household"]): Api.DeviceList {
  const { keyring } = household;
  const waiting = keyring?.pending?.admit;
  const devices = [...(keyring?.devices.values() ?? []), ...(waiting ? [waiting] : [])];
  return devices.map((device) => ({
    device: device.id,
    person: device.person,
    role: keyring ? roleOfDevice(keyring, device.id) : null,
    label: household.labelOf(device.id),
    removed: device.removed,
    ...(device === waiting ? { pending: true } : {}),
  }));
}

const pairingToken = Type.Object({
  "x-doorward-pairing": Type.String({ pattern: "^[0-9a-f]{64}$", maxLength: 64 }),
});

function addPairingRoutes(server: HubServer, services: HubServices): void {
  const { pairings, household, keyringDesk, news } = services;
  server.post(
    "/api/pairings",
    {
      config: { access: "public", ...perMinute(20) },
      schema: { body: Api.PairingBody, response: { 200: Api.PairingStarted } },
    },
    async ({ body }) => {
      if (!household.keyring)
        throw new HubError("NOT_CLAIMED", "Cannot pair: nobody has claimed this hub yet");
      return pairings.start(body.commitment);
    },
  );
  server.get(
    "/api/pairings",
    { config: { access: "administer" }, schema: { response: { 200: Api.PairingList } } },
    async () => pairings.list().map(pairingForOwner),
  );
  server.post(
    "/api/pairings/:id/nonce",
    {
      config: { access: "administer" },
      schema: { params: idParameter, body: Api.PairingNonceBody },
    },
    async ({ params, body }, reply) => {
      pairings.setOwnerNonce(params.id, body.nonce);
      await reply.code(204).send();
    },
  );
  server.post(
    "/api/pairings/:id/admit",
    {
      config: { access: "administer" },
      bodyLimit: 512 * 1024,
      schema: { params: idParameter, body: Api.PairingAdmitBody },
    },
    async ({ params, body }, reply) => {
      const pairing = pairings.get(params.id);
      if (!pairing.reveal)
        throw new HubError("NOT_OPEN", "Cannot pair: the new device has not shown its key yet");
      const { sealed, statement } = body;
      const newcomer = { pairing: pairing.id, sealed };
      const { state } = keyringDesk.admit(statement, pairing.reveal.label, newcomer);
      if (state === "accepted") {
        pairing.sealed = sealed;
        services.keyringChanged();
      } else news.tell("keyring");
      await reply.code(204).send();
    },
  );
  addNewcomerRoutes(server, services);
}

/** What the new device may do before it is anybody: show its key, fetch what is sealed to it. */
function addNewcomerRoutes(server: HubServer, { pairings }: HubServices): void {
  server.post(
    "/api/pairings/:id/reveal",
    {
      config: { access: "public", ...perMinute(60) },
      schema: { params: idParameter, headers: pairingToken, body: Api.PairingReveal },
    },
    async ({ params, headers, body }, reply) => {
      const pairing = pairings.getWithToken(params.id, headers["x-doorward-pairing"]);
      pairings.setReveal(pairing, body);
      await reply.code(204).send();
    },
  );
  server.get(
    "/api/pairings/:id",
    {
      config: { access: "public", ...perMinute(240) },
      schema: {
        params: idParameter,
        headers: pairingToken,
        response: { 200: Api.PairingState },
      },
    },
    async ({ params, headers }) => {
      const pairing = pairings.getWithToken(params.id, headers["x-doorward-pairing"]);
      return { ownerNonce: pairing.ownerNonce, sealed: pairings.takeSealed(pairing) };
    },
  );
}

function pairingForOwner(pairing: Pairing): Api.PairingList[number] {
  const { id, commitment, expiresAtMs, reveal } = pairing;
  return { pairing: id, commitment, expiresAtMs, reveal };
}
