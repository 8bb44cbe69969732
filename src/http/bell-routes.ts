import * as Api from "../protocol/api-bells.ts";
import { HubError } from "../protocol/errors.ts";
import { sendNotFound, type HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

const MINUTE_MS = 60_000;
/** Of all callers of one address together. */
const WRONG_TOKENS_A_MINUTE = 60;

/** Bells: what is heard, teaching, a trial, and the way in for those that call by themselves. */
export function addBellRoutes(
  server: HubServer,
  { bells, settings }: Pick<HubServices, "bells" | "settings">,
): void {
  const rateLimit = { max: 60, timeWindow: MINUTE_MS };
  const config = { access: "administer", rateLimit } as const;
  const look = { access: "administer" } as const;
  const params = Api.BellCameraParameter;
  const response = { 200: Api.BellTeaching };
  server.get(
    "/api/bells",
    { config: look, schema: { response: { 200: Api.BellsAnswer } } },
    async () => bells.answer(),
  );
  server.get(
    "/api/bells/:camera/teaching",
    { config: look, schema: { params, response } },
    async ({ params: { camera } }) => bells.teaching(camera),
  );
  server.post(
    "/api/bells/:camera/teaching",
    { config, schema: { params, response } },
    async ({ params: { camera } }) => bells.startTeaching(camera),
  );
  server.delete(
    "/api/bells/:camera/teaching",
    { config, schema: { params, response } },
    async ({ params: { camera } }) => bells.stopTeaching(camera),
  );
  server.post(
    "/api/bells/:camera/rules",
    { config, schema: { params, body: Api.BellRuleBody, response: { 200: Api.BellsAnswer } } },
    async ({ params: { camera }, body }) => {
      await settings.addBell(camera, body);
      return bells.answer();
    },
  );
  server.delete(
    "/api/bells/:camera/rules/:rule",
    {
      config,
      schema: {
        params: Api.BellRuleParameter,
        querystring: Api.BellRuleSeen,
        response: { 200: Api.BellsAnswer },
      },
    },
    async ({ params: { camera, rule }, query }) => {
      await settings.removeBell(camera, { ...query, rule });
      return bells.answer();
    },
  );
  server.post(
    "/api/bells/:camera/test",
    { config, schema: { params, response: { 200: Api.BellTestAnswer } } },
    async ({ params: { camera } }) => {
      const outcome = bells.press(camera, "test");
      if (outcome === "unknown-camera")
        throw new HubError("NOT_FOUND", "Cannot try bell: there is no such camera");
      return { outcome };
    },
  );
  // A scope of its own: what it takes as a body holds for no other route.
  server.register(async (scope) => addWebhook(scope, bells));
}

/**
 * For doorbells and programs that call. Many of them can do nothing but GET, so that it rings too: who
 * knows the token may ring, and nothing else follows from it.
 */
async function addWebhook(server: HubServer, bells: HubServices["bells"]): Promise<void> {
  // Forms, XML, pictures, JSON that is none: what a doorbell sends along is not for us to judge. It
  // is not kept either, and how long it may take is the server's to say.
  server.addHook("onRequest", async ({ headers }) => {
    // One that is malformed would be refused before any parser is looked for.
    delete headers["content-type"];
  });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser("*", (_request, body, done) => {
    body.resume();
    done(null);
  });
  const judge = server.createRateLimit({
    max: WRONG_TOKENS_A_MINUTE,
    timeWindow: MINUTE_MS,
  });
  for (const method of ["GET", "POST"] as const)
    server.route({
      method,
      url: "/api/bells/:camera/ring/:token",
      config: { access: "public" },
      schema: { params: Api.BellWebhookParameter },
      handler: async (request, reply) => {
        const { camera, token } = request.params as { camera: string; token: string };
        if (bells.pressByToken(camera, token)) return await reply.code(204).send();
        // All callers may share one address: whoever is wrong must not keep a press out.
        const judged = await judge(request);
        if (!judged.isAllowed && judged.isExceeded)
          throw new HubError("TOO_MANY_CALLS", "Cannot answer: too many calls; wait a minute");
        return await sendNotFound(reply);
      },
    });
}
