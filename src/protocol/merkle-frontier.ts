import { MalformedInput } from "./errors.ts";
import { emptyRoot, HASH_BYTES, hashNode } from "./merkle.ts";

/**
 * A tree as far as its next leaves and its root need it: the complete subtrees from left to right,
 * at most 53 hashes (RFC 6962 section 2.1). For going on where one stood, without the leaves.
 */
export class MerkleFrontier {
  #size: number;
  /** The largest subtree first; which levels there are, the size says. */
  readonly #hashes: Uint8Array[];

  /**
   * @param size - Leaves that are in it already.
   * @param hashes - One for each bit of `size` that is set, the largest first.
   * @throws MalformedInput when they do not fit together.
   */
  constructor(size = 0, hashes: readonly Uint8Array[] = []) {
    const isSound =
      Number.isSafeInteger(size) &&
      size >= 0 &&
      hashes.length === onesOf(size) &&
      hashes.every(({ length }) => length === HASH_BYTES);
    if (!isSound) throw new MalformedInput("frontier", "Cannot read tree: not one of this size");
    this.#size = size;
    this.#hashes = [...hashes];
  }

  get size(): number {
    return this.#size;
  }

  get hashes(): readonly Uint8Array[] {
    return this.#hashes;
  }

  /** @param leafHash - As `hashLeaf` gives it. */
  append(leafHash: Uint8Array): void {
    let hash = leafHash;
    for (let place = this.#size; place % 2 === 1; place = (place - 1) / 2) {
      const left = this.#hashes.pop();
      if (left === undefined) throw new Error("a tree of another size than it says");
      hash = hashNode(left, hash);
    }
    this.#hashes.push(hash);
    this.#size += 1;
  }

  root(): Uint8Array {
    const last = this.#hashes.at(-1);
    if (last === undefined) return emptyRoot();
    return this.#hashes.slice(0, -1).reduceRight((right, left) => hashNode(left, right), last);
  }
}

function onesOf(size: number): number {
  return size.toString(2).replaceAll("0", "").length;
}
