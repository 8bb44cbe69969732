import Type, { type Static } from "typebox";
import type { Ledger } from "../ledger/ledger.ts";
import * as Api from "../protocol/api.ts";
import { fromBase64, toBase64 } from "../protocol/bytes.ts";
import { HubError, MalformedInput } from "../protocol/errors.ts";
import { LEDGER_ENTRY_SCHEMAS, type LedgerEntryKind } from "../protocol/ledger-entry.ts";
import { deviceOf, type HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";
import { parseSignatureLine } from "../protocol/signed-note.ts";
import { cosignerKey } from "../protocol/cosigner.ts";

const index = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

const subject = Type.String({ pattern: "^[0-9a-f]{32}$", minLength: 32, maxLength: 32 });

const entryKind = Type.Union(
  (Object.keys(LEDGER_ENTRY_SCHEMAS) as LedgerEntryKind[]).map((kind) => Type.Literal(kind)),
) as unknown as Type.TUnsafe<LedgerEntryKind>;

/** What the ledger says, and what the household's devices say of it. */
export function addLedgerRoutes(
  server: HubServer,
  { ledger, household, mailbox, restorations }: HubServices,
): void {
  server.get(
    "/api/ledger/checkpoint",
    { config: { access: "session" }, schema: { response: { 200: Api.CheckpointAnswer } } },
    async (request) => {
      mailbox.handedOut(deviceOf(request).device, ledger.size());
      const restored = restorations.hashes();
      return {
        checkpoint: ledger.checkpoint(),
        cosigned: ledger.cosignedCheckpoint(),
        ...(restored.length > 0 ? { restored } : {}),
      };
    },
  );
  server.get(
    "/api/ledger/entries",
    {
      config: { access: "session" },
      schema: {
        querystring: Type.Object({
          from: Type.Optional(index),
          /** Newest first, from below this index down. */
          before: Type.Optional(index),
          newest: Type.Optional(Type.Boolean()),
          kind: Type.Optional(entryKind),
          /** Id of a clip or a request. */
          subject: Type.Optional(subject),
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
        }),
        response: { 200: Api.EntriesAnswer },
      },
    },
    async ({ query: { from, before, newest, kind, subject, limit } }) =>
      ledger
        .entries({
          limit: limit ?? 100,
          ...(kind === undefined ? {} : { kind }),
          ...(subject === undefined ? {} : { subject }),
          ...(newest === true || before !== undefined
            ? { before: before ?? Number.MAX_SAFE_INTEGER }
            : { from: from ?? 0 }),
        })
        .map((record) => ({ index: record.index, entry: toBase64(record.bytes) })),
  );
  server.get(
    "/api/ledger/counts",
    { config: { access: "session" }, schema: { response: { 200: Api.LedgerCounts } } },
    async () => countsOf(ledger),
  );
  addWitnessRoutes(server, { ledger, household });
}

/** What a device needs to hold the hub to the ledger it has seen. */
function addWitnessRoutes(
  server: HubServer,
  { ledger, household }: Pick<HubServices, "ledger" | "household">,
): void {
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
      if (!keyring || !record)
        throw new HubError("NOT_ALLOWED", "Cannot witness: this device is not admitted yet");
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

function countsOf(ledger: Ledger): Static<typeof Api.LedgerCounts> {
  const counts = ledger.counts();
  const of = (...names: string[]): number =>
    names.reduce((sum, name) => sum + (counts.get(name) ?? 0), 0);
  return {
    entries: ledger.size(),
    asked: of("request"),
    approved: of("decision approved", "decision approved_in_part"),
    refused: of("decision refused"),
    expired: of("decision expired"),
    withdrawn: of("decision withdrawn"),
    released: of("release"),
    fetched: of("access"),
    views: of("view"),
    live: of("live"),
    deletions: of("deletion"),
  };
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
