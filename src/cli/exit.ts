import { HubError } from "../protocol/errors.ts";

/** 0 done, 1 the answer is no, 2 wrong use, 3 the environment lacks something. */
export type ExitCode = 0 | 1 | 2 | 3;

/** The command line itself is wrong; the message is followed by the command's usage. */
export class UsageError extends HubError {
  override readonly name = "UsageError";
  constructor(message: string) {
    super("WRONG_USE", message);
  }
}

const ENVIRONMENT_CODES = new Set([
  "FFMPEG_MISSING",
  "HUB_UNREACHABLE",
  "KEYS_MISSING",
  "PASSPHRASE_NEEDED",
  "DATABASE_MISSING",
  "SANDBOX_FAILED",
  "CANNOT_LOOK",
  "PAGE_MISSING",
  "PORT_IN_USE",
]);

export function exitCodeOf(error: HubError): ExitCode {
  if (error instanceof UsageError || error.code === "WRONG_SETTINGS") return 2;
  return ENVIRONMENT_CODES.has(error.code) ? 3 : 1;
}
