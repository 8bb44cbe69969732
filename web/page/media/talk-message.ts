import { MalformedInput } from "../../../src/protocol/errors.ts";
import type { TalkServerMessage } from "../../../src/protocol/api-talk.ts";

const TEXT_MAX = 2_000;

/**
 * Reads what the hub says over a talk socket. By hand, so that the library for schemas stays out of
 * the page's main thread.
 *
 * @throws MalformedInput for what `TalkServerMessageSchema` would not take.
 */
export function readTalkMessage(text: string): TalkServerMessage {
  const malformed = (): MalformedInput =>
    new MalformedInput("message", "Cannot read talk message: it is not what a hub says");
  if (text.length > TEXT_MAX) throw malformed();
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    throw malformed();
  }
  if (typeof found !== "object" || found === null) throw malformed();
  const { type, law, code, message } = found as Readonly<Record<string, unknown>>;
  if (type === "open" && (law === "PCMU" || law === "PCMA")) return { type, law };
  const isText = (value: unknown, max: number): value is string =>
    typeof value === "string" && value.length <= max && !/\p{C}/u.test(value);
  if (type === "ended" && isText(code, 40) && isText(message, 500)) return { type, code, message };
  throw malformed();
}
