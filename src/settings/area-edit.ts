import { isDeepStrictEqual } from "node:util";
import { isMap, isNode, isSeq, type Document, type Node } from "yaml";
import type { AreasBody } from "../protocol/api-areas.ts";
import { HubError } from "../protocol/errors.ts";
import { cameraIndex } from "./edit.ts";

/**
 * Puts a camera's areas into the text of the settings file. What stays as it is keeps its lines, with
 * whatever comments stand there.
 *
 * @throws HubError `NOT_FOUND` where the file has no such camera.
 */
export function putAreas(
  document: Document.Parsed,
  id: string,
  { zones, masks, masksShape, public: open, publicBudget }: Omit<AreasBody, "version">,
): void {
  const index = cameraIndex(document, id);
  if (index < 0)
    throw new HubError(
      "NOT_FOUND",
      `Cannot save areas of ${id}: there is no camera of this id in the settings file`,
    );
  const at = ["cameras", index];
  putList(document, [...at, "zones"], zones);
  putList(document, [...at, "masks"], masks);
  putList(document, [...at, "public"], open);
  putNumber(document, [...at, "masksShape"], masks.length === 0 ? null : (masksShape ?? null));
  putNumber(document, [...at, "publicBudget"], publicBudget);
}

function putNumber(
  document: Document.Parsed,
  at: readonly (string | number)[],
  wanted: number | null,
): void {
  if (wanted === null) {
    if (document.hasIn(at)) document.deleteIn(at);
  } else if (document.getIn(at) !== wanted) document.setIn(at, wanted);
}

function putList(
  document: Document.Parsed,
  at: readonly (string | number)[],
  wanted: readonly unknown[],
): void {
  const before = document.getIn(at);
  if (wanted.length === 0) {
    if (document.hasIn(at)) document.deleteIn(at);
    return;
  }
  const left = isSeq(before) ? before.items.filter(isNode) : [];
  const items = wanted.map((value) => {
    const found = left.findIndex((node) => isDeepStrictEqual(node.toJS(document), value));
    const [node] = found < 0 ? [] : left.splice(found, 1);
    return node ?? lineOf(document, value);
  });
  const list = isSeq(before) ? before : document.createNode([]);
  list.items = items;
  // What is added to a list in brackets would stay inside them.
  list.flow = false;
  if (list !== before) document.setIn(at, list);
}

/** One line an area, as a person would write it. */
function lineOf(document: Document.Parsed, value: unknown): Node {
  const node = document.createNode(value);
  if (isMap(node) || isSeq(node)) node.flow = true;
  return node;
}
