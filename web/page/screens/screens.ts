import type { Component } from "svelte";

export interface ScreenProperties {
  /** What stands in the address after the screen's name. */
  readonly arguments: readonly string[];
}
interface FoundScreen extends ScreenProperties {
  readonly load: () => Promise<{ readonly default: Component<{ arguments: readonly string[] }> }>;
}

/** A screen that takes nothing from the address. */
function plain(load: () => Promise<{ readonly default: Component }>): FoundScreen["load"] {
  return load as FoundScreen["load"];
}

/** Each screen is a file of its own, loaded when it is first looked at. */
const SCREENS: Readonly<Record<string, FoundScreen["load"]>> = {
  live: () => import("./live/Live.svelte"),
  events: () => import("./timeline/Timeline.svelte"),
  event: () => import("./event/Event.svelte"),
  requests: () => import("./requests/Requests.svelte"),
  request: () => import("./requests/Request.svelte"),
  ask: () => import("./requests/NewRequest.svelte"),
  ledger: plain(() => import("./ledger/Ledger.svelte")),
  transparency: plain(() => import("./ledger/Transparency.svelte")),
  house: plain(() => import("./house/House.svelte")),
  cameras: plain(() => import("./cameras/ZonePlace.svelte")),
  notifications: plain(() => import("./notifications/Notifications.svelte")),
  notice: () => import("./notifications/Notice.svelte"),
  health: plain(() => import("./health/Health.svelte")),
  address: plain(() => import("./house/move/Address.svelte")),
  "set-up": plain(() => import("./welcome/SetUp.svelte")),
};

export function screenOf(path: readonly string[]): FoundScreen | null {
  const [name = "live", ...rest] = path;
  const load = Object.hasOwn(SCREENS, name) ? SCREENS[name] : undefined;
  return load ? { load, arguments: rest } : null;
}
