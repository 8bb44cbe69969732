import { addBellRoutes } from "./http/bell-routes.ts";
import { addCameraRoutes } from "./http/camera-routes.ts";
import { addChimeRoutes } from "./http/chime-routes.ts";
import { addClipRoutes } from "./http/clip-routes.ts";
import { addConnectionRoutes } from "./http/connections.ts";
import { addConsentRoutes } from "./http/consent-routes.ts";
import { addWithdrawalRoute } from "./http/decision-routes.ts";
import { addEventRoutes } from "./http/event-routes.ts";
import { addHandlingRoutes } from "./http/handling-routes.ts";
import { addHouseholdRoutes } from "./http/household-routes.ts";
import { addKeyringRoutes } from "./http/keyring-routes.ts";
import { addLedgerRoutes } from "./http/ledger-routes.ts";
import { addLiveRoutes } from "./http/live-routes.ts";
import { addMailboxRoutes } from "./http/mailbox-routes.ts";
import { addMaskRoutes } from "./http/mask-routes.ts";
import { addNewsRoutes } from "./http/news-routes.ts";
import { addNoticeFacts, addNoticeRoute } from "./http/notice-routes.ts";
import { addNotificationRoutes } from "./http/notification-routes.ts";
import { addPickUpRoute } from "./http/pick-up-routes.ts";
import { addPresenceRoutes } from "./http/presence-routes.ts";
import { addPrivacyRoutes } from "./http/privacy-routes.ts";
import { addRenditionRoutes } from "./http/rendition-routes.ts";
import { addRetentionRoutes } from "./http/retention-routes.ts";
import { addRewrapRoutes } from "./http/rewrap-routes.ts";
import { addSessionRoutes } from "./http/session-routes.ts";
import { addSettingsRoutes } from "./http/settings-routes.ts";
import { addShareRoutes } from "./http/share-routes.ts";
import { addStatementRoutes } from "./http/statement-routes.ts";
import { addTalkRoutes } from "./http/talk-routes.ts";
import { addTimelineRoutes } from "./http/timeline-routes.ts";
import { addZoneRoutes } from "./http/zone-routes.ts";
import type { HubServer } from "./http/server.ts";
import type { HubServices } from "./http/services.ts";

/**
 * All that the household may ask of its hub, on whichever listener it comes in: what a route demands
 * is the same on each.
 */
export function addHouseRoutes(server: HubServer, services: HubServices): void {
  addSessionRoutes(server, services);
  addHouseholdRoutes(server, services);
  addKeyringRoutes(server, services);
  addClipRoutes(server, services);
  addTimelineRoutes(server, services);
  addLiveRoutes(server, services);
  addTalkRoutes(server, services);
  addRetentionRoutes(server, services);
  addRenditionRoutes(server, services);
  addRewrapRoutes(server, services);
  addSettingsRoutes(server, services);
  addCameraRoutes(server, services);
  addZoneRoutes(server, services);
  addEventRoutes(server, services);
  addMaskRoutes(server, services);
  addMailboxRoutes(server, services);
  addBellRoutes(server, services);
  addPrivacyRoutes(server, services);
  addChimeRoutes(server, services);
  addConsentRoutes(server, services);
  addHandlingRoutes(server, services);
  addNoticeRoute(server, services);
  addNoticeFacts(server, services);
  addPickUpRoute(server, services);
  addShareRoutes(server, services);
  addWithdrawalRoute(server, services);
  addLedgerRoutes(server, services);
  addPresenceRoutes(server, services);
  addStatementRoutes(server, services);
  addNewsRoutes(server, services);
  addNotificationRoutes(server, services);
  addConnectionRoutes(server, services);
  server.get("/api/health", { config: { access: "session" } }, async () => services.health());
  server.get("/api/openapi.json", { config: { access: "public" } }, async () => server.swagger());
}
