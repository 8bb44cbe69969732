import { cellsInside, type Point, type Polygon } from "../../protocol/picture-areas.ts";
import { CameraError } from "../camera-error.ts";
import { grownPolygon, surroundingRectangle } from "./mask-shapes.ts";
import type { OnvifDevice } from "./device.ts";
import { NAMESPACES } from "./soap.ts";
import { at, child, childrenOf, escapeXml, numberAt, textAt, type XmlElement } from "./xml.ts";

/**
 * Privacy masks inside a camera (ONVIF Media2 section 5.12, `wsdl/ver20/media`): what it paints over
 * before it encodes. They belong to a video source's configuration, so that all streams of one have
 * the same.
 */
export interface CameraMask {
  readonly token: string;
  /** Of the video source configuration that it belongs to. */
  readonly configuration: string;
  /** As a person draws it: shares of the picture from its top left corner. */
  readonly points: Polygon;
  /** Whether it is in force, and covers in one colour. */
  readonly isHiding: boolean;
}

interface MaskOptions {
  readonly masksMax: number;
  readonly pointsMax: number;
  readonly isRectangleOnly: boolean;
  readonly hasColour: boolean;
  /** Attributes of a colour that the camera has; null: any. */
  readonly colour: ReadonlyMap<string, string> | null;
}

/** What became of masks that a camera was asked about. */
export interface MasksInCamera {
  readonly isHidden: boolean;
  /** Why not, in words for a person; null where they are. */
  readonly why: string | null;
}

const CONFIGURATIONS_MAX = 8;
const MASKS_MAX = 64;
const POINTS_MAX = 64;
const TOKEN_LENGTH_MAX = 256;
/** Cameras round corners to their own grid; what a mask covers must be covered all the same. */
const GROWN_BY = 0.01;
/** Corners of a mask that was sent come back within this. */
const SAME_WITHIN = 0.02;
/** Where it is checked whether all is covered: about 4 pixels of a picture of 1080 lines. */
const CHECKED = { columns: 512, rows: 288 };
const COORDINATE = /^[+-]?(?:\d{1,4}(?:\.\d{0,20})?|\.\d{1,20})(?:[eE][+-]?\d{1,2})?$/;
const ACTION = NAMESPACES.media2;

/**
 * Whether the camera hides all of these masks by itself, on each of its video sources that a stream
 * comes from.
 *
 * @throws CameraError as {@link SoapClient.call}.
 */
export async function readMasksInCamera(
  device: OnvifDevice,
  masks: readonly Polygon[],
  signal?: AbortSignal,
): Promise<MasksInCamera> {
  if (!device.has("media2")) return isNot("it has no second media service of ONVIF");
  const configurations = await readConfigurations(device, signal);
  if (configurations.length === 0) return isNot("it names no video source");
  const found = await readMasks(device, signal);
  const open = configurations.find((configuration) => !isCovered(masks, found, configuration));
  return open === undefined
    ? { isHidden: true, why: null }
    : isNot("what it hides does not cover all of them");
}

/**
 * Asks the camera to hide these masks by itself, in place of those of `before`; masks that somebody
 * else set stay. What it did is read back. Where it does not take all, it is left as it was.
 *
 * @throws CameraError as {@link SoapClient.call}.
 */
export async function putMasksInCamera(
  device: OnvifDevice,
  { masks, before }: { readonly masks: readonly Polygon[]; readonly before: readonly Polygon[] },
  signal?: AbortSignal,
): Promise<MasksInCamera> {
  if (!device.has("media2")) return isNot("it has no second media service of ONVIF");
  const configurations = await readConfigurations(device, signal);
  if (configurations.length === 0) return isNot("it names no video source");
  const found = await readMasks(device, signal);
  const old = found.filter((mask) => isOneOf(mask, [...before, ...masks]));
  const plans: Plan[] = [];
  for (const configuration of configurations) {
    const options = await readOptions(device, configuration, signal);
    const here = found.filter((mask) => mask.configuration === configuration);
    const ours = here.filter((mask) => old.includes(mask));
    const wrong = whyNot(options, masks.length + here.length - ours.length);
    if (wrong !== null) return isNot(wrong);
    // Old ones go last, where there is room for both: nothing is open meanwhile.
    const reused = Math.max(0, masks.length - (options.masksMax - here.length));
    plans.push({ configuration, options, reused: ours.slice(0, reused) });
  }
  const created: string[] = [];
  try {
    for (const plan of plans)
      for (const [index, mask] of masks.entries()) {
        const token = plan.reused[index]?.token;
        const points = pointsFor(mask, plan.options);
        const sent = await sendMask(device, { ...plan, points, token }, signal);
        if (token === undefined) created.push(sent);
      }
    const seen = await readMasks(device, signal);
    if (configurations.every((configuration) => isCovered(masks, seen, configuration))) {
      const reused = plans.flatMap((plan) => plan.reused);
      for (const mask of old.filter((each) => !reused.includes(each)))
        await deleteMask(device, mask.token, signal);
      return await readMasksInCamera(device, masks, signal);
    }
  } catch (error) {
    await takeBack(device, created, plans, signal);
    if (error instanceof CameraError && error.code === "DEVICE_FAULT") return isNot(error.message);
    throw error;
  }
  await takeBack(device, created, plans, signal);
  return isNot("it took them, and what it says that it hides does not cover them");
}

