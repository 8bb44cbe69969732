import type { HubDatabase } from "../base/database.ts";
import type { HubServices } from "../http/services.ts";
import type { CameraConnections } from "./connections.ts";
import type { Health } from "./health.ts";
import { CameraPrivacy } from "./privacy.ts";
import type { ToIngest } from "../ingest/messages.ts";
import type { Household } from "../keys/household.ts";
import { parseCameraId, parseDeviceId } from "../protocol/ids.ts";
import type { LedgerEntry } from "../protocol/ledger-entry.ts";
import type { CameraSettings } from "../settings/cameras.ts";

/** The privacy switch, and all that is told of it. */
export function openPrivacy(parts: {
  database: HubDatabase;
  settings: { readonly current: { readonly cameras: readonly CameraSettings[] } };
  household: Household;
  appendEntry: (entry: LedgerEntry) => number;
  nowMs: () => number;
  upMs: () => number;
  isClockBelieved: () => boolean;
  timeZone: string;
}): CameraPrivacy {
  const { database, settings, household, appendEntry, nowMs, upMs, isClockBelieved } = parts;
  return new CameraPrivacy({
    ...{ database, appendEntry, nowMs, upMs, isClockBelieved, timeZone: parts.timeZone },
    cameras: () => settings.current.cameras,
    isClaimed: () => household.keyring !== null,
    personOf: (device) => household.keyring?.devices.get(parseDeviceId(device))?.person ?? null,
  });
}

/** What is switched off ends everywhere at once. */
export function followPrivacy(
  { privacy, live, news, talk }: HubServices,
  parts: {
    health: Health;
    connections: CameraConnections;
    tellIngest: (message: ToIngest) => void;
  },
): void {
  const { health, connections, tellIngest } = parts;
  privacy.onChange((id, isOff) => {
    tellIngest(privacyMessage(id, isOff));
    health.forgetCamera(id);
    if (isOff) {
      live.switchedOff(id);
      talk.switchedOff(id);
      connections.switchedOff(id);
    }
    news.tell("cameras");
  });
}

/** Where the ledger cannot be written now, it is tried again by itself. */
export function settlePrivacy(
  privacy: HubServices["privacy"],
  log: (level: "warn", message: string) => void,
): void {
  try {
    privacy.settle();
  } catch (error) {
    log("warn", `cameras not switched: ${error instanceof Error ? error.message : "?"}`);
  }
}

/** What an ingest process has to know before it is told of any camera. */
export function privacyGreeting(privacy: HubServices["privacy"]): ToIngest[] {
  return privacy.allOff().map((camera) => privacyMessage(camera, true));
}

function privacyMessage(camera: string, isOff: boolean): ToIngest {
  return { type: "privacy", camera: parseCameraId(camera), isOff };
}
