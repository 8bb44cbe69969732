import { admitDevice, meetDevice } from "../../src/owner/admission.ts";
import { PairingList } from "../../src/protocol/api.ts";
import type { Role } from "../../src/protocol/keyring.ts";
import type { TestDevice, TestHub } from "./test-hub.ts";
import { followTestHub } from "./test-rendition.ts";

/**
 * Meets the one device that waits, and signs it in as `by` would; where two must sign, that only
 * proposes it.
 *
 * @param reveal - Called when the newcomer may show its key.
 */
export async function proposeAdmission(
  hub: TestHub,
  by: TestDevice,
  as: { readonly role: Role; readonly person: string },
  reveal: (pairing: string) => Promise<void> = async () => undefined,
): Promise<void> {
  const followed = await followTestHub(hub, by);
  const [pairing] = await followed.client.get("/api/pairings", PairingList);
  if (!pairing) throw new Error("no device waits");
  const met = await meetDevice(followed.client, pairing, async (look) => {
    await reveal(pairing.pairing);
    for (;;) {
      const shown = await look();
      if (shown) return shown;
    }
  });
  await admitDevice(followed, by.bundle, met, as);
}
