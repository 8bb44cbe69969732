import { registerHooks } from "node:module";
import { parseArgs } from "node:util";

/**
 * `node test/model/run.ts --sequences 1000000 [--seed N]`: the consent core against its reference.
 * Prints one line of JSON; exit 1 where they differ, with the shortest sequence that shows it.
 */
const openssl = new URL("./openssl-signatures.ts", import.meta.url).href;
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === "@noble/curves/ed25519.js" && context.parentURL !== openssl
      ? { url: openssl, shortCircuit: true }
      : next(specifier, context),
});
const { values } = parseArgs({
  options: { sequences: { type: "string" }, seed: { type: "string" } },
});
const { runModel } = await import("./model.ts");
const seed = Number(values.seed ?? Date.now() % 0x7fffffff);
const startedAtMs = performance.now();
const run = await runModel(Number(values.sequences ?? 1_000), seed);
const seconds = Math.round((performance.now() - startedAtMs) / 100) / 10;
process.stdout.write(`${JSON.stringify({ ...run, seed, seconds })}\n`);
process.exitCode = run.difference === null ? 0 : 1;
