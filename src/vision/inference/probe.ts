import { fileURLToPath } from "node:url";
import { Type, type Static } from "typebox";
import { forkWithoutCore } from "../../base/fork.ts";
import { checkShape } from "../../protocol/check.ts";

const ENTRY = fileURLToPath(new URL("./probe-main.ts", import.meta.url));
/** A small machine needs some seconds to begin; one that needs longer cannot blur either. */
const PROBE_TIMEOUT_MS = 60_000;
const REASON_LENGTH_MAX = 500;

const ProbeAnswer = Type.Union([
  Type.Object({ msPerPicture: Type.Number({ minimum: 0 }) }, { additionalProperties: false }),
  Type.Object(
    { reason: Type.String({ maxLength: REASON_LENGTH_MAX }) },
    { additionalProperties: false },
  ),
]);

/** Whether this machine can look at pictures at all, and how long that takes. */
export type InferenceProbe =
  | { readonly works: true; readonly msPerPicture: number }
  | { readonly works: false; readonly reason: string; readonly hasTimedOut?: true };

/**
 * Runs every network once, in a process of its own: where the processor or the system lacks what the
 * runtime needs, that process dies and nothing else. Takes a second or two; ask once and remember.
 *
 * @returns `msPerPicture`: the shortest of three, mode `standard`, one picture of 640 x 360. Never
 *   throws. `hasTimedOut`: nothing is known; a machine that was busy may well be able to.
 */
export async function probeInference({
  entry = ENTRY,
  timeoutMs = PROBE_TIMEOUT_MS,
}: { readonly entry?: string; readonly timeoutMs?: number } = {}): Promise<InferenceProbe> {
  const child = forkWithoutCore(entry, {
    env: {},
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  const tooLate = `no answer within ${timeoutMs} ms`;
  const timer = setTimeout(() => resolve(tooLate), timeoutMs);
  child.once("error", () => resolve("a process could not be started"));
  child.once("exit", (code, signal) => resolve(`the process ended with ${signal ?? code}`));
  const said = new Promise<unknown>((answer) => child.once("message", answer));
  try {
    const answer = await Promise.race([said, ended]);
    if (answer === tooLate) return { works: false, reason: tooLate, hasTimedOut: true };
    if (typeof answer === "string") return { works: false, reason: answer };
    const read: Static<typeof ProbeAnswer> = checkShape(ProbeAnswer, answer, "answer of the probe");
    return "reason" in read ? { works: false, ...read } : { works: true, ...read };
  } catch (cause) {
    return { works: false, reason: cause instanceof Error ? cause.message : "unknown" };
  } finally {
    clearTimeout(timer);
    child.kill("SIGKILL");
  }
}
