import { parseCopyObjectName, stateFolder } from "../protocol/copy-format.ts";
import type { CopyRows } from "./copy-rows.ts";

/** A state whose newest successor turns out to be damaged is gone on from. */
const STATES_KEPT = 3;

/**
 * Lets old states of this installation go, and batches of the ledger that each of those kept has in it:
 * without this a copy would grow by every quarter of an hour that something happened in.
 */
export function letOldPapersGo(rows: CopyRows, writer: string): void {
  const states = rows
    .states(writer)
    .filter(({ state }) => state === "there")
    .flatMap(({ name, ledger_size }) => {
      const object = parseCopyObjectName(name);
      return object?.type === "state-index" ? [{ object, size: ledger_size ?? 0 }] : [];
    })
    .toSorted((left, right) => right.object.sequence - left.object.sequence);
  for (const { object } of states.slice(STATES_KEPT)) rows.letGoNamed(`${stateFolder(object)}/*`);
  const kept = states.slice(0, STATES_KEPT);
  if (kept.length < STATES_KEPT) return;
  rows.letBatchesGo(writer, Math.min(...kept.map(({ size }) => size)));
}
