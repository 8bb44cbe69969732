import type { HubDatabase } from "../base/database.ts";
import type { LedgerEntry } from "../protocol/ledger-entry.ts";
import { sha256Hex, utf8Bytes } from "../protocol/bytes.ts";
import type { DeviceId } from "../protocol/ids.ts";
import { HubError } from "../protocol/errors.ts";
import type { PassedOnBlob } from "../protocol/api-keyring.ts";
import {
  extendKeyring,
  KeyringRefused,
  verifyKeyring,
  type Keyring,
  type KeyringDevice,
  type KeyringPosition,
} from "../protocol/keyring.ts";
import { openEnvelope, PAYLOAD_TYPES, type Envelope } from "../protocol/envelope.ts";
import { toBase64 } from "../protocol/bytes.ts";
import { NoticeClock } from "./notice-clock.ts";
import { PassedOn } from "./passed-on.ts";
import { KeyringProposals } from "./proposals.ts";

export interface DeviceLabel {
  readonly label: string;
  /** 32 hex digits; the chain carries the SHA-256 of salt and label. */
  readonly salt: string;
}

export function labelSha256({ label, salt }: DeviceLabel): string {
  return sha256Hex(utf8Bytes(`${salt} ${label}`));
}

export interface HouseholdOptions {
  readonly database: HubDatabase;
  /** The ledger this hub keeps: a genesis made for another one is refused. */
  readonly origin: string;
  readonly ledgerKey: Uint8Array;
  /** What the ledger's newest keyring entry says; null where there is none. */
  readonly entered: () => KeyringPosition | null;
  /** Appends to the ledger inside the caller's transaction. */
  readonly appendEntry: (entry: LedgerEntry) => number;
  readonly nowMs: () => number;
  /** Only ever runs forward; counts the 72 hours of a recovery notice. */
  readonly monotonicMs?: () => number;
}

/** What comes with a statement, and is kept in the same transaction. */
export interface StatementExtras {
  readonly passedOn?: readonly PassedOnBlob[];
}

/**
 * The household's keyring as this hub keeps it. The chain is verified from its first signature
 * whenever it is opened: a row that somebody edited in the database is an error, not a member.
 */
export class Household {
  readonly passedOn: PassedOn;
  readonly noticeClock: NoticeClock;
  readonly proposals: KeyringProposals;
  readonly #options: HouseholdOptions;
  #keyring: Keyring | null;

  private constructor(options: HouseholdOptions, keyring: Keyring | null) {
    const { database, monotonicMs = () => performance.now() } = options;
    this.#options = options;
    this.#keyring = keyring;
    this.passedOn = new PassedOn(database);
    this.noticeClock = new NoticeClock(database, monotonicMs);
    this.proposals = new KeyringProposals(database);
  }

  /**
   * @throws KeyringRefused when the stored chain does not hold, or is not the one that the ledger
   * has entered: a chain that was cut off or taken away must not make the hub claimable again.
   */
  static open(options: HouseholdOptions): Household {
    const statements = readStatements(options.database);
    const keyring = statements.length === 0 ? null : verifyKeyring(statements);
    if (keyring) requireOwnLedger(keyring, options);
    const entered = options.entered();
    if (entered?.head !== keyring?.head || entered?.epoch !== keyring?.epoch)
      throw new KeyringRefused(
        "KEYRING_ROLLED_BACK",
        `Cannot open household: the keyring is at ${placeOf(keyring)}, the ledger says ${placeOf(entered)}`,
      );
    return new Household(options, keyring);
  }

  /** Null before the claim. */
  get keyring(): Keyring | null {
    return this.#keyring;
  }

