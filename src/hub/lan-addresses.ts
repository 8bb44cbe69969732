import type { LanOptions } from "./options.ts";
import { lanAddresses, type LanAddress } from "../lan/names.ts";

/** This machine's addresses on the networks of the house, or those that stand in for them. */
export function addressesOf(lan: LanOptions | null): LanAddress[] {
  if (!lan?.addresses) return lanAddresses();
  return lan.addresses().map((address) => ({
    ...{ address, interface: "", cidr: null },
    family: address.includes(":") ? 6 : 4,
  }));
}
