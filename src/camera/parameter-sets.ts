import { CameraError } from "./camera-error.ts";

/** A larger one is passed over. Real ones have some 30 bytes. */
export const PARAMETER_SET_BYTES_MAX = 4_096;
const SETS_MAX = 16;

/** The parameter sets of one stream, by kind and identifier, as they come and change. */
export interface ParameterSets<Parameters> {
  /** @throws CameraError `PROTOCOL_ERROR` for more sets than a camera has a use for. */
  add(nalUnit: Uint8Array): void;
  /**
   * With everything that came since: for a key frame. Null while a set is missing.
   *
   * @throws CameraError `PROTOCOL_ERROR` when a set does not parse.
   */
  current(): Parameters | null;
  /** As of the last key frame. */
  inForce(): Parameters | null;
}

export function createParameterSets<Parameters>(options: {
  /** For messages, as `H.264`. */
  readonly codec: string;
  /** NAL unit types; what is of none of them is passed over. */
  readonly kinds: readonly number[];
  readonly typeOf: (nalUnit: Uint8Array) => number;
  /** Identifier within its kind. */
  readonly idOf: (nalUnit: Uint8Array) => number;
  /** Given the sets of each kind, at least one of each. */
  readonly read: (sets: readonly (readonly Uint8Array[])[]) => Parameters;
  readonly initialSets: readonly Uint8Array[];
}): ParameterSets<Parameters> {
  const { codec, kinds, typeOf, idOf, read, initialSets } = options;
  const sets = new Map(kinds.map((kind) => [kind, new Map<number, Uint8Array>()]));
  let changed = true;
  let inForce: Parameters | null = null;

  function add(nalUnit: Uint8Array): void {
    if (nalUnit.length < 2 || nalUnit.length > PARAMETER_SET_BYTES_MAX) return;
    const ofKind = sets.get(typeOf(nalUnit));
    if (ofKind === undefined) return;
    const id = idOf(nalUnit);
    const known = ofKind.get(id);
    if (known !== undefined && Buffer.compare(known, nalUnit) === 0) return;
    if (known === undefined && ofKind.size >= SETS_MAX)
      throw new CameraError("PROTOCOL_ERROR", `Cannot read ${codec}: more than 16 parameter sets`);
    // What came last is what the pictures after it refer to, and the first is what is read.
    const others = [...ofKind].filter(([other]) => other !== id);
    ofKind.clear();
    for (const [other, set] of [[id, Uint8Array.from(nalUnit)] as const, ...others])
      ofKind.set(other, set);
    changed = true;
  }

  for (const set of initialSets.toReversed()) add(set);
  return {
    add,
    current() {
      const all = [...sets.values()].map((ofKind) => [...ofKind.values()]);
      if (changed && all.every((ofKind) => ofKind.length > 0)) {
        inForce = read(all);
        changed = false;
      }
      return inForce;
    },
    inForce: () => inForce,
  };
}
