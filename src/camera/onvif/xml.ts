import sax from "sax";
import { CameraError } from "../camera-error.ts";

/**
 * One element of a message. Names are kept in maps and lists, never as keys of an object: the camera
 * chooses them.
 */
export interface XmlElement {
  /** `""` where it has none. */
  readonly namespace: string;
  /** Without prefix. */
  readonly name: string;
  /** By name without prefix. */
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  /** Its own text, without that of its children and without space around it. */
  readonly text: string;
  /** By prefix, `""` for the default: names in text (topics, fault codes) are written with them. */
  readonly prefixes: ReadonlyMap<string, string>;
}

export const XML_BYTES_MAX = 1024 * 1024;
export const XML_DEPTH_MAX = 48;
export const XML_ELEMENTS_MAX = 20_000;
export const XML_ATTRIBUTES_MAX = 64;
export const XML_TAG_LENGTH_MAX = 16 * 1024;
const PIECE_LENGTH = 1024;
const NAMES_REFUSED: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/** Only the five entities that XML itself has. */
const PARSING = { xmlns: true, strictEntities: true, position: false };

interface OpenElement {
  readonly element: {
    namespace: string;
    name: string;
    attributes: Map<string, string>;
    children: XmlElement[];
    text: string;
    prefixes: ReadonlyMap<string, string>;
  };
  readonly text: string[];
}

/**
 * Reads a message of a camera. Document types and entities of its own are refused before a parser
 * sees them, and so is what has no business in such a message: another encoding, more than
 * {@link XML_DEPTH_MAX} levels or {@link XML_ELEMENTS_MAX} elements.
 *
 * @throws CameraError `PROTOCOL_ERROR`, with what was found.
 */
export function parseXml(bytes: Uint8Array): XmlElement {
  const text = decode(bytes);
  if (/<!(?:DOCTYPE|ENTITY)/i.test(text))
    throw malformed("it has a document type or entities of its own");
  const parser = sax.parser(true, PARSING);
  const open: OpenElement[] = [];
  let root: XmlElement | null = null;
  let elements = 0;
  let at = 0;
  let tagStartsAt = Number.POSITIVE_INFINITY;
  // sax goes on after an error unless it is thrown out of.
  parser.onerror = (error) => {
    throw malformed(`it is not well-formed (${(error.message.split("\n")[0] ?? "").slice(0, 80)})`);
  };
  parser.onprocessinginstruction = ({ name }) => {
    if (name !== "xml") throw malformed("it has processing instructions");
  };
  // Here, since sax keeps attributes as keys of an object, where some names would vanish.
  parser.onattribute = ({ name }) => name.split(":").forEach(refuseName);
  parser.onopentagstart = () => void (tagStartsAt = at);
  parser.onopentag = (tag) => {
    tagStartsAt = Number.POSITIVE_INFINITY;
    elements += 1;
    if (elements > XML_ELEMENTS_MAX) throw malformed("it has more than 20,000 elements");
    if (open.length >= XML_DEPTH_MAX) throw malformed("it is nested more than 48 deep");
    if (root !== null) throw malformed("it has more than one root");
    open.push({ element: begin(tag as sax.QualifiedTag, open.at(-1)), text: [] });
  };
  const take = (piece: string): void => void open.at(-1)?.text.push(piece);
  parser.ontext = take;
  parser.oncdata = take;
  parser.onclosetag = () => {
    const closed = open.pop();
    if (!closed) throw malformed("it is not well-formed");
    closed.element.text = closed.text.join("").trim();
    const parent = open.at(-1);
    if (parent) parent.element.children.push(closed.element);
    else root = closed.element;
  };
  // What one tag costs grows with the square of its attributes, and only sax knows where it ends: a
  // `>` may stand in a value. So it is looked at while it is read.
  for (; at < text.length; at += PIECE_LENGTH) {
    parser.write(text.slice(at, at + PIECE_LENGTH));
    if (at - tagStartsAt >= XML_TAG_LENGTH_MAX) throw malformed("it has a tag longer than 16 KiB");
  }
  parser.close();
  if (root === null) throw malformed("it is empty");
  return root;
}

function begin(tag: sax.QualifiedTag, parent: OpenElement | undefined): OpenElement["element"] {
  const all = Object.values(tag.attributes);
  if (all.length > XML_ATTRIBUTES_MAX) throw malformed("an element has more than 64 attributes");
  const attributes = new Map<string, string>();
  let prefixes: Map<string, string> | null = null;
  for (const { name, prefix, local, value } of all) {
    if (prefix === "xmlns" || name === "xmlns") {
      prefixes ??= new Map(parent?.element.prefixes);
      prefixes.set(name === "xmlns" ? "" : local, value);
      if (prefixes.size > XML_ATTRIBUTES_MAX) throw malformed("it has more than 64 prefixes");
      continue;
    }
    attributes.set(local, value);
  }
  refuseName(tag.local);
  // sax looks prefixes up in an object: `toString:Envelope` would find a function there.
  if (typeof tag.uri !== "string") throw malformed("a prefix in it stands for nothing");
  return {
    namespace: tag.uri,
    name: tag.local,
    attributes,
    children: [],
    text: "",
    prefixes: prefixes ?? parent?.element.prefixes ?? new Map(),
  };
}

function decode(bytes: Uint8Array): string {
  if (bytes.length > XML_BYTES_MAX) throw malformed("it is longer than 1 MiB");
  const isUtf16 =
    (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (isUtf16 || bytes[0] === 0 || bytes[1] === 0)
    throw malformed("it is in another encoding than UTF-8");
  // A stray byte in a name is shown as one; markup is ASCII in every encoding that gets here.
  const text = new TextDecoder("utf-8").decode(bytes);
  const declared = /^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([^"']{0,40})["']/i.exec(text)?.[1];
  if (declared !== undefined && !/^(?:utf-?8|us-ascii|ascii)$/i.test(declared.trim()))
    throw malformed("it is in another encoding than UTF-8");
  return text.trimStart();
}

function refuseName(name: string): void {
  if (NAMES_REFUSED.has(name)) throw malformed(`it has a name that no message has (${name})`);
  if (name.length > 200) throw malformed("a name in it is longer than 200 characters");
}

function malformed(what: string): CameraError {
  return new CameraError("PROTOCOL_ERROR", `Cannot read the camera's XML: ${what}`);
}

/** The first child of a name, in whatever namespace its maker put it. */
export function child(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return element?.children.find((candidate) => candidate.name === name);
}

export function childrenOf(element: XmlElement | undefined, name: string): readonly XmlElement[] {
  return element?.children.filter((candidate) => candidate.name === name) ?? [];
}

/** Text at the end of a path of names; null where there is no such element. */
export function textAt(element: XmlElement | undefined, ...path: readonly string[]): string | null {
  return at(element, ...path)?.text ?? null;
}

export function at(
  element: XmlElement | undefined,
  ...path: readonly string[]
): XmlElement | undefined {
  return path.reduce<XmlElement | undefined>((found, name) => child(found, name), element);
}

/** A whole number at the end of a path, within 0 to `max`; else null. */
export function numberAt(
  element: XmlElement | undefined,
  path: readonly string[],
  max: number,
): number | null {
  const text = textAt(element, ...path);
  if (text === null || !/^\d{1,9}(?:\.\d{1,6})?$/.test(text)) return null;
  const value = Number(text);
  return value <= max ? value : null;
}

/** Text that may stand between tags and in attributes. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