/** For one video source configuration. */
interface Plan {
  readonly configuration: string;
  readonly options: MaskOptions;
  /** Masks of ours that become the new ones, since there is no room beside them. */
  readonly reused: readonly CameraMask[];
}

function isNot(why: string): MasksInCamera {
  return { isHidden: false, why: `The camera does not hide its masks by itself: ${why}` };
}

function whyNot(options: MaskOptions, count: number): string | null {
  if (!options.hasColour) return "it can only blur, and what is blurred can be guessed";
  if (count > options.masksMax) return `it takes ${options.masksMax} masks, and these are ${count}`;
  return null;
}

function isCovered(
  masks: readonly Polygon[],
  found: readonly CameraMask[],
  configuration: string,
): boolean {
  const covered = new Uint8Array(CHECKED.columns * CHECKED.rows);
  for (const { points, isHiding, configuration: of } of found) {
    if (!isHiding || of !== configuration) continue;
    for (const [cell, isIn] of cellsInside(points, CHECKED).entries())
      if (isIn === 1) covered[cell] = 1;
  }
  return masks.every((mask) =>
    cellsInside(mask, CHECKED).every((isIn, cell) => isIn === 0 || covered[cell] === 1),
  );
}

/** Whether it is what was made of one of these masks here. */
function isOneOf({ points }: CameraMask, masks: readonly Polygon[]): boolean {
  const isSame = (other: Polygon): boolean =>
    points.length === other.length &&
    points.every(([x, y]) =>
      other.some(
        (corner) => Math.max(Math.abs(corner[0] - x), Math.abs(corner[1] - y)) < SAME_WITHIN,
      ),
    );
  return masks.some((mask) =>
    [grownPolygon(mask, GROWN_BY), surroundingRectangle(mask, GROWN_BY)].some(isSame),
  );
}

type Signal = AbortSignal | undefined;

