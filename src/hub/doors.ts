import { LiveStreams } from "../http/live-streams.ts";
import { News } from "../http/news.ts";
import type { HubServices } from "../http/services.ts";
import type { HubSettings } from "./settings.ts";
import { HubTalk } from "./talk.ts";
import type { ToIngest } from "../ingest/messages.ts";
import { hasOwnSub } from "../settings/cameras.ts";

/** What open pages are connected to for as long as they look. */

export function openLive(
  settings: HubSettings,
  tellIngest: (message: ToIngest) => void,
): LiveStreams {
  return new LiveStreams({
    camera: (id) => {
      const camera = settings.current.cameras.find((configured) => configured.id === id);
      return camera ? { hasSub: hasOwnSub(camera) } : null;
    },
    watch: (stream, on) => tellIngest({ type: "watch", ...stream, on }),
  });
}

export function openTalk(services: () => HubServices, settings: HubSettings): HubTalk {
  return new HubTalk({
    cameras: () => settings.current.cameras,
    isOff: (camera) => services().privacy.isOff(camera),
    maySpeak: (session) =>
      services().sessions.deviceOfSession(session)?.rights.includes("live") === true,
    append: (entry) => void services().ledger.append(entry),
    connections: () => services().connections,
    nowMs: () => services().nowMs(),
  });
}

export function openNews(
  from: Pick<HubServices, "clips" | "ledger" | "household" | "sessions">,
): News {
  const { clips, ledger, household, sessions } = from;
  return new News({
    clipState: (clip) => clips.get(clip)?.state ?? null,
    ledgerSize: () => ledger.size(),
    keyringEpoch: () => household.keyring?.epoch ?? null,
    deviceOfSession: (session) => sessions.deviceOfSession(session),
  });
}