  /** Every statement from genesis, as it was accepted: devices and the recorder check it themselves. */
  statements(): Envelope[] {
    return readStatements(this.#options.database);
  }

  /**
   * Accepts a statement (the genesis, before the claim): verified, then stored with its ledger
   * entries in one transaction.
   *
   * @param label - Of the device that it admits or announces; null where it does neither.
   * @throws KeyringRefused, HubError LABEL_MISMATCH.
   */
  accept(statement: unknown, label: DeviceLabel | null, extras: StatementExtras = {}): Keyring {
    const { database } = this.#options;
    const before = this.#keyring;
    const keyring = extendKeyring(before, statement);
    requireOwnLedger(keyring, this.#options);
    const { envelope, content } = openEnvelope(statement, PAYLOAD_TYPES.keyring, "keyring");
    const change = (content as { change: { kind: string } }).change.kind;
    const newcomer = newcomerOf(before, keyring);
    if (newcomer && (!label || labelSha256(label) !== newcomer.record.labelSha256))
      throw new HubError(
        "LABEL_MISMATCH",
        "Cannot accept keyring statement: the device's name is not the one that was signed",
      );
    database.transaction(() => {
      this.#enter(keyring, change, envelope);
      if (newcomer && label)
        database
          .prepare("INSERT OR REPLACE INTO device_labels (device, label, salt) VALUES (?, ?, ?)")
          .run(newcomer.id, label.label, label.salt);
      this.#tidy(before, keyring, change);
      this.passedOn.add(keyring.epoch, extras.passedOn ?? []);
    })();
    this.#keyring = keyring;
    return keyring;
  }

  #enter(keyring: Keyring, change: string, envelope: Envelope): void {
    const { database, appendEntry, nowMs } = this.#options;
    const atMs = nowMs();
    const { epoch, head: keyringHead } = keyring;
    if (epoch === 0)
      appendEntry({ v: 1, kind: "genesis", atMs, origin: keyring.origin, keyringHead });
    appendEntry({ v: 1, kind: "keyring", atMs, epoch, change, keyringHead });
    database
      .prepare("INSERT INTO keyring_statements (epoch, head, envelope) VALUES (?, ?, ?)")
      .run(epoch, keyringHead, JSON.stringify(envelope));
  }

  /** What belonged to the keyring of before: waiting signatures, blobs and names of nobody. */
  #tidy(before: Keyring | null, keyring: Keyring, change: string): void {
    this.proposals.clear();
    this.noticeClock.follow(keyring);
    const ended = keyring.pending || change === "recovery_complete" ? null : before?.pending;
    if (ended) {
      this.passedOn.removeEpoch(ended.epoch);
      this.#options.database
        .prepare("DELETE FROM device_labels WHERE device = ?")
        .run(ended.admit?.id ?? "");
    }
    this.passedOn.keepFor(keyring);
  }

  /** What people call a device; null where the hub's copy is gone or was altered. */
  labelOf(device: DeviceId): string | null {
    const row = this.#options.database
      .prepare<[string], DeviceLabel>("SELECT label, salt FROM device_labels WHERE device = ?")
      .get(device);
    const waiting = this.#keyring?.pending?.admit;
    const known = this.#keyring?.devices.get(device) ?? (waiting?.id === device ? waiting : null);
    const record = known?.record;
    return row && record?.labelSha256 === labelSha256(row) ? row.label : null;
  }
}

/** The device that a statement has brought in or announced. */
function newcomerOf(before: Keyring | null, keyring: Keyring): KeyringDevice | null {
  if (!before?.pending && keyring.pending) return keyring.pending.admit;
  const known = (id: DeviceId): boolean =>
    before?.devices.has(id) === true || before?.pending?.admit?.id === id;
  return [...keyring.devices.values()].find(({ id }) => !known(id)) ?? null;
}

function placeOf(position: KeyringPosition | null): string {
  return position ? `${position.epoch} (${position.head.slice(0, 8)})` : "nothing";
}

function readStatements(database: HubDatabase): Envelope[] {
  return database
    .prepare<[], { envelope: string }>("SELECT envelope FROM keyring_statements ORDER BY epoch")
    .all()
    .map(({ envelope }) => JSON.parse(envelope) as Envelope);
}

function requireOwnLedger(keyring: Keyring, options: HouseholdOptions): void {
  if (
    keyring.origin !== options.origin ||
    toBase64(keyring.ledgerKey) !== toBase64(options.ledgerKey)
  )
    throw new HubError(
      "FOREIGN_HOUSEHOLD",
      "Cannot accept household: it was founded for the ledger of another hub",
    );
}
