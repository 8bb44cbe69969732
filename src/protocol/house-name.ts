const LABEL = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;
const NAME_CHARACTERS_MAX = 100;
/** Names that mean something else on every machine (RFC 6761), or no single house. */
const TAKEN = ["localhost", "invalid", "test", "onion", "arpa"];

/**
 * Whether a hub may go by this DNS name: two labels or more in small letters, or exactly one before
 * `.local`. Never an IP address, whose last label is a number; `home.arpa` is for houses (RFC 8375).
 */
export function isHouseName(text: string): boolean {
  if (text.length > NAME_CHARACTERS_MAX) return false;
  const labels = text.split(".");
  const last = labels.at(-1) ?? "";
  if (labels.length < 2 || !labels.every((label) => LABEL.test(label))) return false;
  if (/^[0-9]+$|^0x/.test(last)) return false;
  if (last === "local") return labels.length === 2;
  if (text.endsWith(".home.arpa")) return true;
  return !TAKEN.includes(last);
}
