import { HubError } from "../protocol/errors.ts";

/** Why a camera gives no pictures, as status and log name it. */
export type CameraErrorCode =
  /** No TCP connection, or it ended. */
  | "UNREACHABLE"
  /** The camera refuses the user name or password, or wants one and none is configured. */
  | "WRONG_PASSWORD"
  /** The camera takes only basic authentication, which sends the password in clear. */
  | "BASIC_REFUSED"
  | "NO_SUCH_STREAM"
  /** The stream is neither H.264 nor H.265 video; the message names the codec found. */
  | "UNSUPPORTED_CODEC"
  /** The camera takes no sound over ONVIF's back channel, or offers none on this stream. */
  | "NO_BACK_CHANNEL"
  /** The camera wants the hub to go to another place. It never does. */
  | "REDIRECT_REFUSED"
  /** The camera names another host. Nothing is sent there. */
  | "OTHER_HOST"
  /** Something answers there, and it is no ONVIF device; or ONVIF is switched off in it. */
  | "NO_ONVIF"
  /** The device understood and says no; the message holds its words. */
  | "DEVICE_FAULT"
  /** The camera does not keep to RTSP, RTP or a limit of ours. */
  | "PROTOCOL_ERROR"
  /** Connected, but no frame (or no answer) for too long. */
  | "SILENT"
  /** A file, device or encoder of this machine failed. */
  | "SOURCE_FAILED";

/** A camera that cannot be used now. It is retried; nothing else is disturbed. */
export class CameraError extends HubError {
  override readonly name = "CameraError";
  declare readonly code: CameraErrorCode;

  constructor(code: CameraErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

/**
 * Whatever one camera's bytes bring about ends its own connection and nothing else: others share the
 * process, and an error out of an event handler would end them all.
 *
 * @param what - Message of an error that nobody foresaw.
 */
export function asCameraError(cause: unknown, what: string): CameraError {
  return cause instanceof CameraError ? cause : new CameraError("PROTOCOL_ERROR", what, { cause });
}
