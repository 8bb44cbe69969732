import type { ShownEntry } from "../../device/calls/ledger-calls.ts";

/** An entry, or the newest of several in a row that say the same: that the hub was there. */
export interface Row {
  readonly shown: ShownEntry;
  readonly times: number;
}

/** Nobody wants to read 24 signs of life a day: those in a row become one line. */
export function collapsed(entries: readonly ShownEntry[]): Row[] {
  const rows: Row[] = [];
  for (const shown of entries) {
    const last = rows.at(-1);
    if (last && isBeat(last.shown) && isBeat(shown))
      rows[rows.length - 1] = { shown: last.shown, times: last.times + 1 };
    else rows.push({ shown, times: 1 });
  }
  return rows;
}

function isBeat({ entry }: ShownEntry): boolean {
  return entry.kind === "heartbeat" && !entry.first;
}
