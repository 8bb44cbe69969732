import Type, { type Static } from "typebox";

/** What becomes of the faces that a camera records, as the settings say it. */

/**
 * `keep`: what is recorded is clear. `blur-copy`: clear, and a copy with faces covered beside it,
 * under keys of its own. `blur-only`: nothing clear is ever recorded.
 */
export const FacesSchema = Type.Union(
  [Type.Literal("keep"), Type.Literal("blur-copy"), Type.Literal("blur-only")],
  { description: "keep, blur-copy or blur-only" },
);
export type Faces = Static<typeof FacesSchema>;

export const BlurSchema = Type.Object(
  {
    cover: Type.Optional(
      Type.Union([Type.Literal("faces"), Type.Literal("persons")], {
        description: "faces or persons",
      }),
    ),
    plates: Type.Optional(Type.Boolean({ description: "true or false" })),
    mode: Type.Optional(
      Type.Union([Type.Literal("standard"), Type.Literal("thorough")], {
        description: "standard or thorough",
      }),
    ),
  },
  { additionalProperties: false },
);

/** What is covered in a blurred copy, and how hard it is looked for. */
export interface BlurSettings {
  /** `persons`: the whole of everybody, and not the face alone. */
  readonly cover: "faces" | "persons";
  /** Also the lower part of vehicles, where plates are. */
  readonly plates: boolean;
  /** `thorough` looks with more than one detector and at more sizes, and takes several times as long. */
  readonly mode: "standard" | "thorough";
}

const BLUR_DEFAULT: BlurSettings = { cover: "faces", plates: false, mode: "standard" };

/** What holds for a camera, with the defaults for what its settings leave out. */
export function blurOf(camera: { readonly blur?: Partial<BlurSettings> }): BlurSettings {
  return { ...BLUR_DEFAULT, ...camera.blur };
}

/**
 * Whether this machine can make blurred copies, found out once when the hub starts.
 *
 * `reason` is for people, null where it can.
 */
export interface BlurAbility {
  readonly canBlur: boolean;
  readonly reason: string | null;
}

/**
 * What a try says of the machine. One that ran out of time says nothing: a machine that is busy as it
 * starts would keep clear pictures only until the next start. Copies that it then cannot make are
 * marked absent, and said.
 */
export function blurAbilityOf(
  probe:
    | { readonly works: true }
    | { readonly works: false; readonly reason: string; readonly hasTimedOut?: true },
): BlurAbility {
  const canBlur = probe.works || probe.hasTimedOut === true;
  return { canBlur, reason: canBlur ? null : probe.reason };
}

/** What a camera does of which the settings say nothing: blurred copies where they can be made. */
export function facesWhereUnsaid({ canBlur }: BlurAbility): "keep" | "blur-copy" {
  return canBlur ? "blur-copy" : "keep";
}
