import fc from "fast-check";
import { anyCommands } from "./commands.ts";
import { Reference } from "./reference.ts";
import { FIRST_EPOCH, prepareGround, rulesOf } from "./ground.ts";
import { World } from "./world.ts";

export interface ModelRun {
  readonly sequences: number;
  readonly commands: number;
  /** How often each kind of entry was made, and in what states requests were left. */
  readonly entries: Readonly<Record<string, number>>;
  readonly states: Readonly<Record<string, number>>;
  /** Null where reference and real code agreed throughout. */
  readonly difference: string | null;
}

const COMMANDS_MAX = 30;

/** Holds the real consent code against the reference, over `sequences` random sequences. */
export async function runModel(sequences: number, seed: number): Promise<ModelRun> {
  const ground = await prepareGround();
  const anyEpoch = fc.integer({ min: FIRST_EPOCH, max: ground.keyrings.length - 1 });
  let commands = 0;
  const entries: Record<string, number> = {};
  const states: Record<string, number> = {};
  const result = fc.check(
    fc.property(anyEpoch, anyCommands(COMMANDS_MAX), (epoch, sequence) => {
      const real = new World(ground, epoch);
      try {
        const model = new Reference(real.clock.nowMs, rulesOf(ground, epoch));
        // Most of what can happen needs a request first.
        real.request("typed_by_owner", false);
        model.request();
        fc.modelRun(() => ({ model, real }), sequence);
        commands += [...sequence].length;
        for (const kind of model.entries) entries[kind] = (entries[kind] ?? 0) + 1;
        for (const { state } of model.requests) states[state] = (states[state] ?? 0) + 1;
      } finally {
        real.close();
      }
    }),
    { numRuns: sequences, seed, endOnFailure: false },
  );
  const difference = result.failed ? (fc.defaultReportMessage(result) ?? "failed") : null;
  return { sequences: result.numRuns, commands, entries, states, difference };
}
