import type { BlurAbility } from "../settings/blur.ts";
import type { Settings } from "../settings/settings.ts";

/** What a hub is started with. */
export interface HubOptions {
  readonly dataDirectory: string;
  readonly settings: Settings;
  readonly nowMs?: () => number;
  /** Only ever runs forward. */
  readonly monotonicMs?: () => number;
  /** In which hours of the week are meant; by default the machine's own. */
  readonly timeZone?: string;
  /** Replaced in tests that compare whole histories byte for byte. */
  readonly random?: (size: number) => Uint8Array;
  /** Where the page's files are; by default what the build made. */
  readonly pageDirectory?: string;
  /** Left out: nothing listens on the local network, whatever the settings say. */
  readonly lan?: LanOptions;
  readonly log: (level: "info" | "warn", message: string) => void;
  /** Where `settings` were read from; null or left out: `doorward.yaml` in the data directory. */
  readonly settingsFile?: string | null;
  /** What overrides the settings; by default nothing does. */
  readonly environment?: NodeJS.ProcessEnv;
  /** By default nobody looked, and cameras of which nothing is said record clear. */
  readonly blurAbility?: BlurAbility;
}

/** How the local network is reached; all of it has its sense left out, and is replaced in tests. */
export interface LanOptions {
  /** Instead of this machine's own private addresses: these, which are also the only ones shown. */
  readonly addresses?: () => readonly string[];
  /** False: the name is not made known by multicast DNS, nor looked for. */
  readonly mdns?: boolean;
  /** How soon it is noticed that an address, a port or a certificate has changed. */
  readonly lookEveryMs?: number;
}
