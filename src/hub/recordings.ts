import type { HubDatabase } from "../base/database.ts";
import { Nothings } from "../clips/nothings.ts";
import { RenditionUploads } from "../clips/renditions.ts";
import { RETENTION_DEFAULT } from "../clips/retention-plan.ts";
import { Retention } from "../clips/retention.ts";
import { Rewraps } from "../clips/rewraps.ts";
import type { ClipStore } from "../clips/store.ts";
import { ProposalStore } from "../consent/proposals.ts";
import { createReleased } from "../consent/released-clips.ts";
import type { RequestStore } from "../consent/requests.ts";
import type { HubServices } from "../http/services.ts";
import type { HubOptions } from "./options.ts";
import type { HubSettings } from "./settings.ts";
import type { Keyring } from "../protocol/keyring.ts";
import type { LedgerEntry } from "../protocol/ledger-entry.ts";

/** What is done with recordings once they are whole. */
export function openRecordings(parts: {
  readonly options: HubOptions;
  readonly settings: HubSettings;
  readonly database: HubDatabase;
  readonly clips: ClipStore;
  readonly clipsDirectory: string;
  readonly requests: RequestStore;
  readonly appendEntry: (entry: LedgerEntry) => number;
  readonly keyring: () => Keyring;
  readonly nowMs: () => number;
}): Pick<HubServices, "retention" | "renditions" | "rewraps" | "nothings"> {
  const { options, settings, database, clips, clipsDirectory, requests, ...rest } = parts;
  const { appendEntry, keyring, nowMs } = rest;
  const common = { database, store: clips, appendEntry, nowMs };
  const released = createReleased(requests, new ProposalStore(database));
  return {
    retention: Retention.open({
      ...common,
      ...{ clipsDirectory, dataDirectory: options.dataDirectory, log: options.log },
      ...(options.monotonicMs ? { monotonicMs: options.monotonicMs } : {}),
      rules: () => settings.current.retention ?? RETENTION_DEFAULT,
      released: released.clips,
    }),
    renditions: RenditionUploads.open({ ...common, keyring, released: released.payloads }),
    nothings: new Nothings(database, clips),
    rewraps: Rewraps.open({ ...common, keyring, log: options.log }),
  };
}
