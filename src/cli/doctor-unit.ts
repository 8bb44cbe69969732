import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { promisify } from "node:util";
import { findOnPath } from "../base/ffmpeg.ts";
import { sandboxStateIn } from "../base/sandbox.ts";
import type { Finding } from "./doctor.ts";

const execFileAsync = promisify(execFile);

const UNIT = "doorward.service";
const TIMEOUT_MS = 5_000;
const OUTPUT_BYTES_MAX = 64 * 1024;
const WHAT = "sandbox for decoders";

/**
 * What keeps decoders in on this machine: where a hub is installed as a unit of the system, what
 * that unit uses, which need not be what this shell could use.
 */
export async function sandboxFinding(): Promise<Finding> {
  const socket = process.env["DOORWARD_DECODER"] ? null : await socketOfInstalledHub();
  if (socket !== null && !(await mayConnect(socket)))
    return {
      ...{ what: WHAT, isGood: true, isAdvice: true },
      detail: `${UNIT} asks ${socket} for a unit for each decoder, which only the hub and root may try: sudo doorward doctor`,
    };
  const environment = socket === null ? {} : { DOORWARD_DECODER: socket };
  const { inForce, reason } = await sandboxStateIn({ ...process.env, ...environment });
  const whose = socket === null ? "" : ` (of ${UNIT})`;
  const todo =
    socket === null
      ? "; install bubblewrap (apt-get install bubblewrap)"
      : "; look at systemctl status doorward-decoder.socket and journalctl -u 'doorward-decoder@*'";
  return { what: WHAT, isGood: inForce, detail: `${reason}${whose}${inForce ? "" : todo}` };
}

/** With what a household has put into a drop-in; null where no such unit is installed. */
async function socketOfInstalledHub(): Promise<string | null> {
  const systemctl = await findOnPath("systemctl");
  if (systemctl === null) return null;
  const words = ["show", UNIT, "--property=LoadState", "--property=Environment"];
  const limits = { timeout: TIMEOUT_MS, maxBuffer: OUTPUT_BYTES_MAX };
  const said = await execFileAsync(systemctl, words, limits).then(
    ({ stdout }) => stdout,
    () => "",
  );
  if (!/^LoadState=loaded$/m.test(said)) return null;
  const environment = /^Environment=(.*)$/m.exec(said)?.[1] ?? "";
  return /(?:^| )DOORWARD_DECODER=(\/[^ "]{1,106})(?: |$)/.exec(environment)?.[1] ?? null;
}

/** A socket that is not there may be tried: that says more than that nobody may. */
async function mayConnect(socket: string): Promise<boolean> {
  return access(socket, constants.R_OK | constants.W_OK).then(
    () => true,
    (error: unknown) => !(error instanceof Error && "code" in error && error.code === "EACCES"),
  );
}
