import type { TortureGroup } from "./frame.ts";

/** In the order in which `doorward torture` goes through them; loaded when one is run. */
export const GROUPS: Readonly<Record<string, () => Promise<TortureGroup>>> = {
  power: async () => (await import("./power.ts")).group,
  full: async () => (await import("./full.ts")).group,
  faults: async () => (await import("./faults.ts")).group,
  clock: async () => (await import("./clock.ts")).group,
  deletion: async () => (await import("./deletion.ts")).group,
  secrets: async () => (await import("./secrets.ts")).group,
  egress: async () => (await import("./egress.ts")).group,
  load: async () => (await import("./load.ts")).group,
  events: async () => (await import("./events.ts")).group,
  soak: async () => (await import("./soak.ts")).group,
};
