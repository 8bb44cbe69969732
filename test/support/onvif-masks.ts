import {
  child,
  childrenOf,
  escapeXml,
  textAt,
  type XmlElement,
} from "../../src/camera/onvif/xml.ts";
import { envelope, fault } from "./onvif-messages.ts";

/** What a fake device can do about masks, and what it does with them. */
export interface FakeMasksOptions {
  readonly masksMax?: number;
  readonly pointsMax?: number;
  readonly isRectangleOnly?: boolean;
  readonly types?: readonly string[];
  /** What it rounds corners to, in its coordinates from -1 to 1. */
  readonly grid?: number;
}

export interface FakeMask {
  readonly token: string;
  configuration: string;
  /** In the device's coordinates: -1 to 1, upward. */
  points: readonly (readonly [x: number, y: number])[];
  type: string;
  isEnabled: boolean;
}

/** Masks of an ONVIF device (`wsdl/ver20/media`), held in memory as a device holds them. */
export class FakeMasks {
  readonly masks = new Map<string, FakeMask>();
  readonly #options: FakeMasksOptions;
  #count = 0;

  constructor(options: FakeMasksOptions = {}) {
    this.#options = options;
  }

  /** Everything as it came from the factory. */
  reset(): void {
    this.masks.clear();
  }

  /** Null for an operation of something else. */
  answer(called: XmlElement): string | null {
    switch (called.name) {
      case "GetMasks":
        return masksAnswer([...this.masks.values()]);
      case "GetMaskOptions":
        return optionsAnswer(this.#options);
      case "CreateMask":
        return this.#create(called);
      case "SetMask":
        return this.#set(called);
      case "DeleteMask":
        return this.masks.delete(textAt(called, "Token") ?? "") ? done("DeleteMask") : noMask();
      default:
        return null;
    }
  }

  #create(called: XmlElement): string {
    const { masksMax = 4 } = this.#options;
    const read = this.#read(child(called, "Mask"));
    const beside = [...this.masks.values()].filter(
      (mask) => mask.configuration === read?.configuration,
    );
    if (!read) return fault("Sender", ["ter:InvalidArgVal", "ter:ConfigModify"], "No such mask");
    if (beside.length >= masksMax)
      return fault("Receiver", ["ter:Action", "ter:MaxMasks"], "Too many masks");
    this.#count += 1;
    const token = `mask-${this.#count}`;
    this.masks.set(token, { ...read, token });
    return envelope(
      `<tr2:CreateMaskResponse><tr2:Token>${token}</tr2:Token></tr2:CreateMaskResponse>`,
    );
  }

  #set(called: XmlElement): string {
    const mask = child(called, "Mask");
    const token = mask?.attributes.get("token") ?? "";
    const read = this.#read(mask);
    if (!this.masks.has(token) || !read) return noMask();
    this.masks.set(token, { ...read, token });
    return done("SetMask");
  }

  #read(mask: XmlElement | undefined): Omit<FakeMask, "token"> | null {
    const {
      grid = 0.001,
      pointsMax = 8,
      isRectangleOnly = false,
      types = ["Color"],
    } = this.#options;
    const round = (text: string | undefined): number => Math.round(Number(text) / grid) * grid;
    const points = childrenOf(child(mask, "Polygon"), "Point").map(
      ({ attributes }) => [round(attributes.get("x")), round(attributes.get("y"))] as const,
    );
    const type = textAt(mask, "Type") ?? "";
    const isUpright = points.every(
      ([x, y]) => points.filter(([otherX, otherY]) => otherX === x || otherY === y).length >= 3,
    );
    if (points.length < 3 || points.length > pointsMax || !types.includes(type)) return null;
    if (isRectangleOnly && (points.length !== 4 || !isUpright)) return null;
    return {
      ...{ points, type, isEnabled: textAt(mask, "Enabled") === "true" },
      configuration: textAt(mask, "ConfigurationToken") ?? "",
    };
  }
}

export function masksAnswer(masks: readonly FakeMask[]): string {
  const each = masks.map(({ token, configuration, points, type, isEnabled }) => {
    const corners = points.map(([x, y]) => `<tt:Point x="${x}" y="${y}"/>`).join("");
    return `<tr2:Masks token="${escapeXml(token)}"><tr2:ConfigurationToken>${escapeXml(configuration)}</tr2:ConfigurationToken><tr2:Polygon>${corners}</tr2:Polygon><tr2:Type>${type}</tr2:Type><tr2:Color X="0" Y="128" Z="128" Colorspace="http://www.onvif.org/ver10/colorspace/YCbCr"/><tr2:Enabled>${isEnabled}</tr2:Enabled></tr2:Masks>`;
  });
  return envelope(`<tr2:GetMasksResponse>${each.join("")}</tr2:GetMasksResponse>`);
}

export function optionsAnswer(options: FakeMasksOptions): string {
  const { masksMax = 4, pointsMax = 8, isRectangleOnly = false, types = ["Color"] } = options;
  const kinds = types.map((type) => `<tr2:Types>${type}</tr2:Types>`).join("");
  return envelope(
    `<tr2:GetMaskOptionsResponse><tr2:Options RectangleOnly="${isRectangleOnly}" SingleColorOnly="true"><tr2:MaxMasks>${masksMax}</tr2:MaxMasks><tr2:MaxPoints>${pointsMax}</tr2:MaxPoints>${kinds}<tr2:Color><tt:ColorList X="16" Y="128" Z="128" Colorspace="http://www.onvif.org/ver10/colorspace/YCbCr"/></tr2:Color></tr2:Options></tr2:GetMaskOptionsResponse>`,
  );
}

export const done = (operation: "SetMask" | "DeleteMask"): string =>
  envelope(`<tr2:${operation}Response/>`);

const noMask = (): string =>
  fault("Sender", ["ter:InvalidArgVal", "ter:NoConfig"], "There is no such mask");
