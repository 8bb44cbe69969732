import { parseSha256Hex, type Sha256Hex } from "../protocol/ids.ts";
import { HubError, MalformedInput } from "../protocol/errors.ts";
import type { DeviceBundle } from "./device-bundle.ts";
import { follow, type HubClient } from "./hub-client.ts";
import type { Seen } from "./witness.ts";

/** What an owner's screen tells a newcomer past the hub: the household, and a place in its ledger. */
export interface PairingPlace {
  readonly genesis: Sha256Hex;
  readonly size: number;
  readonly root: Sha256Hex;
}

const TEXT = /^doorward-pair:1:([0-9a-f]{64}):([1-9][0-9]{0,15}):([0-9a-f]{64})$/;

/** For a QR code, or to be typed where there is no camera. */
export function pairingText(bundle: Pick<DeviceBundle, "genesis">, seen: Seen): string {
  return `doorward-pair:1:${bundle.genesis}:${seen.size}:${seen.root}`;
}

/** @throws MalformedInput */
export function parsePairingText(text: string): PairingPlace {
  const [, genesis, size, root] = TEXT.exec(text.trim()) ?? [];
  if (genesis === undefined || size === undefined || root === undefined)
    throw new MalformedInput(
      "expect",
      "Cannot read what the owner's screen shows: expected doorward-pair:1: and three parts",
    );
  return { genesis: parseSha256Hex(genesis), size: Number(size), root: parseSha256Hex(root) };
}

/**
 * Holds what came by the hub against what the owner's screen showed: the same household, and a
 * ledger that has grown from the place on the screen.
 *
 * @throws HubError PAIRING_BROKEN, LedgerChanged.
 */
export async function requirePlace(
  client: HubClient,
  bundle: DeviceBundle,
  seen: Seen,
  { genesis, size, root }: PairingPlace,
): Promise<void> {
  if (bundle.genesis !== genesis)
    throw new HubError(
      "PAIRING_BROKEN",
      "Cannot join: what arrived is of another household than the owner's screen shows",
    );
  await follow(client, bundle, { ...seen, size, root });
}
