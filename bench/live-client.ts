import { setTimeout as sleep } from "node:timers/promises";
import { openLive } from "../test/support/live-socket.ts";

/** How a viewers' process is told what to do, as JSON in its first argument. */
export interface LiveTask {
  readonly url: string;
  readonly token: string;
  readonly viewers: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
}

/** Milliseconds from push to receipt, of every picture that every viewer received. */
async function measure(task: LiveTask): Promise<number[]> {
  const { url, token, viewers, warmUpMs, measureMs } = task;
  using open = new DisposableStack();
  const all = [];
  for (let each = 0; each < viewers; each += 1)
    all.push(open.use(await openLive(url, "front", { token })));
  await sleep(warmUpMs);
  // What was replayed is as old as it is; only what came live counts.
  for (const { received } of all) received.length = 0;
  await sleep(measureMs);
  return all.flatMap(({ received }) =>
    received.flatMap((each) =>
      each.type === "fragment" ? [each.atMs - each.fragment.wallClockMs] : [],
    ),
  );
}

if (import.meta.main) {
  const task = JSON.parse(process.argv[2] ?? "") as LiveTask;
  console.log(JSON.stringify(await measure(task)));
}