async function ask(
  device: OnvifDevice,
  operation: string,
  content: string,
  signal: Signal,
): Promise<XmlElement> {
  return device.soap.call({
    url: device.urlOf("media2"),
    action: `${ACTION}/${operation}`,
    body: `<${operation} xmlns="${ACTION}" xmlns:t="${NAMESPACES.schema}">${content}</${operation}>`,
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Of every profile with a picture: which one a stream's address belongs to is not known here. */
async function readConfigurations(device: OnvifDevice, signal: Signal): Promise<readonly string[]> {
  const types = "<Type>VideoSource</Type><Type>VideoEncoder</Type>";
  const answer = await ask(device, "GetProfiles", types, signal);
  const tokens = childrenOf(answer, "Profiles")
    .map((profile) => child(profile, "Configurations"))
    .filter((configurations) => child(configurations, "VideoEncoder") !== undefined)
    .map((configurations) => child(configurations, "VideoSource")?.attributes.get("token") ?? "");
  const distinct = [...new Set(tokens)];
  // One without a source, or one too many to look at: nobody can say that all of it is hidden.
  const isWhole = distinct.every((token) => token !== "" && token.length <= TOKEN_LENGTH_MAX);
  return isWhole && distinct.length <= CONFIGURATIONS_MAX ? distinct : [];
}

async function readMasks(device: OnvifDevice, signal: Signal): Promise<readonly CameraMask[]> {
  const answer = await ask(device, "GetMasks", "", signal);
  return childrenOf(answer, "Masks")
    .slice(0, MASKS_MAX)
    .map(readMask)
    .filter((mask) => mask !== null);
}

function readMask(element: XmlElement): CameraMask | null {
  const token = element.attributes.get("token") ?? "";
  const corners = childrenOf(child(element, "Polygon"), "Point");
  const points = corners.map(readPoint).filter((point) => point !== null);
  if (token === "" || token.length > TOKEN_LENGTH_MAX) return null;
  if (points.length < 3 || points.length !== corners.length || points.length > POINTS_MAX)
    return null;
  const enabled = textAt(element, "Enabled");
  return {
    token,
    points,
    configuration: textAt(element, "ConfigurationToken") ?? "",
    isHiding: textAt(element, "Type") === "Color" && (enabled === "true" || enabled === "1"),
  };
}

/** From -1 to 1, upward and to the right (ONVIF Core, `tt:Vector` in normalized coordinates). */
function readPoint({ attributes }: XmlElement): Point | null {
  const [x = "", y = ""] = [attributes.get("x"), attributes.get("y")];
  if (!COORDINATE.test(x) || !COORDINATE.test(y)) return null;
  const within = (share: number): number => Math.min(1, Math.max(0, share));
  return [within((Number(x) + 1) / 2), within((1 - Number(y)) / 2)];
}

async function readOptions(
  device: OnvifDevice,
  configuration: string,
  signal: Signal,
): Promise<MaskOptions> {
  const content = `<ConfigurationToken>${escapeXml(configuration)}</ConfigurationToken>`;
  const options = child(await ask(device, "GetMaskOptions", content, signal), "Options");
  const rectangleOnly = options?.attributes.get("RectangleOnly") ?? "";
  return {
    masksMax: numberAt(options, ["MaxMasks"], 1_000) ?? 0,
    pointsMax: numberAt(options, ["MaxPoints"], 1_000) ?? 0,
    isRectangleOnly: rectangleOnly === "true" || rectangleOnly === "1",
    hasColour: childrenOf(options, "Types").some(({ text }) => text === "Color"),
    colour: at(options, "Color", "ColorList")?.attributes ?? null,
  };
}

function pointsFor(mask: Polygon, options: MaskOptions): Polygon {
  const grown = grownPolygon(mask, GROWN_BY);
  const isSimple = !options.isRectangleOnly && grown.length <= options.pointsMax;
  return isSimple ? grown : surroundingRectangle(mask, GROWN_BY);
}

/**
 * @param of - With a token: in place of that one.
 * @returns Its token.
 */
async function sendMask(
  device: OnvifDevice,
  of: Plan & { readonly points: Polygon; readonly token: string | undefined },
  signal: Signal,
): Promise<string> {
  const { configuration, options, points, token } = of;
  const corners = points.map(
    ([x, y]) => `<t:Point x="${(2 * x - 1).toFixed(6)}" y="${(1 - 2 * y).toFixed(6)}"/>`,
  );
  const content = [
    token === undefined ? "<Mask>" : `<Mask token="${escapeXml(token)}">`,
    `<ConfigurationToken>${escapeXml(configuration)}</ConfigurationToken>`,
    `<Polygon>${corners.join("")}</Polygon><Type>Color</Type>`,
    colourOf(options),
    `<Enabled>true</Enabled></Mask>`,
  ].join("");
  if (token !== undefined) {
    await ask(device, "SetMask", content, signal);
    return token;
  }
  const created = textAt(await ask(device, "CreateMask", content, signal), "Token") ?? "";
  if (created === "" || created.length > TOKEN_LENGTH_MAX)
    throw new CameraError("PROTOCOL_ERROR", "Cannot hide masks in camera: it does not name them");
  return created;
}

/** Black, where the camera does not say which ones it has. */
function colourOf({ colour }: MaskOptions): string {
  const component = (name: string, otherwise: string): string => {
    const said = colour?.get(name) ?? "";
    return COORDINATE.test(said) ? said : otherwise;
  };
  const space = colour?.get("Colorspace") ?? "";
  const named = /^[!-~]{1,100}$/.test(space) ? ` Colorspace="${escapeXml(space)}"` : "";
  const [x, y, z] = [component("X", "0"), component("Y", "128"), component("Z", "128")];
  return `<Color X="${x}" Y="${y}" Z="${z}"${named}/>`;
}

async function deleteMask(device: OnvifDevice, token: string, signal: Signal): Promise<void> {
  await ask(device, "DeleteMask", `<Token>${escapeXml(token)}</Token>`, signal);
}

/** As far as the camera lets it: what stays hides something more, and shows nothing. */
async function takeBack(
  device: OnvifDevice,
  created: readonly string[],
  plans: readonly Plan[],
  signal: Signal,
): Promise<void> {
  const steps = [
    ...created.map((token) => () => deleteMask(device, token, signal)),
    ...plans.flatMap((plan) =>
      plan.reused.map(({ token, points }) => async () => {
        await sendMask(device, { ...plan, points, token }, signal);
      }),
    ),
  ];
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      if (!(error instanceof CameraError)) throw error;
    }
  }
}
