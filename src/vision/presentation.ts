import type { Fragment } from "../protocol/fragment.ts";

/** `trun` says an offset, a first flag, and of each sample these four before its composition time. */
const BEFORE_COMPOSITION = [0x1, 0x4, 0x100, 0x200, 0x400];
const COMPOSITION = 0x800;

/**
 * When a fragment's picture is shown, on the decode time line. Where pictures come out of order this
 * is not when it is decoded; a fragment that does not say it is shown when it is decoded.
 */
export function presentationTimeMs({ bytes, init, decodeTimeMs }: Fragment): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const run = find(view, ["moof", "traf", "trun"]);
  if (run === null || run.to - run.from < 8) return decodeTimeMs;
  const flags = view.getUint32(run.from) & 0xffffff;
  if ((flags & COMPOSITION) === 0) return decodeTimeMs;
  const fields = BEFORE_COMPOSITION.filter((flag) => (flags & flag) !== 0).length;
  const at = run.from + 8 + fields * 4;
  return at + 4 > run.to
    ? decodeTimeMs
    : decodeTimeMs + (view.getInt32(at) / init.timescale) * 1000;
}

function find(
  view: DataView,
  path: readonly string[],
): { readonly from: number; readonly to: number } | null {
  let [from, to] = [0, view.byteLength];
  for (const name of path) {
    let found = false;
    while (!found && from + 8 <= to) {
      const size = view.getUint32(from);
      if (size < 8 || from + size > to) return null;
      found = [...name].every(
        (letter, index) => view.getUint8(from + 4 + index) === letter.charCodeAt(0),
      );
      if (found) [from, to] = [from + 8, from + size];
      else from += size;
    }
    if (!found) return null;
  }
  return { from, to };
}
