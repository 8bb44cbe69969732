import { base64nopad, bech32 } from "@scure/base";
import { concatBytes, utf8Bytes, utf8Text } from "./bytes.ts";
import { MalformedInput } from "./errors.ts";

/**
 * The header of an age v1 file (C2SP `age` specification) and the two kinds of recipient. Public
 * bytes only: no key is handled here.
 */

const VERSION_LINE = "age-encryption.org/v1\n";
const LINE_FEED = 0x0a;
/** Unpadded base64 of a body is wrapped at this column; the last line is shorter, maybe empty. */
const BODY_LINE_CHARACTERS = 64;
const BODY_LINE_BYTES = 48;
const MAC_BYTES = 32;

/** A header takes at most this much, two post-quantum stanzas about 3.3 kB of it. */
export const AGE_HEADER_MAX_BYTES = 64 * 1024;
export const AGE_STANZAS_MAX = 20;
/** `age1pq1...` has 1,959 characters. */
export const RECIPIENT_MAX_CHARACTERS = 2_048;

/** First argument of the stanza that each kind of recipient gets. */
export const STANZA_TYPE = { x25519: "X25519", pq: "mlkem768x25519" } as const;

export interface AgeStanza {
  /** Type and its arguments; never empty. */
  readonly args: readonly string[];
  readonly body: Uint8Array;
}

export interface AgeHeader {
  readonly stanzas: readonly AgeStanza[];
  readonly mac: Uint8Array;
  /** Through the final newline. */
  readonly headerBytes: Uint8Array;
  /** What the MAC is over: through `---`, without the space. */
  readonly macInput: Uint8Array;
  /** Where the payload (its 16-byte nonce first) begins. */
  readonly payloadOffset: number;
}

export interface AgeHeaderLimits {
  readonly headerMaxBytes: number;
  readonly stanzasMax: number;
}

const DEFAULT_LIMITS: AgeHeaderLimits = {
  headerMaxBytes: AGE_HEADER_MAX_BYTES,
  stanzasMax: AGE_STANZAS_MAX,
};

/** `x25519` is `age1...`; `pq` is `age1pq1...`, ML-KEM-768 with X25519. */
export interface Recipient {
  readonly kind: "x25519" | "pq";
  /** 32 bytes, or 1,184 bytes ML-KEM-768 followed by 32 bytes X25519. */
  readonly key: Uint8Array;
  readonly text: string;
}

function malformed(found: string, options?: ErrorOptions): MalformedInput {
  return new MalformedInput("age header", `Cannot read age header: ${found}`, options);
}

interface LineReader {
  /** The next line without its line feed, or null where the bytes end before the line does. */
  next(): string | null;
  /** Where the next line begins. */
  offset(): number;
}

function readLines(bytes: Uint8Array, maxBytes: number): LineReader {
  let offset = 0;
  return {
    offset: () => offset,
    next: () => {
      const lineFeed = bytes.indexOf(LINE_FEED, offset);
      const end = lineFeed === -1 ? bytes.length : lineFeed;
      if (end >= maxBytes) throw malformed(`longer than ${maxBytes} bytes`);
      const line = bytes.subarray(offset, end);
      // Printable ASCII and space only, so that a text stands for exactly one run of bytes. Seen
      // to before the line is whole, since garbage may never hold another line feed.
      if (!line.every((byte) => byte >= 0x20 && byte <= 0x7e))
        throw malformed("a character that is not printable ASCII");
      if (lineFeed === -1) return null;
      offset = end + 1;
      return utf8Text(line, "age header");
    },
  };
}

function decodeBase64(text: string): Uint8Array {
  try {
    return base64nopad.decode(text);
  } catch (cause) {
    throw malformed("not canonical unpadded base64", { cause });
  }
}

function readBody(lines: LineReader): Uint8Array | null {
  const parts: Uint8Array[] = [];
  for (;;) {
    const line = lines.next();
    if (line === null) return null;
    if (line.length > BODY_LINE_CHARACTERS) throw malformed("a body line over 64 characters");
    parts.push(decodeBase64(line));
    if (line.length < BODY_LINE_CHARACTERS) return concatBytes(...parts);
  }
}

function readMac(line: string): Uint8Array {
  if (!line.startsWith("--- ")) throw malformed("neither a stanza nor the closing line");
  const mac = decodeBase64(line.slice(4));
  if (mac.length !== MAC_BYTES) throw malformed(`a MAC of ${mac.length} bytes`);
  return mac;
}

/**
 * Reads the header at the start of an age v1 file, strictly: what is accepted has one spelling,
 * so that {@link encodeAgeHeader} gives the same bytes back.
 *
 * @returns null where `bytes` is a proper beginning of a header: more bytes are needed.
 * @throws MalformedInput with field `age header`, as soon as no continuation could be a header.
 */
