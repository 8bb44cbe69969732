/** A larger access unit is dropped. At 4 Mbit/s a key frame has some 100 KiB. */
export const ACCESS_UNIT_BYTES_MAX = 8 * 1024 * 1024;

export interface UnitBuffer {
  clear(): void;
  /** Adds a whole NAL unit; false when the access unit becomes too large. */
  add(nalUnit: Uint8Array): boolean;
  open(header: Uint8Array): void;
  extend(bytes: Uint8Array): boolean;
  close(): Uint8Array;
  removeLast(): void;
  isOpen(): boolean;
  bytes(): Uint8Array;
}

/** One growing buffer for the unit being put together: a NAL unit is copied once. */
export function createUnitBuffer(): UnitBuffer {
  let buffer = Buffer.alloc(64 * 1024);
  let size = 0;
  let lastStart = 0;
  let open = false;

  function reserve(extra: number): boolean {
    if (size + extra > ACCESS_UNIT_BYTES_MAX) return false;
    if (size + extra <= buffer.length) return true;
    const larger = Buffer.alloc(Math.min(ACCESS_UNIT_BYTES_MAX, (size + extra) * 2));
    buffer.copy(larger, 0, 0, size);
    buffer = larger;
    return true;
  }

  function append(bytes: Uint8Array): boolean {
    if (!reserve(bytes.length)) return false;
    buffer.set(bytes, size);
    size += bytes.length;
    return true;
  }

  return {
    clear() {
      size = 0;
      open = false;
    },
    add(nalUnit) {
      if (!reserve(4 + nalUnit.length)) return false;
      lastStart = size;
      size = buffer.writeUInt32BE(nalUnit.length, size);
      return append(nalUnit);
    },
    open(header) {
      if (!reserve(4 + header.length)) return;
      lastStart = size;
      size += 4;
      append(header);
      open = true;
    },
    extend: append,
    close() {
      open = false;
      buffer.writeUInt32BE(size - lastStart - 4, lastStart);
      return buffer.subarray(lastStart + 4, size);
    },
    removeLast() {
      size = lastStart;
    },
    isOpen: () => open,
    bytes: () => buffer.subarray(0, size),
  };
}
