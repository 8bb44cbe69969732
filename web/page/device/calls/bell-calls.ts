import * as BellsApi from "../../../../src/protocol/api-bells.ts";
import { pathToRemove, ruleOfHeard } from "../../../../src/protocol/bell-rule.ts";
import { checkShape } from "../../../../src/protocol/check.ts";
import type { VaultContext } from "../vault-worker.ts";

const { BellsAnswer, BellTeaching, BellTestAnswer } = BellsApi;

/** How bells are heard, teaching them, and trying one. */
export const bellCalls = {
  bells: async ({ device }: VaultContext) => device.client.get("/api/bells", BellsAnswer),

  teachBell: async ({ device }: VaultContext, { camera }: { camera: string }) =>
    device.client.post(`/api/bells/${camera}/teaching`, {}, BellTeaching),

  bellTaught: async ({ device }: VaultContext, { camera }: { camera: string }) =>
    device.client.get(`/api/bells/${camera}/teaching`, BellTeaching),

  stopTeaching: async ({ device }: VaultContext, { camera }: { camera: string }) =>
    device.client.delete(`/api/bells/${camera}/teaching`),

  addBell: async (
    { device }: VaultContext,
    { camera, rule }: { camera: string; rule: BellsApi.BellRuleBody },
  ) => device.client.post(`/api/bells/${camera}/rules`, rule, BellsAnswer),

  /** Makes something that was heard the bell. */
  keepBell: async (
    { device }: VaultContext,
    { camera, heard }: { camera: string; heard: BellsApi.BellHeard },
  ) => device.client.post(`/api/bells/${camera}/rules`, ruleOfHeard(heard), BellsAnswer),

  removeBell: async (
    { device }: VaultContext,
    { camera, rule }: { camera: string; rule: BellsApi.BellStatus },
  ) => {
    const answer = await device.client.fetch("DELETE", pathToRemove(camera, rule));
    return checkShape(BellsAnswer, await answer.json(), "bells");
  },

  testBell: async ({ device }: VaultContext, { camera }: { camera: string }) =>
    device.client.post(`/api/bells/${camera}/test`, {}, BellTestAnswer),
};
