import type { Json } from "../protocol/canonical-json.ts";
import { localTime } from "./times.ts";

/** An entry on one line: time, kind, members. */
export function entryLine(entry: Json): string {
  const { v: _version, kind, atMs, ...rest } = entry as { readonly [key: string]: Json };
  const when = typeof atMs === "number" ? localTime(atMs) : "?";
  const details = Object.entries(rest)
    .map(([key, value]) => `${key}=${Array.isArray(value) ? value.length : JSON.stringify(value)}`)
    .join(" ");
  return `${when}  ${(typeof kind === "string" ? kind : "?").padEnd(10)}  ${details}`;
}
