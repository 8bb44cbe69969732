import { generateReaders, type DeviceBundle } from "../../src/owner/device-bundle.ts";
import { envelopeSigner } from "../../src/owner/identity.ts";
import { rewrapClip } from "../../src/owner/rewrap.ts";
import type { ClipId } from "../../src/protocol/ids.ts";
import type { Readers } from "../../src/protocol/keyring.ts";
import { followTestHub } from "./test-rendition.ts";
import type { TestDevice, TestHub } from "./test-hub.ts";

/** Removes `device`, with new readers; the founder's device as it is then comes back. */
export async function removeAndRotate(hub: TestHub, device: string): Promise<TestDevice> {
  const { keyring } = hub.hub.services.household;
  if (!keyring) throw new Error("nobody has claimed this hub");
  const { held, recipients } = await generateReaders(keyring.readers.kind);
  const readers: Readers = { ...keyring.readers, ...recipients };
  await hub.change({ kind: "remove", device, readers });
  const bundle: DeviceBundle = {
    ...hub.owner.bundle,
    readers: held,
    earlier: [hub.owner.bundle.readers, ...(hub.owner.bundle.earlier ?? [])],
  };
  return { ...hub.owner, bundle };
}

/** Seals a clip anew over HTTP, as an owner's device does it. */
export async function rewrapOn(hub: TestHub, owner: TestDevice, clip: ClipId): Promise<number> {
  const signer = envelopeSigner(owner.key);
  return rewrapClip(await followTestHub(hub, owner), { bundle: owner.bundle, signer }, clip);
}
