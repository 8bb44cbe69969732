import Type from "typebox";
import * as Api from "../protocol/api.ts";
import { parseDeviceId } from "../protocol/ids.ts";
import { isSecure } from "./access-check.ts";
import { deviceOf, type HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";
import { clearSessionCookie, setSessionCookie } from "./session-cookie.ts";

const perMinute = (max: number) => ({ rateLimit: { max, timeWindow: 60_000 } });
const idParameter = Type.Object({
  id: Type.String({ pattern: "^[0-9a-f]{32}$", maxLength: 32 }),
});

/** Logging in and out: with a bearer token, or with a cookie for the page. */
export function addSessionRoutes(
  server: HubServer,
  { sessions, household, push }: Pick<HubServices, "sessions" | "household" | "push">,
): void {
  server.post(
    "/api/session/challenge",
    {
      config: { access: "public", ...perMinute(240) },
      schema: { body: Api.ChallengeBody, response: { 200: Api.ChallengeAnswer } },
    },
    async ({ body }) => sessions.challenge(parseDeviceId(body.device)),
  );
  server.post(
    "/api/session",
    {
      config: { access: "public", ...perMinute(240) },
      schema: { body: Api.LoginBody, response: { 200: Api.LoginAnswer } },
    },
    async (request, reply) => {
      const { token, ...session } = sessions.logIn(request.body.login);
      if (request.body.as !== "cookie") return { ...session, token };
      setSessionCookie(reply, token, isSecure(request));
      return session;
    },
  );
  server.get(
    "/api/session",
    { config: { access: "session" }, schema: { response: { 200: Api.SessionAnswer } } },
    async (request) => {
      const { session, device, person, role, rights, expiresAtMs } = deviceOf(request);
      const label = household.labelOf(device);
      return { session, device, person, role, rights: [...rights], label, expiresAtMs };
    },
  );
  server.delete("/api/session", { config: { access: "session" } }, async (request, reply) => {
    const { session, device } = deviceOf(request);
    sessions.end(session);
    push.leave(device);
    clearSessionCookie(reply, isSecure(request));
    await reply.code(204).send();
  });
  server.get(
    "/api/sessions",
    { config: { access: "administer" }, schema: { response: { 200: Api.SessionList } } },
    async () => sessions.list(),
  );
  server.delete(
    "/api/sessions/:id",
    { config: { access: "administer" }, schema: { params: idParameter } },
    async ({ params }, reply) => {
      const ended = sessions.deviceOfSession(params.id);
      sessions.end(params.id);
      if (ended) push.leave(ended.device);
      await reply.code(204).send();
    },
  );
}
