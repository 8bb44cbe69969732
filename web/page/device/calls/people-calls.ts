import { admitDevice, Meeting } from "../../../../src/owner/admission.ts";
import { deviceOfBundle, randomHex } from "../../../../src/owner/device-bundle.ts";
import * as Api from "../../../../src/protocol/api.ts";
import { fromBase64 } from "../../../../src/protocol/bytes.ts";
import { deviceIdOf } from "../../../../src/protocol/envelope.ts";
import { HubError } from "../../../../src/protocol/errors.ts";
import { roleOfDevice, type Role } from "../../../../src/protocol/keyring.ts";
import { recipientWords } from "../../../../src/protocol/words.ts";
import { confirmingSigner } from "../confirming-signer.ts";
import type { VaultContext } from "../vault-worker.ts";
import type { ShownDevice, ShownPerson } from "./shown-people.ts";

const POLL_MS = 500;

/** The one device that an owner is just comparing words with. */
const meeting = new Meeting();

/** Who belongs to the household, and who may come in. */
export const peopleCalls = {
  devices: async ({ device }: VaultContext) => device.client.get("/api/devices", Api.DeviceList),

  /** The keyring as this device has checked it, with the names that the hub remembers. */
  household: async ({ device }: VaultContext) => {
    const { client, keyring } = await device.follow();
    const labels = new Map(
      (await client.get("/api/devices", Api.DeviceList)).map((one) => [one.device, one.label]),
    );
    const own = deviceOfBundle(device.bundle);
    const people = new Map<string, { role: Role | null; devices: ShownDevice[] }>();
    for (const { id, person, record, removed } of keyring.devices.values()) {
      const known = people.get(person) ?? { role: null, devices: [] };
      known.role ??= roleOfDevice(keyring, id);
      known.devices.push({
        id,
        label: labels.get(id) ?? null,
        isThis: id === own,
        isRemoved: removed,
        hasPasskey: record.passkey !== undefined,
        origin: record.passkey?.origin ?? null,
      });
      people.set(person, known);
    }
    const { readers, policy, epoch } = keyring;
    const owners = [...people.values()]
      .filter(({ role }) => role === "owner")
      .flatMap(({ devices }) => devices.filter(({ isRemoved }) => !isRemoved));
    return {
      people: [...people].map(([person, { role, devices }]): ShownPerson => ({
        ...{ person, role, devices },
        isSelf: devices.some(({ isThis }) => isThis),
      })),
      isLastOwner: owners.length === 1 && owners[0]?.id === own,
      ...{ epoch, kind: readers.kind, policy },
      fingerprints: [
        { reader: "originals" as const, words: recipientWords(readers.originals) },
        { reader: "blurred" as const, words: recipientWords(readers.blurred) },
        { reader: "recovery" as const, words: recipientWords(readers.recovery) },
      ],
    };
  },

  sessions: async ({ device }: VaultContext) => device.client.get("/api/sessions", Api.SessionList),

  endSession: async ({ device }: VaultContext, { session }: { session: string }) =>
    device.client.delete(`/api/sessions/${session}`),

  /** Devices that wait for an owner and that nobody has begun with. */
  waitingDevices: async ({ device }: VaultContext) => {
    const waiting = await device.client.get("/api/pairings", Api.PairingList);
    return waiting
      .filter(({ reveal }) => reveal === null)
      .map(({ pairing, expiresAtMs }) => ({ pairing, expiresAtMs }));
  },

  /** Begins with a waiting device: its name, and the three words that it must show as well. */
  meet: async ({ device, signal }: VaultContext, { pairing }: { pairing: string }) => {
    const { client } = device;
    const find = async () => {
      const waiting = await client.get("/api/pairings", Api.PairingList);
      const found = waiting.find((one) => one.pairing === pairing);
      if (!found) throw new HubError("NOT_FOUND", "Cannot pair: the device waits no longer");
      return found;
    };
    const { reveal, words } = await meeting.begin(signal, client, find, async (look) => {
      for (;;) {
        signal.throwIfAborted();
        const shown = await look();
        if (shown) return shown;
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    });
    return { words, label: reveal.label.label, hasPasskey: reveal.passkey !== undefined };
  },

  /**
   * Signs the device in whose words were just compared.
   *
   * @returns Whether it is in now; where several owners must sign, it waits for the others.
   */
  admit: async (context: VaultContext, { role, person }: { role: Role; person: string | null }) => {
    const { met } = meeting;
    if (!met) throw new HubError("NOT_OPEN", "Cannot pair: start again");
    const { device } = context;
    const as = { role, person: person ?? randomHex(16) };
    const hub = await device.follow();
    const signer = await confirmingSigner(context, hub.keyring);
    await admitDevice(hub, device.bundle, met, as, signer);
    meeting.end();
    const { keyring } = await device.follow();
    return {
      isIn: keyring.devices.has(deviceIdOf(fromBase64(met.reveal.signingKey, "signingKey"))),
    };
  },

  /** The words were not the same: nothing is signed, and the other device gives up by itself. */
  turnAway: async (_context: VaultContext) => {
    meeting.end();
  },
};
