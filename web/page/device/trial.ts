import { remember, remembered } from "../remembered.ts";
import type { VaultState } from "./owner-device.ts";

/**
 * A trial: the hub and the keys that open its recordings are on one machine, so that whoever has
 * the machine has both. A page cannot see that by itself: at `localhost` stands either the hub or
 * the near end of a tunnel, and only the person knows which.
 */
const STORED = "doorward-tunnel";
const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

/** True where this page's address is this machine's own. */
export function isLoopback(): boolean {
  return LOOPBACK.includes(location.hostname);
}

export function isThroughTunnel(): boolean {
  return remembered("localStorage", STORED) === "yes";
}

export function rememberTunnel(isTunnel: boolean): void {
  remember("localStorage", STORED, isTunnel ? "yes" : null);
}

/** Whether the keys that this browser keeps lie on the hub's own machine, as far as anyone said. */
export function isTrial(vault: VaultState): boolean {
  return isLoopback() && !isThroughTunnel() && vault.keys !== "none" && !vault.borrowed;
}
