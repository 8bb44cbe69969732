import Type from "typebox";
import * as Api from "../protocol/api.ts";
import { fromBase64, toBase64 } from "../protocol/bytes.ts";
import { HubError, MalformedInput } from "../protocol/errors.ts";
import { deviceOf, type HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";
import { parseSignatureLine } from "../protocol/signed-note.ts";
import { cosignerKey } from "../protocol/cosigner.ts";

const index = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

/** What the ledger says, and what the household's devices say of it. */
export function addLedgerRoutes(server: HubServer, { ledger, household }: HubServices): void {
  server.get(
    "/api/ledger/checkpoint",
    { config: { access: "session" }, schema: { response: { 200: Api.CheckpointAnswer } } },
    async () => ({ checkpoint: ledger.checkpoint(), cosigned: ledger.cosignedCheckpoint() }),
  );
  server.get(
    "/api/ledger/entries",
    {
      config: { access: "session" },
      schema: {
        querystring: Type.Object({
          from: Type.Optional(index),
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
        }),
        response: { 200: Api.EntriesAnswer },
      },
    },
    async ({ query }) =>
      ledger
        .entries({ from: query.from ?? 0, limit: query.limit ?? 100 })
        .map((record) => ({ index: record.index, entry: toBase64(record.bytes) })),
  );
  server.get(
    "/api/ledger/consistency",
    {
      config: { access: "session" },
      schema: {
        querystring: Type.Object({ from: index, to: index }),
        response: { 200: Api.ProofAnswer },
      },
    },
    async ({ query }) => ({
      proof: within(() => ledger.consistencyProof(query.from, query.to)).map(toBase64),
    }),
  );
  server.get(
    "/api/ledger/inclusion",
    {
      config: { access: "session" },
      schema: {
        querystring: Type.Object({ index, size: index }),
        response: { 200: Api.ProofAnswer },
      },
    },
    async ({ query }) => ({
      proof: within(() => ledger.inclusionProof(query.index, query.size)).map(toBase64),
    }),
  );
  server.post(
    "/api/ledger/cosignatures",
    { config: { access: "session" }, schema: { body: Api.CosignatureBody } },
    async (request, reply) => {
      const { keyring } = household;
      const record = keyring?.devices.get(deviceOf(request).device)?.record;
      if (!keyring || !record) throw new HubError("NOT_CLAIMED", "Cannot witness: no household");
      const publicKey = fromBase64(record.signingKey, "signingKey");
      // Under its own name only: a verifier knows devices by the names the keyring gives them.
      if (
        parseSignatureLine(request.body.line).name !== cosignerKey(keyring.origin, publicKey).name
      )
        throw new MalformedInput("line", "Cannot witness: the line is not of this device");
      ledger.addCosignature({ ...request.body, publicKey });
      await reply.code(204).send();
    },
  );
}

/** A size that the ledger has not reached is the caller's mistake. */
function within<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new MalformedInput("size", cause.message, { cause });
  }
}
