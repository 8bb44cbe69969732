import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { AreasAnswer, AreasBody } from "../protocol/api-areas.ts";
import type { Notice } from "../protocol/api.ts";
import { HubError } from "../protocol/errors.ts";
import { putAreas } from "../settings/area-edit.ts";
import type { CameraSettings } from "../settings/cameras.ts";
import { editText } from "../settings/edit.ts";
import { publicSpaceOf } from "../settings/zones.ts";

/** What the page is told of a camera's areas, and how it changes them. */

export function areasAnswer(cameras: readonly CameraSettings[], id: string): AreasAnswer {
  const camera = cameras.find((each) => each.id === id);
  if (!camera) throw new HubError("NOT_FOUND", "There is no camera of this id");
  return {
    ...{ camera: id, name: camera.name, ...membersOf(camera) },
    version: versionOf(camera),
    publicSpace: publicSpaceOf(camera),
    canChange: camera.source !== "demo",
    mayHideMasks: camera.source === "rtsp" && camera.onvif !== undefined,
  };
}

/**
 * @param cameras - As the file has them now.
 * @returns The text of the file with the areas in it; what they may be is judged afterwards.
 * @throws HubError `NOT_FOUND`, or `SETTINGS_CHANGED` where somebody else has changed them since they
 * were read.
 */
export function withAreas(
  { text, cameras }: { readonly text: string; readonly cameras: readonly CameraSettings[] },
  id: string,
  { version, ...members }: AreasBody,
): string {
  const camera = cameras.find((each) => each.id === id && each.source !== "demo");
  if (!camera)
    throw new HubError(
      "NOT_FOUND",
      `Cannot save areas of ${id}: there is no camera of this id in the settings file`,
    );
  if (versionOf(camera) !== version)
    throw new HubError(
      "SETTINGS_CHANGED",
      "Cannot save areas: somebody else has changed them meanwhile; look at theirs, then draw again",
    );
  const { masks, masksShape } = membersOf(camera);
  const isSame = isDeepStrictEqual(masks, members.masks);
  const kept = isSame && masksShape !== undefined ? { masksShape } : {};
  return editText(text, (document) => putAreas(document, id, { ...kept, ...members }));
}

/** Said on the card of a camera that records nothing by itself; none of one that does. */
export function publicSpaceNotes(camera: CameraSettings): Notice[] {
  const { share, budget, isArmed } = publicSpaceOf(camera);
  if (isArmed) return [];
  const message = `Motion is not recorded: ${percent(share)} of the picture is public space, and ${percent(budget)} is the limit; mask a part of it, or turn the camera. A pressed bell is recorded.`;
  return [{ code: "PUBLIC_SPACE", message }];
}

/** Lines for the log: of cameras that just came above their budget, or back within it. */
export function armingNews(
  before: readonly CameraSettings[],
  now: readonly CameraSettings[],
): string[] {
  const wasArmed = new Map(before.map((camera) => [camera.id, publicSpaceOf(camera).isArmed]));
  return now.flatMap((camera) => {
    const [note] = publicSpaceNotes(camera);
    if ((wasArmed.get(camera.id) ?? true) === (note === undefined)) return [];
    return `${camera.id}: ${note?.message ?? "within its budget of public space: motion is recorded again"}`;
  });
}

function percent(share: number): string {
  // Rounded up, so that a share just above its limit does not read as the limit itself.
  return `${Math.max(0, Math.ceil(share * 1_000 - 1e-6)) / 10} %`;
}

function membersOf(camera: CameraSettings): Omit<AreasBody, "version"> {
  const { zones = [], masks = [], masksShape, public: open = [], publicBudget } = camera;
  return {
    zones: zones.map(({ name, points }) => ({ name, points: [...points] })),
    masks: masks.map((points) => [...points]),
    ...(masksShape === undefined ? {} : { masksShape }),
    public: open.map((points) => [...points]),
    publicBudget: publicBudget ?? null,
  };
}

function versionOf(camera: CameraSettings): string {
  const { zones, masks, masksShape, public: open, publicBudget } = membersOf(camera);
  // In an order of its own, whatever the file's.
  const said = [
    zones.map(({ name, points }) => [name, points]),
    masks,
    open,
    publicBudget,
    masksShape,
  ];
  return createHash("sha256").update(JSON.stringify(said)).digest("hex");
}
