import { createHash } from "node:crypto";
import type { HubDatabase } from "../base/database.ts";
import type { HubServices } from "../http/services.ts";
import type { Settings } from "../settings/settings.ts";

/** Software version and settings go into the ledger when they change, from the claim on. */
export function recordFacts(
  services: HubServices,
  database: HubDatabase,
  settings: Settings,
  version: string,
): void {
  if (!services.household.keyring) return;
  const settingsSha256 = createHash("sha256").update(settings.text).digest("hex");
  const remember = (name: string, value: string, append: () => void): void => {
    const known = database
      .prepare<[string], { value: string }>("SELECT value FROM hub_facts WHERE name = ?")
      .get(name);
    if (known?.value === value) return;
    database.transaction(() => {
      append();
      database
        .prepare("INSERT OR REPLACE INTO hub_facts (name, value) VALUES (?, ?)")
        .run(name, value);
    })();
  };
  const atMs = services.nowMs();
  remember("software", version, () =>
    services.ledger.append({ v: 1, kind: "software", atMs, version }),
  );
  remember("settings", settingsSha256, () =>
    services.ledger.append({ v: 1, kind: "settings", atMs, settingsSha256 }),
  );
}