export function parseAgeHeader(
  bytes: Uint8Array,
  limits: AgeHeaderLimits = DEFAULT_LIMITS,
): AgeHeader | null {
  const versionLine = utf8Bytes(VERSION_LINE);
  const seen = Math.min(bytes.length, versionLine.length);
  for (let index = 0; index < seen; index++)
    if (bytes[index] !== versionLine[index]) throw malformed("not age-encryption.org/v1");
  const lines = readLines(bytes, limits.headerMaxBytes);
  if (lines.next() === null) return null;

  const stanzas: AgeStanza[] = [];
  for (;;) {
    const lineStart = lines.offset();
    const line = lines.next();
    if (line === null) return null;
    if (line.startsWith("-> ")) {
      if (stanzas.length === limits.stanzasMax)
        throw malformed(`more than ${limits.stanzasMax} stanzas`);
      const args = line.slice(3).split(" ");
      if (args.includes("")) throw malformed("an empty stanza argument");
      const body = readBody(lines);
      if (body === null) return null;
      stanzas.push({ args, body });
      continue;
    }
    const mac = readMac(line);
    if (stanzas.length === 0) throw malformed("no stanza");
    return {
      stanzas,
      mac,
      // Copies; `slice` of a Node.js Buffer would be a view.
      headerBytes: new Uint8Array(bytes.subarray(0, lines.offset())),
      macInput: new Uint8Array(bytes.subarray(0, lineStart + 3)),
      payloadOffset: lines.offset(),
    };
  }
}

/**
 * {@link parseAgeHeader} for bytes of which there are no more.
 *
 * @throws MalformedInput with field `age header`, a cut-off header included.
 */
export function requireAgeHeader(bytes: Uint8Array): AgeHeader {
  const header = parseAgeHeader(bytes);
  if (header === null) throw malformed("it ends before its closing line");
  return header;
}

/** One stanza as text: argument line, then the body in lines of 64 characters of base64. */
export function writeAgeStanza(stanza: AgeStanza): string {
  if (stanza.args.length === 0 || !stanza.args.every((arg) => /^[\x21-\x7e]+$/.test(arg)))
    throw new MalformedInput("age stanza", "Cannot write age stanza: an argument is not printable");
  let text = `-> ${stanza.args.join(" ")}\n`;
  // A body that fills its last line is followed by an empty one, hence "<=".
  for (let start = 0; start <= stanza.body.length; start += BODY_LINE_BYTES)
    text += `${base64nopad.encode(stanza.body.subarray(start, start + BODY_LINE_BYTES))}\n`;
  return text;
}

/** Version line, stanzas and `---`: what the header's MAC is over. */
export function encodeRecipientStanzas(stanzas: readonly AgeStanza[]): Uint8Array {
  if (stanzas.length === 0 || stanzas.length > AGE_STANZAS_MAX)
    throw new MalformedInput("age stanza", `Cannot write age header: ${stanzas.length} stanzas`);
  return utf8Bytes(`${VERSION_LINE}${stanzas.map(writeAgeStanza).join("")}---`);
}

/** The whole header from {@link encodeRecipientStanzas} and the HMAC-SHA256 over it. */
export function encodeAgeHeader(macInput: Uint8Array, mac: Uint8Array): Uint8Array {
  if (mac.length !== MAC_BYTES)
    throw new MalformedInput("age header", `Cannot write age header: a MAC of ${mac.length} bytes`);
  return concatBytes(macInput, utf8Bytes(` ${base64nopad.encode(mac)}\n`));
}

const RECIPIENT_FORMS = [
  { kind: "pq", prefix: "age1pq", keyBytes: 1_216 },
  { kind: "x25519", prefix: "age", keyBytes: 32 },
] as const;

const ML_KEM_768_VECTOR_BYTES = 1_152;
const ML_KEM_MODULUS = 3_329;

/** The encapsulation key check of FIPS 203 section 7.2: every 12-bit coefficient is reduced. */
function hasReducedCoefficients(key: Uint8Array): boolean {
  for (let index = 0; index < ML_KEM_768_VECTOR_BYTES; index += 3) {
    const packed = (key[index] ?? 0) | ((key[index + 1] ?? 0) << 8) | ((key[index + 2] ?? 0) << 16);
    if ((packed & 0xfff) >= ML_KEM_MODULUS || packed >> 12 >= ML_KEM_MODULUS) return false;
  }
  return true;
}

/**
 * Reads `age1...` (X25519) or `age1pq1...` (ML-KEM-768 with X25519), lower case as the age tools
 * print them.
 *
 * @throws MalformedInput with field `recipient`.
 */
export function parseRecipient(text: string): Recipient {
  const refused = (found: string, options?: ErrorOptions): MalformedInput =>
    new MalformedInput("recipient", `Cannot read recipient: ${found}`, options);
  if (text.length > RECIPIENT_MAX_CHARACTERS)
    throw refused(`over ${RECIPIENT_MAX_CHARACTERS} characters`);
  const form = RECIPIENT_FORMS.find(({ prefix }) => text.startsWith(`${prefix}1`));
  if (form === undefined) throw refused("it does not begin with age1 or age1pq1");
  let key: Uint8Array;
  let prefix: string;
  try {
    const decoded = bech32.decode(text as `${string}1${string}`, false);
    prefix = decoded.prefix;
    key = Uint8Array.from(bech32.fromWords(decoded.words));
  } catch (cause) {
    throw refused("a character is missing or wrong", { cause });
  }
  if (prefix !== form.prefix || key.length !== form.keyBytes)
    throw refused(`${key.length} bytes under the name ${prefix}`);
  if (form.kind === "pq" && !hasReducedCoefficients(key))
    throw refused("not an ML-KEM-768 key (FIPS 203 section 7.2)");
  return { kind: form.kind, key, text };
}
