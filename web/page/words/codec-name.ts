import { isHevc } from "../../../src/protocol/hevc-codec.ts";

/** As a camera's own settings call what RFC 6381 calls `avc1.64001f`; what is neither stays as it is. */
export function codecName(codec: string): string {
  if (isHevc(codec)) return "H.265";
  return codec.startsWith("avc1.") ? "H.264" : codec;
}
