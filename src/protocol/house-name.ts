const LABEL = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;
const NAME_CHARACTERS_MAX = 100;
/** Names that mean something else on every machine (RFC 6761), or no single house. */
const TAKEN = ["localhost", "invalid", "test", "onion", "arpa"];

/**
 * Under which many strangers have names, so that no house is one of them: an authority made for one
 * would vouch for them all. The best known of publicsuffix.org; the list there has thousands.
 */
const OF_MANY = [
  ...["duckdns.org", "ts.net", "github.io", "gitlab.io", "ddns.net", "dyndns.org", "no-ip.org"],
  ...["hopto.org", "zapto.org", "sytes.net", "myftp.org", "myfritz.net", "synology.me", "i234.me"],
  ...["ddnss.de", "spdns.de", "dynv6.net", "freeddns.org", "mooo.com", "home.arpa", "nip.io"],
  ...["sslip.io", "pages.dev", "workers.dev", "web.app", "myqnapcloud.com", "dedyn.io", "eu.org"],
];
/** As `co` in `co.uk`, before the two letters of a country. */
const COUNTRY_KIND = /^(?:ac|co|com|edu|go|gob|gouv|gov|ltd|mil|ne|net|nom|or|org)\.[a-z]{2}$/;

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
  if (OF_MANY.includes(text) || COUNTRY_KIND.test(text)) return false;
  if (text.endsWith(".home.arpa")) return true;
  return !TAKEN.includes(last);
}
