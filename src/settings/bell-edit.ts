import { isMap, isSeq, type Document } from "yaml";
import type { BellRuleBody, BellRuleRemoval } from "../protocol/api-bells.ts";
import { HubError, MalformedInput } from "../protocol/errors.ts";
import { cameraIndex } from "./edit.ts";

/** Changes to the bells of a camera in the text of the settings file. */

/**
 * @throws HubError `NOT_FOUND` where the file has no such camera; MalformedInput for what is set in
 * the file only.
 */
export function putBell(document: Document.Parsed, id: string, rule: BellRuleBody): void {
  if (rule.via === "command")
    throw new MalformedInput(
      "via",
      "Cannot save via: a program of the hub's machine is set in the settings file only; otherwise whoever has a session could run one",
    );
  const at = bellsOf(document, id);
  const list = document.getIn(at);
  if (isSeq(list)) {
    // What is added to an empty list in brackets would stay inside them.
    if (list.items.length === 0) list.flow = false;
    document.addIn(at, document.createNode(rule));
  } else document.setIn(at, document.createNode([rule]));
}

/**
 * @param rule - Which one, and what it is: whoever asks may have looked at the list long ago.
 * @throws HubError `NOT_FOUND` where there is no such camera or rule, `SETTINGS_CHANGED` where another
 * rule stands there now; MalformedInput for what is set in the file only.
 */
export function removeBell(
  document: Document.Parsed,
  id: string,
  { rule, ...wanted }: BellRuleRemoval,
): void {
  const at = bellsOf(document, id);
  const list = document.getIn(at);
  const found = isSeq(list) ? list.items[rule] : undefined;
  if (!isSeq(list) || !isMap(found))
    throw new HubError("NOT_FOUND", "Cannot remove bell: the camera has no such rule");
  if (RULE_MEMBERS.some((name) => found.get(name) !== wanted[name]))
    throw new HubError(
      "SETTINGS_CHANGED",
      "Cannot remove bell: the list of bells has changed meanwhile; look again, then remove it",
    );
  if (wanted.via === "command")
    throw new MalformedInput(
      "via",
      "Cannot remove bell: a program of the hub's machine is set in the settings file only",
    );
  if (list.items.length === 1) document.deleteIn(at);
  else document.deleteIn([...at, rule]);
}

/** What tells the rules of a camera apart. */
const RULE_MEMBERS = ["via", "topic", "item", "value", "code"] as const;

function bellsOf(document: Document.Parsed, id: string): (string | number)[] {
  const index = cameraIndex(document, id);
  if (index < 0)
    throw new HubError("NOT_FOUND", "Cannot change bell: the settings have no such camera");
  return ["cameras", index, "bells"];
}
