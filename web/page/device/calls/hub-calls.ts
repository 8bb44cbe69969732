import * as Api from "../../../../src/protocol/api.ts";
import { CopyAnswer } from "../../../../src/protocol/api-copy.ts";
import { MetricsAnswer, MetricsTokenAnswer } from "../../../../src/protocol/api-health.ts";
import { HubError } from "../../../../src/protocol/errors.ts";
import type { VaultContext } from "../vault-worker.ts";

/** What the hub says of itself and of this browser's session. */
export const hubCalls = {
  hub: async ({ device }: VaultContext) => {
    const info = await device.home.get("/api/hub", Api.HubInfo);
    device.goHome();
    return info;
  },

  /** Who this browser is to the hub; null where it has no session, or no longer. */
  session: async ({ device }: VaultContext) => {
    try {
      return await device.client.get("/api/session", Api.SessionAnswer);
    } catch (error) {
      if (error instanceof HubError && error.code === "NOT_LOGGED_IN") return null;
      throw error;
    }
  },

  health: async ({ device }: VaultContext) => device.client.get("/api/health", Api.HealthAnswer),

  /** How the copy elsewhere stands. */
  copy: async ({ device }: VaultContext) => device.client.get("/api/copy", CopyAnswer),

  /** Begins; how it goes, `copy` says. */
  copyNow: async ({ device }: VaultContext) => device.client.post("/api/copy/now", {}, CopyAnswer),

  metrics: async ({ device }: VaultContext) =>
    device.client.get("/api/health/metrics", MetricsAnswer),

  /** Said once: the hub keeps its hash. */
  makeMetricsToken: async ({ device }: VaultContext) =>
    device.client.post("/api/health/metrics-token", {}, MetricsTokenAnswer),

  revokeMetricsToken: async ({ device }: VaultContext) =>
    device.client.delete("/api/health/metrics-token"),
};
