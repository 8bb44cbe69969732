import { sha256Hex, toHex, utf8Bytes } from "../protocol/bytes.ts";
import { parseJson } from "../protocol/canonical-json.ts";
import { checkShape } from "../protocol/check.ts";
import { HubError } from "../protocol/errors.ts";
import type { DeviceId } from "../protocol/ids.ts";
import type { Carrier } from "../protocol/mailbox-carriers.ts";
import {
  BOX,
  MAILBOX_LIMITS,
  MailboxRepliesSchema,
  pad,
  MAILBOX_SIZES,
  PADDING_BYTES,
  PART_BYTES_MAX,
  signState,
  type MailboxAnswer,
  type MailboxPiece,
  type MailboxReply,
  type MailboxState,
} from "../protocol/mailbox.ts";
import { makeBox, openBox } from "./box.ts";
import type { DeviceRow, Inbox, MailboxRows, PartRow } from "./rows.ts";

/** A state is put anew at the latest after this: who looks at it sees how old it is. */
const STATE_AGE_MS = 3_600_000;
/** A device that was just at home has seen more than its state says; not at each of its looks. */
const CATCH_UP_MS = 60_000;
/** What a carrier drops by itself is put again so long before. */
const RENEW_MS = 20 * 60_000;
const UNWANTED_PER_TURN = 100;
/** Of removals, before the next things are done. */
const REFUSED_PER_TURN_MAX = 5;

/** What the mailbox itself puts into a state. */
export type OwnState = Pick<
  MailboxState,
  "sequence" | "atMs" | "pieces" | "leftOut" | "inbox" | "answers"
> & { readonly device: DeviceId };

export interface WantedFile {
  readonly clip: string;
  readonly name: string;
  readonly sizeBytes: number;
}

/** What is the same for all devices, and what of it makes a new state necessary. */
export interface MailboxHouse {
  readonly nowMs: () => number;
  readonly random: (size: number) => Uint8Array;
  /** Those in force that may sign, and can be sealed to. */
  readonly devices: () => readonly { readonly device: DeviceId; readonly transfer: string }[];
  /** Sealed files of the candidates, the most wanted first. */
  readonly wanted: () => readonly WantedFile[];
  /** Of everything that a state says, apart from times and proofs. */
  readonly material: (device: DeviceId) => string;
  /** For the ledger as it is now. */
  readonly compose: (own: OwnState, seenSizes: readonly number[]) => MailboxState;
  /** What has to be looked up before anything is asked; once a turn. */
  readonly prepare: () => Promise<void>;
  readonly ledgerSize: () => number;
  /** Null where it is not there any more. */
  readonly readFile: (file: WantedFile) => Promise<Uint8Array | null>;
  /** A device is being given pieces of these recordings. */
  readonly give: (device: DeviceId, clip: string) => void;
  readonly seal: (content: Uint8Array, recipient: string) => Uint8Array;
  readonly sign: (message: Uint8Array) => Uint8Array;
  /** @throws HubError as the route for it does. */
  readonly take: (device: DeviceId, reply: MailboxReply) => Promise<void>;
}

/** What goes out and comes back, a turn at a time; nothing in it is believed that was not sealed here. */
export class Mailbox {
  readonly #house: MailboxHouse;
  readonly #rows: MailboxRows;

  constructor(house: MailboxHouse, rows: MailboxRows) {
    this.#house = house;
    this.#rows = rows;
  }

  /**
   * Takes what came, puts what is new, removes what is done with.
   *
   * @param spaceBytes - For pieces of recordings, as they lie on the carrier.
   * @throws HubError CARRIER_UNREACHABLE, CARRIER_FAILED; the next turn goes on from there.
   */
  async turn(carrier: Carrier, spaceBytes: number): Promise<void> {
    this.#settleDevices();
    await this.#takeReplies(carrier);
    await this.#house.prepare();
    // Left by earlier turns: it would take up room beside what is put now.
    await this.#removeUnwanted(carrier);
    await this.#putPieces(carrier, spaceBytes);
    for (const row of this.#rows.devices()) await this.#putState(carrier, row);
    await this.#removeUnwanted(carrier);
  }

  /**
   * Removes what still lies on a carrier that is to be the mailbox no more.
   *
   * @throws HubError CARRIER_UNREACHABLE, CARRIER_FAILED; what it has not removed is still known.
   */
  async leave(carrier: Carrier): Promise<void> {
    this.#rows.unwantAll(this.#house.nowMs());
    while (this.#rows.unwantedItems(1).length > 0) {
      const failure = await this.#removeUnwanted(carrier);
      if (failure) throw failure;
    }
  }

  /**
   * What a server does not let go, it holds up nothing with: the others first, the next time.
   *
   * @returns The last failure, where there was one.
   */
  async #removeUnwanted(carrier: Carrier): Promise<HubError | null> {
    let [last, failures]: [HubError | null, number] = [null, 0];
    for (const item of this.#rows.unwantedItems(UNWANTED_PER_TURN)) {
      try {
        await carrier.remove(item);
        this.#rows.gone(item);
      } catch (error) {
        if (!(error instanceof HubError)) throw error;
        this.#rows.putBack(item, this.#house.nowMs());
        last = error;
        failures += 1;
        if (error.code === "CARRIER_UNREACHABLE" || failures >= REFUSED_PER_TURN_MAX) break;
      }
    }
    return last;
  }

