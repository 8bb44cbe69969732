import type { HubDatabase } from "../base/database.ts";
import type { BellDesk } from "../http/bell-desk.ts";
import type { Connections } from "../http/connections.ts";
import type { HubServices } from "../http/services.ts";
import { HubNotices, machineClock } from "./notices.ts";
import type { Health } from "./health.ts";
import type { HubOptions } from "./options.ts";
import type { HubSettings } from "./settings.ts";
import type { NotifySecrets } from "../settings/notify.ts";

const TICK_MS = 15_000;
/** Of a notice's code: what it names is over. */
const OVER_ENDING = "_OVER";

/** The notices of a hub: told of every ring from here on. */
export function openNotices(parts: {
  readonly options: HubOptions;
  readonly database: HubDatabase;
  readonly settings: HubSettings;
  readonly secrets: NotifySecrets;
  readonly connections: Connections;
  readonly bells: Pick<BellDesk, "onRing">;
  readonly household: HubServices["household"];
  readonly origin: () => string;
}): HubNotices {
  const { options, bells } = parts;
  const { monotonicMs } = options;
  const clock = monotonicMs ? { upMs: monotonicMs, boot: "given" } : machineClock();
  const notices = new HubNotices({
    ...parts,
    ...clock,
    nowMs: options.nowMs ?? Date.now,
    timeZone: options.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    log: options.log,
  });
  bells.onRing((ring) => notices.rang(ring));
  return notices;
}

/** What owners are told of because time passes: digests, and what is wrong for too long. */
export function followTime(services: HubServices, { log }: HubOptions, health: Health): Disposable {
  const timer = setInterval(() => {
    try {
      for (const { code, camera, isOver } of health.look(services))
        services.notices.trouble(isOver ? `${code}${OVER_ENDING}` : code, camera);
      services.notices.tick();
    } catch (error) {
      log("warn", `notices not looked after: ${error instanceof Error ? error.message : "?"}`);
    }
  }, TICK_MS);
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      try {
        health.keep();
      } catch (error) {
        log("warn", `gaps not written down: ${error instanceof Error ? error.message : "?"}`);
      }
    },
  };
}
