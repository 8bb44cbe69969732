import * as Api from "../protocol/api-notices.ts";
import { deviceOf, noticeReaderOf, type HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

const MINUTE_MS = 60_000;

/** What a device is told of, and what a notice that it got stands for. */
export function addNotificationRoutes(
  server: HubServer,
  { notices }: Pick<HubServices, "notices">,
): void {
  addNotices(server, notices);
  addOwnWays(server, notices);
  const answer = { 200: Api.NotificationsAnswer };
  server.get(
    "/api/notifications",
    {
      config: { access: "session" },
      schema: { summary: "What this device is told of, and how it is reached", response: answer },
    },
    async (request) => notices.answer(deviceOf(request)),
  );
  server.put(
    "/api/notifications",
    {
      config: { access: "session", rateLimit: { max: 60, timeWindow: MINUTE_MS } },
      schema: {
        summary: "Say what this device is told of",
        body: Api.NotificationRules,
        response: answer,
      },
    },
    async (request) => notices.setRules(deviceOf(request), request.body),
  );
  server.post(
    "/api/notifications/test",
    {
      config: { access: "session", rateLimit: { max: 10, timeWindow: MINUTE_MS } },
      schema: {
        summary: "Send this device a notice that says nothing but that it is a test",
        response: { 200: Api.NotificationTestAnswer },
      },
    },
    async (request) => notices.test(deviceOf(request)),
  );
}

function addNotices(server: HubServer, notices: HubServices["notices"]): void {
  const config = {
    access: "notice",
    rateLimit: { max: 120, timeWindow: MINUTE_MS, keyGenerator: noticeReaderOf },
  } as const;
  server.get(
    "/api/notices/:id",
    {
      config,
      schema: {
        summary: "What a notice stands for, as far as this device may know",
        params: Api.NoticeParameter,
        response: { 200: Api.NoticeAnswer },
      },
    },
    async (request) => notices.look(request.params.id, noticeReaderOf(request)),
  );
  server.post(
    "/api/notices/:id/seen",
    {
      config,
      schema: {
        summary: "Say that a notice has come, and how long that took",
        params: Api.NoticeParameter,
        response: { 200: Api.NoticeSeenAnswer },
      },
    },
    async (request) => ({ afterMs: notices.seen(request.params.id, noticeReaderOf(request)) }),
  );
  server.get(
    "/api/notifications/test/:id",
    {
      config: { access: "session" },
      schema: {
        summary: "How a test of this device goes",
        params: Api.NoticeParameter,
        response: { 200: Api.NotificationTestState },
      },
    },
    async (request) => notices.testState(request.params.id, deviceOf(request)),
  );
  server.get(
    "/api/notices",
    {
      config: { access: "administer" },
      schema: {
        summary: "The last notices, and how each carrier does",
        response: { 200: Api.NoticesOverview },
      },
    },
    async () => notices.overview(),
  );
}

/** Ways to a device besides its browser's own push. */
function addOwnWays(server: HubServer, notices: HubServices["notices"]): void {
  const config = {
    access: "session",
    rateLimit: { max: 30, timeWindow: MINUTE_MS },
  } as const;
  const response = { 200: Api.NotificationsAnswer };
  server.put(
    "/api/notifications/ntfy",
    { config, schema: { summary: "Give this device a topic of its own at ntfy", response } },
    async (request) => notices.startNtfy(deviceOf(request)),
  );
  server.delete(
    "/api/notifications/ntfy",
    { config, schema: { summary: "Forget this device's topic at ntfy", response } },
    async (request) => notices.stopNtfy(deviceOf(request)),
  );
  server.put(
    "/api/notifications/unified-push",
    {
      config,
      schema: {
        summary: "Send to an endpoint of UnifiedPush",
        body: Api.UnifiedPushBody,
        response,
      },
    },
    async (request) => notices.setUnifiedPush(deviceOf(request), request.body),
  );
  server.delete(
    "/api/notifications/unified-push",
    { config, schema: { summary: "Send to no endpoint of UnifiedPush", response } },
    async (request) => notices.stopUnifiedPush(deviceOf(request)),
  );
}
