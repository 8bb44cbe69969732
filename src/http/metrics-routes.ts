import { MetricsAnswer, MetricsTokenAnswer } from "../protocol/api-health.ts";
import { HubError } from "../protocol/errors.ts";
import { healthFamilies, type ProcessFigures } from "./metrics-families.ts";
import { METRICS_TYPE, metricsText } from "./metrics-text.ts";
import type { HubServer } from "./server.ts";
import type { HubServices } from "./services.ts";

/** The one token with which a program reads the hub's figures. */
export interface MetricsTokens {
  /** @returns a new one, in place of the last; it is not said again. */
  make(): Promise<string>;
  /** From then on there is none. */
  revoke(): Promise<void>;
  /** UTC; null where there is none. */
  madeAtMs(): Promise<number | null>;
  isToken(token: string): Promise<boolean>;
}

/** Figures about the hub, for programs: off unless the settings say so. */
export interface MetricsDesk extends MetricsTokens {
  readonly isOn: () => boolean;
}

const MINUTE_MS = 60_000;
const BEARER = /^Bearer ([0-9a-f]{64})$/;

export function addMetricsRoutes(server: HubServer, services: HubServices): void {
  const { metrics, retention, copy } = services;
  server.get(
    "/api/metrics",
    { config: { access: "public", rateLimit: { max: 60, timeWindow: MINUTE_MS } } },
    async ({ headers }, reply) => {
      if (!metrics.isOn())
        throw new HubError("NOT_FOUND", "The settings say nothing of figures (health.metrics)");
      const [, token = ""] = BEARER.exec(headers.authorization ?? "") ?? [];
      if (!(await metrics.isToken(token))) {
        void reply.header("www-authenticate", "Bearer");
        throw new HubError("METRICS_REFUSED", "Cannot show figures: the token is missing or wrong");
      }
      const room = await retention.preview();
      const found = healthFamilies(services.health(), room, processFigures(), copy.state());
      const text = metricsText(found);
      await reply.header("cache-control", "no-store").type(METRICS_TYPE).send(text);
    },
  );
  const config = { access: "administer" } as const;
  server.get(
    "/api/health/metrics",
    { config, schema: { response: { 200: MetricsAnswer } } },
    async () => ({ isOn: metrics.isOn(), madeAtMs: await metrics.madeAtMs() }),
  );
  server.post(
    "/api/health/metrics-token",
    {
      config: { ...config, rateLimit: { max: 10, timeWindow: MINUTE_MS } },
      schema: { response: { 200: MetricsTokenAnswer } },
    },
    async () => ({ token: await metrics.make() }),
  );
  server.delete("/api/health/metrics-token", { config }, async (_request, reply) => {
    await metrics.revoke();
    await reply.code(204).send();
  });
}

function processFigures(): ProcessFigures {
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return { residentBytes: rss, heapBytes: heapUsed, cpuSeconds: (user + system) / 1e6 };
}
