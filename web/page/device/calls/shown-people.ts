import type { Role } from "../../../../src/protocol/keyring.ts";

/** People and devices of the keyring, with the names that the hub remembers. */

export interface ShownDevice {
  readonly id: string;
  /** As the hub remembers it; the keyring holds its hash only. */
  readonly label: string | null;
  readonly isThis: boolean;
  readonly isRemoved: boolean;
  readonly hasPasskey: boolean;
  /** The address that its passkey belongs to, as `https://doorward.local:8443`; null without one. */
  readonly origin: string | null;
}
export interface ShownPerson {
  readonly person: string;
  readonly role: Role | null;
  readonly isSelf: boolean;
  readonly devices: readonly ShownDevice[];
}
