import { utf8Text } from "../protocol/bytes.ts";
import { MalformedInput } from "../protocol/errors.ts";

/** An element of an answer; names without their namespaces. */
export interface XmlElement {
  readonly name: string;
  /** Of the element itself, entities resolved. */
  text: string;
  readonly children: XmlElement[];
}

const DEPTH_MAX = 24;
const ELEMENTS_MAX = 200_000;
const TOKEN =
  /<!\[CDATA\[([^]*?)\]\]>|<!--[^]*?-->|<\?[^]*?\?>|<(\/?)([^\s<>/!?=]+)([^<>]*?)(\/?)>|([^<]+)/gy;
const ENTITY = /&(?:#x([0-9a-fA-F]{1,6})|#([0-9]{1,7})|(amp|lt|gt|quot|apos));/g;
const NAMED: Readonly<Record<string, string>> = {
  ...{ amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" },
};

/**
 * Reads what a store answers: elements and their text. Document types, and with them entities of the
 * sender's own, are refused.
 *
 * @throws MalformedInput.
 */
export function readXml(bytes: Uint8Array): XmlElement {
  return readXmlText(utf8Text(bytes, "answer").replace(/^\uFEFF/, ""));
}

/** The same of text. @throws MalformedInput. */
export function readXmlText(text: string): XmlElement {
  const top: XmlElement = { name: "", text: "", children: [] };
  const open: XmlElement[] = [top];
  let elements = 0;
  let at = 0;
  for (const match of text.matchAll(TOKEN)) {
    at = match.index + match[0].length;
    const [, cdata, closing, qualified, , isEmpty, plain] = match;
    const current = open.at(-1) ?? top;
    if (cdata !== undefined) current.text += cdata;
    else if (plain !== undefined) current.text += resolved(plain);
    else if (qualified !== undefined) {
      const name = qualified.slice(qualified.lastIndexOf(":") + 1);
      if (closing === "/") {
        if (current === top || current.name !== name) throw malformed("elements do not match");
        open.pop();
        continue;
      }
      elements += 1;
      if (elements > ELEMENTS_MAX || open.length > DEPTH_MAX) throw malformed("it is too large");
      const element: XmlElement = { name, text: "", children: [] };
      current.children.push(element);
      if (isEmpty !== "/") open.push(element);
    }
  }
  const [root] = top.children;
  if (at !== text.length || open.length !== 1 || root === undefined || top.children.length !== 1)
    throw malformed("it is no whole document");
  return root;
}

/** The first child of this name. */
export function childOf(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return element?.children.find((child) => child.name === name);
}

/** The text of the first child of this name, without space around it; null where there is none. */
export function textOf(element: XmlElement | undefined, name: string): string | null {
  return childOf(element, name)?.text.trim() ?? null;
}

/** A size as a store writes it. @throws MalformedInput. */
export function sizeOf(text: string | null): number {
  if (text === null || !/^[0-9]{1,15}$/.test(text)) throw malformed("a size is no number");
  return Number(text);
}

function resolved(text: string): string {
  return text.replaceAll(ENTITY, (_whole, hex?: string, decimal?: string, named?: string) => {
    if (named !== undefined) return NAMED[named] ?? "";
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : "";
  });
}

function malformed(why: string): MalformedInput {
  return new MalformedInput("answer", `Cannot read answer: ${why}`);
}
