import { HubError } from "../protocol/errors.ts";
import type { Passkey } from "../protocol/webauthn.ts";

/**
 * Refuses a passkey that was not made at this hub's page, when its device comes in. Later it is not
 * asked again: a hub that goes by another name still counts what was admitted under the old one.
 *
 * @param origins - Where the hub's page is now, as `https://doorward.local:8443`. The page of a
 *   machine's own is besides: the hub's, or the one that `owner ui` shows on any port.
 * @throws HubError PASSKEY_FOREIGN
 */
export function requireOwnPasskey(
  passkey: Pick<Passkey, "origin" | "relyingPartyId"> | undefined,
  origins: readonly string[],
): void {
  if (passkey === undefined) return;
  const { origin, relyingPartyId } = passkey;
  const url = URL.canParse(origin) ? new URL(origin) : null;
  const isPlain = url !== null && url.origin === origin;
  const isThisMachines = url?.protocol === "http:" && url.hostname === "localhost";
  if (isPlain && url.hostname === relyingPartyId && (isThisMachines || origins.includes(origin)))
    return;
  throw new HubError(
    "PASSKEY_FOREIGN",
    [
      "Cannot let the device in: its passkey was made at an address that is not this hub's;",
      `open ${origins[0] ?? "this hub's own address"} on it, and begin anew there`,
    ].join(" "),
  );
}
