import { Decrypter } from "age-encryption";
import { MailboxAnswer as HubMailboxAnswer } from "../protocol/api-mailbox.ts";
import { sha256Hex, utf8Bytes } from "../protocol/bytes.ts";
import { HubError } from "../protocol/errors.ts";
import { parseSha256Hex } from "../protocol/ids.ts";
import { verifyKeyring, type Keyring } from "../protocol/keyring.ts";
import { openCarrier, type Carrier, type Exchange } from "../protocol/mailbox-carriers.ts";
import {
  MAILBOX_LIMITS,
  readState,
  unpad,
  type MailboxReply,
  type MailboxState,
} from "../protocol/mailbox.ts";
import { deviceOfBundle, signingKeyOf, transferKeyOf, type DeviceBundle } from "./device-bundle.ts";
import type { HubClient } from "./hub-client.ts";
import { makeBox } from "./mailbox-box.ts";
import { deviceExchange } from "./mailbox-exchange.ts";
import type { MailboxMemory } from "./mailbox-memory.ts";
import type { Seen } from "./witness.ts";

/** Where a device keeps its memory of the mailbox. */
export interface MemoryStore {
  read(): Promise<MailboxMemory | null>;
  write(memory: MailboxMemory): Promise<void>;
}

/** The mailbox as this device has just found it: opened, signed by its own hub, and not an older one. */
export interface FoundMailbox {
  readonly state: MailboxState;
  readonly carrier: Carrier;
}

/**
 * Learns, at home, where the mailbox is.
 *
 * @returns Whether the household has one that holds something for this device.
 */
export async function learnMailbox(
  client: Pick<HubClient, "get">,
  store: MemoryStore,
): Promise<boolean> {
  const { place, item } = await client.get("/api/mailbox", HubMailboxAnswer);
  if (!place || item === null) return false;
  const known = await store.read().catch(forgetUnreadable);
  const isSame =
    known !== null && known.item === item && JSON.stringify(known.place) === JSON.stringify(place);
  if (isSame) return true;
  // What was signed and has no answer goes along to the new place.
  const outbox = known?.outbox ?? [];
  const answers = known?.answers ?? [];
  await store.write({ v: 1, place, item, sequence: 0, stateSha256: null, outbox, answers });
  return true;
}

function forgetUnreadable(error: unknown): null {
  if (error instanceof HubError && error.code === "MAILBOX_UNKNOWN") return null;
  throw error;
}

/**
 * Looks into the mailbox. What lies there is believed only where it was sealed to this device and
 * signed by the ledger key of its own household, and is at least as new as what was seen before.
 *
 * @throws HubError MAILBOX_UNKNOWN, MAILBOX_EMPTY, MAILBOX_ALTERED, MAILBOX_OLD, CARRIER_....
 */
export async function lookIntoMailbox(
  bundle: DeviceBundle,
  store: MemoryStore,
  seen: Seen | null,
  exchange: Exchange = deviceExchange,
): Promise<FoundMailbox> {
  const memory = await store.read();
  if (!memory)
    throw new HubError(
      "MAILBOX_UNKNOWN",
      "Cannot look into the mailbox: this device was never told of one at home",
    );
  const carrier = openCarrier(memory.place, exchange);
  const sealed = (await carrier.get([memory.item])).get(memory.item);
  if (!sealed)
    throw new HubError(
      "MAILBOX_EMPTY",
      "Nothing is in the mailbox: the hub has put nothing there, or somebody has taken it away",
    );
  const state = await openState(bundle, sealed);
  const stateSha256 = sha256Hex(utf8Bytes(JSON.stringify(state)));
  requireNotOlder(state, stateSha256, memory, seen);
  const answered = new Set(state.answers.map(({ id }) => id));
  const nowMs = Date.now();
  const next: MailboxMemory = {
    ...memory,
    sequence: state.sequence,
    stateSha256,
    outbox: memory.outbox.filter(
      ({ id, signedAtMs }) => !answered.has(id) && signedAtMs > nowMs - 4 * MAILBOX_LIMITS.ageMs,
    ),
    answers: state.answers,
  };
  await store.write(next);
  // Whatever became of the last one: what has no answer is put where it is looked for now.
  if (next.outbox.length > 0) await putReplies(bundle, { state, carrier }, next.outbox);
  return { state, carrier };
}

async function openState(bundle: DeviceBundle, sealed: Uint8Array): Promise<MailboxState> {
  const decrypter = new Decrypter();
  decrypter.addIdentity((await transferKeyOf(signingKeyOf(bundle))).identity);
  let found: ReturnType<typeof readState>;
  let keyring: Keyring;
  try {
    found = readState(unpad(await decrypter.decrypt(sealed)));
    keyring = verifyKeyring(found.state.keyring, parseSha256Hex(bundle.genesis));
  } catch (cause) {
    throw altered("it is not what a hub puts there for this device", cause);
  }
  const { state, isSignedBy } = found;
  if (!isSignedBy(keyring.ledgerKey)) throw altered("this household's hub has not signed it");
  if (state.device !== deviceOfBundle(bundle) || state.origin !== keyring.origin)
    throw altered("it is for another device");
  return state;
}

function altered(why: string, cause?: unknown): HubError {
  return new HubError("MAILBOX_ALTERED", `Cannot believe the mailbox: ${why}`, { cause });
}

/** A carrier can hold back what is new. That is no sign of a hub that lies, and is told apart. */
function requireNotOlder(
  { sequence, size, atMs }: MailboxState,
  stateSha256: string,
  memory: MailboxMemory,
  seen: Seen | null,
): void {
  const isOlder = sequence < memory.sequence || (seen !== null && size < seen.size);
  if (isOlder)
    throw new HubError(
      "MAILBOX_OLD",
      `Cannot use what lies in the mailbox: it is of ${new Date(atMs).toISOString()}, and this device has seen more; try again in some minutes`,
    );
  if (
    sequence === memory.sequence &&
    memory.stateSha256 !== null &&
    memory.stateSha256 !== stateSha256
  )
    throw altered("two different ones carry the same number");
}

/** Signs nothing: hands in what was signed, and remembers it until there is an answer. */
export async function sendReply(
  bundle: DeviceBundle,
  store: MemoryStore,
  found: FoundMailbox,
  reply: MailboxReply,
): Promise<void> {
  const memory = await store.read();
  if (!memory) throw new HubError("MAILBOX_UNKNOWN", "Cannot send: there is no mailbox any more");
  const others = memory.outbox.filter(({ request }) => request !== reply.request);
  if (others.length >= MAILBOX_LIMITS.replies)
    throw new HubError("TOO_LARGE", "Cannot send: too many answers wait in the mailbox already");
  const outbox = [...others, reply];
  // In the mailbox first: what could not be put there was not sent, and may be signed again.
  await putReplies(bundle, found, outbox);
  await store.write({ ...memory, outbox });
}

async function putReplies(
  bundle: DeviceBundle,
  { state, carrier }: FoundMailbox,
  replies: readonly MailboxReply[],
): Promise<void> {
  const content = JSON.stringify({ v: 1, device: deviceOfBundle(bundle), replies });
  await carrier.put(state.inbox.item, await makeBox(utf8Bytes(content), state.inbox));
}
