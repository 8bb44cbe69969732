import * as Api from "../protocol/api.ts";
import { fromBase64 } from "../protocol/bytes.ts";
import type { EnvelopeSigner } from "../protocol/envelope.ts";
import { HubError } from "../protocol/errors.ts";
import type { Keyring, KeyringChange, Role } from "../protocol/keyring.ts";
import { signingKeyWords } from "../protocol/words.ts";
import { deviceRecord, randomHex, signingKeyOf, type DeviceBundle } from "./device-bundle.ts";
import { envelopeSigner } from "./identity.ts";
import { signAdmission } from "./household.ts";
import type { FollowedHub, HubClient } from "./hub-client.ts";
import { devicesInForce } from "./keyring-changes.ts";
import { commitmentOf, pairingWords, passOn } from "./pairing.ts";

/** A device that waits to be admitted, once both sides have fixed what the words are made of. */
export interface WaitingDevice {
  readonly pairing: string;
  readonly reveal: Api.PairingReveal;
  /** Both screens show these; whoever sits between them has one guess. */
  readonly words: readonly string[];
}

/**
 * Begins the exchange with a device that waits: this device's nonce, then the other's key, which
 * must be the one that it committed to first.
 *
 * @param waitForReveal - Asks again and again until the hub has the other device's key.
 * @throws HubError PAIRING_BROKEN when the key is another one, NOT_OPEN when somebody has begun.
 */
export async function meetDevice(
  client: HubClient,
  { pairing, commitment }: { readonly pairing: string; readonly commitment: string },
  waitForReveal: (look: () => Promise<Api.PairingReveal | null>) => Promise<Api.PairingReveal>,
): Promise<WaitingDevice> {
  const ownerNonce = randomHex(32);
  await client.send(`/api/pairings/${pairing}/nonce`, { nonce: ownerNonce });
  const reveal = await waitForReveal(async () => {
    const waiting = await client.get("/api/pairings", Api.PairingList);
    return waiting.find((one) => one.pairing === pairing)?.reveal ?? null;
  });
  if (commitmentOf(reveal) !== commitment)
    throw new HubError("PAIRING_BROKEN", "Cannot pair: the device shows another key than at first");
  return { pairing, reveal, words: pairingWords(reveal, ownerNonce) };
}

/**
 * The one device whose words are on the screen: the last that was begun with, once it is met. A hub
 * may answer late, also after that was given up or another one begun.
 */
export class Meeting {
  #met: WaitingDevice | null = null;
  #begun = 0;

  /**
   * As {@link meetDevice}, from looking for the device on.
   *
   * @throws HubError NOT_OPEN when another one was begun with; whatever aborted it.
   */
  async begin(
    signal: AbortSignal,
    client: HubClient,
    find: () => Promise<Parameters<typeof meetDevice>[1]>,
    waitForReveal: Parameters<typeof meetDevice>[2],
  ): Promise<WaitingDevice> {
    this.end();
    const turn = this.#begun;
    const met = await meetDevice(client, await find(), waitForReveal);
    signal.throwIfAborted();
    if (turn !== this.#begun)
      throw new HubError("NOT_OPEN", "Cannot pair: another device was begun with");
    this.#met = met;
    return met;
  }

  get met(): WaitingDevice | null {
    return this.#met;
  }

  end(): void {
    this.#begun += 1;
    this.#met = null;
  }
}

/**
 * Signs a device in and passes on the readers of its role, sealed to it alone.
 *
 * @param signer - With the passkey that must confirm, where this device has one.
 */
export async function admitDevice(
  { client, keyring, seen }: Pick<FollowedHub, "client" | "keyring" | "seen">,
  bundle: DeviceBundle,
  { pairing, reveal }: WaitingDevice,
  as: { readonly role: Role; readonly person: string },
  signer: EnvelopeSigner = envelopeSigner(signingKeyOf(bundle)),
): Promise<void> {
  const { signingKey, label, passkey, transferRecipient: transfer } = reveal;
  const device = deviceRecord(fromBase64(signingKey, "signingKey"), label, {
    ...(passkey ? { passkey } : {}),
    transfer,
  });
  const statement = await signAdmission(signer, keyring, { ...as, device }, Date.now());
  const sealed = await passOn(bundle, { reveal, ...as }, seen);
  await client.send(`/api/pairings/${pairing}/admit`, { statement, sealed });
}

/** What an owner looks at who is to sign an admission that another one has proposed. */
export interface ShownAdmission {
  readonly role: Role;
  /** One more who counts, where the role is an owner's: also when it is the proposer once more. */
  readonly isNewPerson: boolean;
  /** Ids of the devices in force that this person has already. */
  readonly devices: readonly string[];
  /** Of the newcomer's signing key; its own screen shows the same eight. */
  readonly words: readonly string[];
}

export function admissionShown(
  keyring: Keyring,
  { person, role, device }: Extract<KeyringChange, { kind: "admit" }>,
): ShownAdmission {
  return {
    role,
    isNewPerson: [...keyring.persons.keys()].every((known) => known !== person),
    devices: devicesInForce(keyring)
      .filter((each) => each.person === person)
      .map(({ id }) => id),
    words: signingKeyWords(fromBase64(device.signingKey, "signingKey")),
  };
}
