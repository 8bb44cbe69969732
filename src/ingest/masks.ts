import { systemClock } from "../base/clock.ts";
import { MasksShape } from "../camera/masks-shape.ts";
import { MasksWatch, type MasksFound } from "../camera/onvif/masks-watch.ts";
import type { CameraStatus } from "../camera/stream.ts";
import type { TranscodeBudget } from "../camera/transcode-cost.ts";
import { maskFilter } from "../camera/transcode-filter.ts";
import { MaskedStream } from "../camera/transcode-gate.ts";
import { sayable } from "../base/sayable.ts";
import type { StreamReport } from "./messages.ts";
import type { Fragment } from "../protocol/fragment.ts";
import type { CameraId } from "../protocol/ids.ts";
import type { Polygon } from "../protocol/picture-areas.ts";
import type { CameraSettings } from "../settings/cameras.ts";

/** What a stream's fragments go through between the camera and everything else. */
export interface StreamWay extends AsyncDisposable {
  push(fragment: Fragment): void;
  /** What is told of a stream whose fragments go this way. */
  report(of: StreamReport): StreamReport;
}

export interface StreamWayOptions {
  readonly camera: CameraId;
  readonly role: "main" | "sub";
  readonly ffmpegPath: string;
  readonly budget: TranscodeBudget;
  readonly onFragment: (fragment: Fragment) => void;
  /** What {@link StreamWay.report} says is another thing now. */
  readonly onChange: () => void;
}

/** Of a stream that is shown and recorded as it comes. */
function straightWay({ onFragment }: StreamWayOptions): StreamWay {
  return {
    push: onFragment,
    report: (of) => of,
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** What one camera hides: the same on each of its streams. */
export interface CameraMasks extends AsyncDisposable {
  /** For an input that is encoded in the same ffmpeg; undefined where nothing is hidden. */
  readonly filter: string | undefined;
  /** For an input that comes encoded. */
  open(options: StreamWayOptions): StreamWay;
  /** What became of the connection of one of its streams. */
  noteStatus(role: "main" | "sub", status: CameraStatus): void;
}

export interface MasksTrouble {
  readonly code: string;
  readonly message: string;
}

/**
 * @param onTrouble - Told when a camera that hid its masks by itself does not any more, and when it is
 *   not known on what shape of picture its masks were drawn.
 */
export function openCameraMasks(
  settings: CameraSettings,
  onTrouble: (trouble: MasksTrouble) => void,
): CameraMasks {
  const { masks = [] } = settings;
  if (masks.length === 0 || settings.source !== "rtsp")
    return {
      filter: masks.length === 0 ? undefined : maskFilter(masks),
      open: straightWay,
      noteStatus: () => undefined,
      [Symbol.asyncDispose]: async () => undefined,
    };
  const filter = maskFilter(masks);
  const shape = shapeOf(settings, onTrouble);
  const streams = new Map<"main" | "sub", MaskedStream>();
  const connected = new Set<"main" | "sub">();
  let wasHidden = false;
  const watch = watchOf(settings, masks, ({ isHidden, hidden, why }) => {
    for (const [role, stream] of streams) stream.setHiddenByCamera(hidden.has(role));
    if (wasHidden && why !== null)
      onTrouble({
        code: "CAMERA_MASKS_GONE",
        message: `${why}; its picture is encoded here again`,
      });
    if (isHidden || why !== null) wasHidden = isHidden;
  });
  return {
    filter,
    open: (options) => maskedWay(options, filter, shape, streams),
    noteStatus: (role, { state }) => {
      // A stream that is there is told of again whenever something of it changes.
      if (state === "streaming" && connected.has(role)) return;
      if (state === "streaming") connected.add(role);
      else connected.delete(role);
      if (state === "streaming") watch?.connected(role);
      else watch?.lost(role);
    },
    [Symbol.asyncDispose]: async () => watch?.[Symbol.asyncDispose](),
  };
}

function shapeOf(
  { masksShape }: CameraSettings,
  onTrouble: (trouble: MasksTrouble) => void,
): MasksShape {
  return new MasksShape(masksShape ?? null, (role, { width, height }) => {
    if (role === "main")
      onTrouble({
        code: "MASKS_SHAPE_ASSUMED",
        message: `Nobody said on a picture of what shape its masks were drawn: they are taken for that of its first, ${width} x ${height}. Look whether they lie right, then save them on the page, or write masksShape: ${(width / height).toFixed(3)}`,
      });
  });
}

function watchOf(
  settings: Extract<CameraSettings, { source: "rtsp" }>,
  masks: readonly Polygon[],
  onChange: (found: MasksFound) => void,
): MasksWatch | null {
  const { onvif, username, password, allowBasic } = settings;
  if (onvif === undefined) return null;
  const credentials = username === null ? null : { username, password: password ?? "", allowBasic };
  return new MasksWatch({ masks, onChange, device: { address: onvif, credentials } });
}

function maskedWay(
  options: StreamWayOptions,
  filter: string,
  shape: MasksShape,
  streams: Map<"main" | "sub", MaskedStream>,
): StreamWay {
  const { camera, role, ffmpegPath, budget, onFragment, onChange } = options;
  const name = `${camera} ${role}`;
  const stream = MaskedStream.open({
    ...{ camera, ffmpegPath, filter, onFragment, onChange },
    clock: systemClock,
    checkShape: shape.of(role),
    admit: (load) => budget.admit(name, load),
    release: () => budget.release(name),
  });
  streams.set(role, stream);
  return {
    push: (fragment) => stream.push(fragment),
    report: (of) => maskedReport(of, stream),
    [Symbol.asyncDispose]: async () => {
      streams.delete(role);
      budget.release(name);
      await stream[Symbol.asyncDispose]();
    },
  };
}

/** A stream of which nothing comes out is no stream, whatever the camera sends. */
function maskedReport(of: StreamReport, { state }: Pick<MaskedStream, "state">): StreamReport {
  if (of.state !== "streaming") return of;
  switch (state.name) {
    case "starting":
      return { state: "connecting", problem: null, codec: null, picture: null };
    case "failing":
      return {
        state: "waiting-to-retry",
        problem: { code: "MASKS_NOT_PAINTED", message: sayable(state.message) },
        codec: null,
        picture: null,
      };
    case "running": {
      const { codec, width, height } = state.init;
      return {
        ...of,
        codec: sayable(codec, 40),
        picture: of.picture === null ? null : { ...of.picture, width, height },
      };
    }
  }
}
