import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Hub } from "../../hub/hub.ts";
import { foundHousehold, type FoundedHousehold } from "../../owner/household.ts";
import { generateReader } from "../../owner/identity.ts";
import { sha256Hex, fromBase64, toBase64 } from "../../protocol/bytes.ts";
import type { Json } from "../../protocol/canonical-json.ts";
import { HubError } from "../../protocol/errors.ts";
import { verifyKeyring, verifyKeyringSince, type Keyring } from "../../protocol/keyring.ts";
import type { LedgerEntry } from "../../protocol/ledger-entry.ts";
import type { Attempt, Target } from "./attempt.ts";
import { openOwnLedger, rewriteLedger, type Copies, type Copy, type Judgement } from "./copy.ts";
import { chainWithReader, forgeAdmission, forger } from "./forgery.ts";
import { opensWithIdentity } from "./lock.ts";

/** What a real hub and an owner's device make of a keyring that was tampered with (invariant 9). */
export async function attackKeyringOfCopy(
  copies: Copies,
  target: Target,
  statements: readonly Json[],
): Promise<Attempt[]> {
  const keyring = verifyKeyring(statements);
  const stranger = await generateReader(keyring.readers.kind);
  const isIn = (hub: Hub): Judgement => hasReader(hub, stranger.recipient);
  const pem = await readFile(path.join(target.dataDirectory, "secrets", "ledger.pem"), "utf8");
  const ledgerKey = forger("the ledger's key", createPrivateKey(pem));
  const newKey = forger("a new key", generateKeyPairSync("ed25519").privateKey);
  return [
    await copies.attack(
      "a hub started on a keyring whose reader was replaced by SQL",
      (copy) => writeStatements(copy, chainWithReader(statements, stranger.recipient)),
      isIn,
    ),
    await copies.attack(
      "a hub started on a keyring that goes on with an owner of the ledger's key",
      (copy) => admitBySql(copy, keyring, statements, forgeAdmission(keyring, ledgerKey)),
      (hub) => knowsDevice(hub, ledgerKey.publicKey),
    ),
    await copies.attack(
      "an owner of a new key handed to a running hub",
      () => undefined,
      (hub) => {
        const accepted = isAccepted(() =>
          hub.services.household.accept(forgeAdmission(keyring, newKey), { label: "", salt: "" }),
        );
        return { opened: accepted, detail: "by the hub's own code, as any route would" };
      },
    ),
    await rollBack(copies, keyring, statements),
    await replace(copies, target, keyring),
  ];
}

function writeStatements({ database }: Copy, statements: readonly Json[]): void {
  database.exec("DELETE FROM keyring_statements");
  const insert = database.prepare(
    "INSERT INTO keyring_statements (epoch, head, envelope) VALUES (?, ?, ?)",
  );
  for (const [epoch, statement] of statements.entries()) {
    const { payload } = statement as { payload: string };
    insert.run(epoch, sha256Hex(fromBase64(payload, "payload")), JSON.stringify(statement));
  }
}

/** With an entry of its own in the ledger, whose key is on the hub. */
async function admitBySql(
  copy: Copy,
  keyring: Keyring,
  statements: readonly Json[],
  forged: Json,
): Promise<void> {
  writeStatements(copy, [...statements, forged]);
  const { payload } = forged as { payload: string };
  const ledger = await openOwnLedger(copy, keyring.origin);
  ledger.append({
    ...{ v: 1, kind: "keyring", atMs: Date.now(), change: "admit" },
    epoch: keyring.epoch + 1,
    keyringHead: sha256Hex(fromBase64(payload, "payload")),
  });
}

function hasReader(hub: Hub, recipient: string): Judgement {
  const readers = hub.services.household.keyring?.readers;
  const has = readers !== undefined && Object.values(readers).includes(recipient);
  return { opened: has ? 1 : 0, detail: "the hub has started" };
}

function knowsDevice(hub: Hub, publicKey: Uint8Array): Judgement {
  const devices = hub.services.household.keyring?.devices.values() ?? [];
  const known = [...devices].some(({ record }) => record.signingKey === toBase64(publicKey));
  return { opened: known ? 1 : 0, detail: "the hub has started" };
}

function isAccepted(work: () => unknown): number {
  try {
    work();
    return 1;
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    return 0;
  }
}

/** Keyring and ledger both cut back to before the last change: a hub cannot know, devices do. */
async function rollBack(
  copies: Copies,
  keyring: Keyring,
  statements: readonly Json[],
): Promise<Attempt> {
  const kept = statements.slice(0, -1);
  return copies.attack(
    "keyring and ledger rolled back together, shown to a device that has seen more",
    async (copy) => {
      const ledger = await openOwnLedger(copy, keyring.origin);
      const entries = ledger.entries().map(({ entry }) => entry);
      const changes = entries.findLastIndex(({ kind }) => kind === "keyring");
      writeStatements(copy, kept);
      const before = entries.slice(0, kept.length === 0 ? 0 : changes);
      await rewriteLedger(copy, keyring.origin, before);
    },
    (hub) => {
      const shown = hub.services.household.statements();
      const seen = { epoch: keyring.epoch, head: keyring.head };
      const opened = isAccepted(() => verifyKeyringSince(shown, seen));
      return { opened, detail: `${shown.length} of ${statements.length} statements left` };
    },
  );
}

/** A household of the attacker's own under the same ledger key: his from then on, not before. */
async function replace(copies: Copies, target: Target, keyring: Keyring): Promise<Attempt> {
  let founded: FoundedHousehold | null = null;
  return copies.attack(
    "keyring replaced by another household's, shown to a device and tried on what was recorded",
    async (copy) => {
      const hub = {
        ...{ name: "copy", version: "0", claimed: false, origin: keyring.origin, genesis: null },
        ledgerKey: toBase64(keyring.ledgerKey),
      };
      const options = { kind: keyring.readers.kind, label: "attacker", nowMs: Date.now() };
      founded = await foundHousehold(hub, options);
      const { head, epoch } = verifyKeyring([founded.statement]);
      writeStatements(copy, [founded.statement as unknown as Json]);
      const base = { v: 1, atMs: Date.now(), keyringHead: head } as const;
      const entries: LedgerEntry[] = [
        { ...base, kind: "genesis", origin: keyring.origin },
        { ...base, kind: "keyring", epoch, change: "genesis" },
      ];
      await rewriteLedger(copy, keyring.origin, entries);
    },
    async (hub) => {
      const shown = hub.services.household.statements();
      const fooled = isAccepted(() => verifyKeyring(shown, keyring.genesis));
      const own = founded?.bundle.readers.originals ?? "";
      const opened = await opensWithIdentity(target.lock, own);
      return { opened: fooled + opened, detail: "the hub starts; the devices do not follow it" };
    },
  );
}
