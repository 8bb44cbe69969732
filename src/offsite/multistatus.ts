import { MalformedInput } from "../protocol/errors.ts";
import { childOf, readXmlText, type XmlElement } from "./xml.ts";

/** Of one response, and of what stands before the first and after the last. */
const RESPONSE_CHARACTERS_MAX = 64 * 1024;
/** A closing tag may come in two parts. */
const TAG_CHARACTERS_MAX = 200;
const PREFIX = "(?:[^\\s<>/!?=:]{1,100}:)?";
const OPENING = new RegExp(`<${PREFIX}response(?:\\s[^<>]*)?>`);
const CLOSING = new RegExp(`</${PREFIX}response\\s{0,50}>`, "g");

/**
 * The responses of a multistatus (RFC 4918, section 13) one after the other, as they come: a folder
 * with years in it is never in memory whole.
 *
 * @throws MalformedInput.
 */
export async function* responsesIn(
  body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<XmlElement, void, void> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  let searched = 0;
  let isInside = false;
  for await (const part of body) {
    text += decodedBy(decoder, part);
    let at = 0;
    CLOSING.lastIndex = Math.max(0, searched - TAG_CHARACTERS_MAX);
    for (let found = CLOSING.exec(text); found; found = CLOSING.exec(text)) {
      let piece = text.slice(at, CLOSING.lastIndex);
      at = CLOSING.lastIndex;
      if (!isInside) piece = withoutProlog(piece);
      isInside = true;
      yield* responsesOf(`<multistatus>${piece}</multistatus>`);
    }
    text = text.slice(at);
    searched = text.length;
    if (searched > RESPONSE_CHARACTERS_MAX) throw malformed("a response is too large");
  }
  text += decodedBy(decoder);
  yield* responsesOf(isInside ? `<multistatus>${text}` : text);
}

/** @returns What comes from the first response on. */
function withoutProlog(piece: string): string {
  const first = piece.search(OPENING);
  if (first < 0) throw malformed("elements do not match");
  responsesOf(`${piece.slice(0, first)}</multistatus>`);
  return piece.slice(first);
}

function responsesOf(text: string): readonly XmlElement[] {
  if (text.length > RESPONSE_CHARACTERS_MAX + TAG_CHARACTERS_MAX)
    throw malformed("a response is too large");
  const root = readXmlText(text);
  if (root.name !== "multistatus") throw malformed("it is no list");
  return root.children.filter(
    (child) => child.name === "response" && childOf(child, "href") !== undefined,
  );
}

function decodedBy(decoder: InstanceType<typeof TextDecoder>, part?: Uint8Array): string {
  try {
    return part ? decoder.decode(part, { stream: true }) : decoder.decode();
  } catch {
    throw malformed("it is no text");
  }
}

function malformed(why: string): MalformedInput {
  return new MalformedInput("answer", `Cannot read answer: ${why}`);
}
