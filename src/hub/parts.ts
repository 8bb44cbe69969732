import type { HubDatabase } from "../base/database.ts";
import type { Bells } from "./bells.ts";
import type { CameraConnections } from "./connections.ts";
import type { Health } from "./health.ts";
import type { HubOptions } from "./options.ts";
import type { HubSettings } from "./settings.ts";
import type { ToIngest } from "../ingest/messages.ts";
import type { LedgerKey } from "../keys/hub-keys.ts";
import type { PushKeys } from "../notify/push-keys.ts";
import type { NotifySecrets } from "../settings/notify.ts";

export interface HubUrls {
  main: string;
  outside: string | null;
}

/** What is open before the services are made of it. */
export interface HubParts {
  options: HubOptions;
  database: HubDatabase;
  ledgerKey: LedgerKey;
  clipsDirectory: string;
  /** Filled in once the hub listens. */
  urls: HubUrls;
  health: Health;
  settings: HubSettings;
  connections: CameraConnections;
  bells: Bells;
  notifySecrets: NotifySecrets;
  pushKeys: PushKeys | null;
  /** The recorder checks a new keyring for itself; services are made before its process. */
  tellIngest: (message: ToIngest) => void;
}
