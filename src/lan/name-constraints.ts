/** Object identifier of the extension (RFC 5280, section 4.2.1.10). */
export const NAME_CONSTRAINTS = "2.5.29.30";

const SEQUENCE = 0x30;
const PERMITTED = 0xa0;
const EXCLUDED = 0xa1;
const EMAIL = 0x81;
const DNS = 0x82;
const URI = 0x86;
const IP_ADDRESS = 0x87;

/** RFC 2606: a host that never exists. What only it is permitted for is permitted for nothing. */
const NOBODY = "nobody.invalid";

/**
 * The value of the extension for one DNS name: no other DNS name, no IP address, no e-mail address
 * and no URI. Names below `name` are permitted with it, as RFC 5280 has it.
 *
 * @param name - As `isHouseName` takes.
 */
export function nameConstraintsFor(name: string): Uint8Array {
  const permitted = [
    subtree(DNS, Buffer.from(name, "ascii")),
    subtree(EMAIL, Buffer.from(NOBODY, "ascii")),
    subtree(URI, Buffer.from(NOBODY, "ascii")),
  ];
  // Address and mask, all zero: every address of IPv4 and of IPv6.
  const excluded = [subtree(IP_ADDRESS, Buffer.alloc(8)), subtree(IP_ADDRESS, Buffer.alloc(32))];
  return element(SEQUENCE, element(PERMITTED, ...permitted), element(EXCLUDED, ...excluded));
}

function subtree(tag: number, value: Uint8Array): Uint8Array {
  return element(SEQUENCE, element(tag, value));
}

/** One DER element; long enough for what one name of at most 100 characters needs. */
function element(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const value = Buffer.concat(parts);
  if (value.length > 0xffff) throw new RangeError("too long for a name constraint");
  const { length } = value;
  const lengthBytes =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...lengthBytes]), value]);
}