  /** Who signs no more gets nothing more, and nothing of him is looked at. */
  #settleDevices(): void {
    const inForce = this.#house.devices().slice(0, MAILBOX_LIMITS.devices);
    const known = this.#rows.devices();
    for (const row of known)
      if (!inForce.some(({ device }) => device === row.device))
        this.#rows.removeDevice(row, this.#house.nowMs());
    for (const { device } of inForce)
      if (!known.some((row) => row.device === device))
        this.#rows.addDevice(device, this.#name(), this.#inbox());
  }

  async #takeReplies(carrier: Carrier): Promise<void> {
    const rows = this.#rows.devices();
    const inboxes = rows.flatMap(({ inbox, earlier }) => (earlier ? [inbox, earlier] : [inbox]));
    const found = await carrier.get(inboxes.map(({ item }) => item));
    for (const row of rows) {
      const fresh = new Map<string, MailboxReply>();
      for (const inbox of [row.inbox, ...(row.earlier ? [row.earlier] : [])])
        for (const reply of this.#repliesIn(row, inbox, found.get(inbox.item)))
          if (!row.answers.some(({ id }) => id === reply.id)) fresh.set(reply.id, reply);
      if (fresh.size === 0) continue;
      const answers: MailboxAnswer[] = [...row.answers];
      for (const reply of [...fresh.values()].slice(0, MAILBOX_LIMITS.replies))
        answers.unshift(await this.#answer(row, reply));
      const kept = answers.slice(0, 2 * MAILBOX_LIMITS.replies);
      this.#rows.answered(row, kept, this.#inbox(), this.#house.nowMs());
    }
  }

  /** What is not this device's own, under the key that it was given, is nobody's. */
  #repliesIn(row: DeviceRow, inbox: Inbox, box: Uint8Array | undefined): readonly MailboxReply[] {
    const content = box && openBox(box, inbox);
    if (!content) return [];
    try {
      const sent = checkShape(MailboxRepliesSchema, parseJson(content, "replies"), "replies");
      return sent.device === row.device ? sent.replies : [];
    } catch (error) {
      if (error instanceof HubError) return [];
      throw error;
    }
  }

  async #answer({ device }: DeviceRow, reply: MailboxReply): Promise<MailboxAnswer> {
    const { id, request } = reply;
    const atMs = this.#house.nowMs();
    try {
      await this.#house.take(device, reply);
      return { id, request, taken: true, code: null, message: null, atMs };
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      const message = error.message.slice(0, 500);
      return { id, request, taken: false, code: error.code.slice(0, 60), message, atMs };
    }
  }

  async #putPieces(carrier: Carrier, spaceBytes: number): Promise<void> {
    const wanted = withinSpace(this.#house.wanted(), spaceBytes);
    const nowMs = this.#house.nowMs();
    const isWanted = (part: PartRow): boolean =>
      wanted.some(({ clip, name }) => clip === part.clip && name === part.name);
    for (const part of this.#rows.parts()) {
      const isDying = part.expiresAtMs !== null && part.expiresAtMs < nowMs + RENEW_MS;
      if (!isWanted(part) || isDying) this.#rows.removePart(part.item, nowMs);
    }
    const there = this.#rows.parts();
    for (const file of wanted) {
      const own = there.filter(({ clip, name }) => clip === file.clip && name === file.name);
      if (own.filter(({ isThere }) => isThere).length < partsOf(file))
        await this.#putFile(carrier, file, own);
    }
  }

  async #putFile(carrier: Carrier, file: WantedFile, there: readonly PartRow[]): Promise<void> {
    const bytes = await this.#house.readFile(file);
    // It is being replaced or deleted: the next turn knows more.
    if (bytes?.length !== file.sizeBytes) return;
    for (let part = 0; part < partsOf(file); part += 1) {
      const known = there.find((row) => row.part === part);
      if (known?.isThere) continue;
      const box = known ? { item: known.item, key: known.key } : this.#inbox();
      const content = bytes.subarray(part * PART_BYTES_MAX, (part + 1) * PART_BYTES_MAX);
      const salt = this.#house.random(BOX.saltBytes);
      const { clip, name, sizeBytes: fileBytes } = file;
      if (!known)
        this.#rows.beginPart({ ...box, clip, name, part, fileBytes, putAtMs: this.#house.nowMs() });
      const { expiresAtMs } = await carrier.put(box.item, makeBox(content, { ...box, salt }));
      this.#rows.partIsThere(box.item, this.#house.nowMs(), expiresAtMs);
    }
  }

  async #putState(carrier: Carrier, row: DeviceRow): Promise<void> {
    const { device } = row;
    const transfer = this.#house.devices().find((one) => one.device === device)?.transfer;
    if (transfer === undefined) return;
    const pieces = this.#pieces();
    const material = sha256Hex(
      utf8Bytes(
        JSON.stringify([this.#house.material(device), pieces, row.answers, row.inbox.item]),
      ),
    );
    if (!this.#isDue(row, material)) return;
    for (const clip of new Set(pieces.map((piece) => piece.clip))) this.#house.give(device, clip);
    const leftOut = this.#house.wanted().length - pieces.length;
    const size = this.#house.ledgerSize();
    const seen = this.#rows.seenBy(device).filter((one) => one.size <= size);
    this.#rows.begin(device, material, size);
    const own = {
      ...{ device, pieces, leftOut, answers: [...row.answers] },
      sequence: row.sequence + 1,
      atMs: this.#house.nowMs(),
      inbox: { item: row.inbox.item, key: toHex(row.inbox.key) },
    };
    const sizes = seen.map((one) => one.size).slice(0, MAILBOX_LIMITS.consistencyProofs);
    const state = this.#house.compose(own, sizes);
    const content = pad(signState(state, this.#house.sign));
    const { expiresAtMs } = await carrier.put(row.stateItem, this.#house.seal(content, transfer));
    this.#rows.put(device, this.#house.nowMs(), expiresAtMs);
  }

  #isDue(row: DeviceRow, material: string): boolean {
    const { putAtMs, expiresAtMs } = row;
    if (putAtMs === null || material !== row.materialSha256) return true;
    const ageMs = this.#house.nowMs() - putAtMs;
    const seenAtHome = this.#rows.seenBy(row.device).find(({ isAtHome }) => isAtHome)?.size ?? 0;
    return (
      ageMs >= STATE_AGE_MS ||
      // A clock that was set back.
      ageMs < 0 ||
      (expiresAtMs !== null && expiresAtMs < this.#house.nowMs() + RENEW_MS) ||
      (seenAtHome > row.size && ageMs >= CATCH_UP_MS)
    );
  }

  /** Files all of whose parts are there. */
  #pieces(): MailboxPiece[] {
    const parts = this.#rows.parts();
    return this.#house.wanted().flatMap((file) => {
      const own = parts.filter(
        ({ clip, name, isThere }) => isThere && clip === file.clip && name === file.name,
      );
      if (own.length !== partsOf(file) || own.length === 0) return [];
      return [{ ...file, parts: own.map(({ item, key }) => ({ item, key: toHex(key) })) }];
    });
  }

  #inbox(): Inbox {
    return { item: this.#name(), key: this.#house.random(BOX.keyBytes) };
  }

  #name(): string {
    return toHex(this.#house.random(16));
  }
}

function partsOf({ sizeBytes }: WantedFile): number {
  return Math.ceil(sizeBytes / PART_BYTES_MAX);
}

/** As many as there is room for, in their order; one that is too large lets smaller ones through. */
function withinSpace(files: readonly WantedFile[], spaceBytes: number): WantedFile[] {
  const taken: WantedFile[] = [];
  let left = spaceBytes;
  for (const file of files) {
    const bytes = paddedBytes(file);
    const isTooMany =
      taken.length >= MAILBOX_LIMITS.pieces || partsOf(file) > MAILBOX_LIMITS.partsPerPiece;
    if (isTooMany || file.sizeBytes === 0 || bytes > left) continue;
    left -= bytes;
    taken.push(file);
  }
  return taken;
}

/** What it takes up on the carrier. */
function paddedBytes(file: WantedFile): number {
  const whole = partsOf(file) - 1;
  const rest = file.sizeBytes - whole * PART_BYTES_MAX;
  const last = MAILBOX_SIZES.find((size) => size - PADDING_BYTES >= rest) ?? 0;
  return whole * (PART_BYTES_MAX + PADDING_BYTES) + last;
}
