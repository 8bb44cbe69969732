import type { PushAnswer, PushBody, PushStored } from "../protocol/api-push.ts";
import type { DeviceId } from "../protocol/ids.ts";

/** Which browsers of the household take pushes. */
export interface PushDesk extends Disposable {
  /** Of this device, and of no other. */
  answer(device: DeviceId): PushAnswer;
  /**
   * Gives its browser a new secret; one that it had before counts no more.
   *
   * @param origin Of the page that asks, as `https://doorward.local:8443`.
   * @throws HubError `ENDPOINT_NOT_ALLOWED`, `TOO_MANY_SUBSCRIPTIONS`.
   */
  subscribe(device: DeviceId, origin: string, body: PushBody): PushStored;
  /** @param id As {@link PushAnswer} names it; an unknown one is no failure. */
  unsubscribe(device: DeviceId, id: string): PushAnswer;
  /** The device that may look up notices with a secret at this moment; null for none. */
  readerOf(secret: string): DeviceId | null;
  /** It has logged out, or somebody has ended its session. */
  leave(device: DeviceId): void;
  /** After a change of the keyring: whoever is in it no more, is pushed nothing. */
  settle(): void;
}
