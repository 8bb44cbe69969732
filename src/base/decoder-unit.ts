import { realpathSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** A socket of systemd behind which each connection starts a decoder in a unit of its own. */
export interface DecoderUnit {
  /** Absolute path. */
  readonly socket: string;
  /** The only program that is started there, symbolic links resolved. */
  readonly ffmpeg: string;
}

const PERL = "/usr/bin/perl";
const CLIENT = fileURLToPath(new URL("./decoder-client.pl", import.meta.url));
const SYSTEM_FFMPEG = "/usr/bin/ffmpeg";
const SOCKET_PATH_BYTES_MAX = 107;
/** Of decoder-client.pl, which could not ask; of decoder-launcher.pl, which started nothing. */
const EXIT_NOT_ASKED = 125;
const EXIT_REFUSED = 126;
/** What the two of them say; nothing else could have been said before a decoder was started. */
const WHY = /^(?:doorward-decoder: refused|Cannot ask for a decoder): ([\w ,.:'()/-]{1,120})$/m;

/**
 * The unit that `DOORWARD_DECODER` names (config/systemd/doorward.service does), else null.
 *
 * @throws Error where it is not the path of a socket: whoever set it had a reason.
 */
export function decoderUnit(environment: NodeJS.ProcessEnv): DecoderUnit | null {
  const socket = environment["DOORWARD_DECODER"];
  if (socket === undefined || socket === "") return null;
  if (!path.isAbsolute(socket) || Buffer.byteLength(socket) > SOCKET_PATH_BYTES_MAX)
    throw new Error(`Cannot use DOORWARD_DECODER: ${socket} is not the absolute path of a socket`);
  return { socket, ffmpeg: resolved(SYSTEM_FFMPEG) };
}

function resolved(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

/**
 * Runs in the place of the decoder: takes its pipes, its limits and its filter, ends as it ends,
 * and where it is killed the decoder is.
 */
export function decoderUnitCommand(
  { socket }: DecoderUnit,
  options: {
    readonly command: readonly string[];
    readonly memoryLimitKib: number;
    readonly cpuSecondsMax?: number;
  },
): [string, ...string[]] {
  const seconds = Math.ceil(options.cpuSecondsMax ?? 0);
  return [
    PERL,
    CLIENT,
    socket,
    String(options.memoryLimitKib),
    String(seconds),
    ...options.command,
  ];
}

/**
 * Where no decoder was started, why, in words for a person; else null.
 *
 * @param said - On standard error.
 */
export function decoderUnitRefusal(code: number | null, said: string): string | null {
  const why = WHY.exec(said)?.[1] ?? "it does not say why";
  if (code === EXIT_REFUSED) return `the unit for decoders refuses this command: ${why}`;
  if (code === EXIT_NOT_ASKED) return `the unit for decoders cannot be asked: ${why}`;
  return null;
}
