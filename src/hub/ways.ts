import type { HubServices } from "../http/services.ts";
import path from "node:path";
import { HubCopy } from "./copy.ts";
import { openHousePrograms } from "./house.ts";
import { HubLan } from "./lan.ts";
import { HubMailbox } from "./mailbox.ts";
import type { HubParts } from "./parts.ts";
import { HubPush } from "./push.ts";
import type { Household } from "../keys/household.ts";

/** The ways on which somebody of the house reaches the hub, or it them, besides this machine. */
export function openWays(
  parts: HubParts,
  own: {
    readonly household: Household;
    readonly nowMs: () => number;
    readonly version: string;
    /** Where the page's files are, if the options do not say otherwise. */
    readonly page: string;
  },
  services: () => HubServices,
): Pick<HubServices, "mailbox" | "copy" | "lan" | "house" | "push"> {
  const { options, database, settings, ledgerKey } = parts;
  const { household, nowMs, version, page } = own;
  const { dataDirectory, lan = null, pageDirectory = page, log } = options;
  return {
    mailbox: new HubMailbox({
      ...{ database, settings, dataDirectory, log, services },
      sign: (message) => ledgerKey.sign(message),
    }),
    copy: new HubCopy({
      ...{ database, settings, dataDirectory, log, services, nowMs, version },
      databasePath: path.join(dataDirectory, "doorward.db"),
      environment: options.environment ?? {},
      sign: (message) => ledgerKey.sign(message),
    }),
    lan: new HubLan({
      ...{ dataDirectory, database, settings, lan, pageDirectory, services, nowMs, log },
    }),
    house: openHousePrograms(parts, { nowMs, version }, services),
    push: new HubPush(
      { ...parts, household, nowMs, warn: (message) => log("warn", message) },
      () => services().notices,
    ),
  };
}
