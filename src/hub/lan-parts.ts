import type { HubDatabase } from "../base/database.ts";
import type { HubServices } from "../http/services.ts";
import type { HubOptions, LanOptions } from "./options.ts";
import type { HubSettings } from "./settings.ts";
import type { LanSettings } from "../settings/listen.ts";

export interface HubLanOptions {
  readonly dataDirectory: string;
  readonly database: HubDatabase;
  readonly settings: HubSettings;
  /** Null: nothing listens on the local network. */
  readonly lan: LanOptions | null;
  readonly pageDirectory: string;
  readonly services: () => HubServices;
  readonly nowMs: () => number;
  readonly log: HubOptions["log"];
}

/** What is listened on, by which a change is noticed. */
export interface Wanted {
  readonly settings: LanSettings;
  readonly names: readonly string[];
  readonly isOpen: boolean;
}
