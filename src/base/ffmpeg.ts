import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, realpath } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { HubError } from "../protocol/errors.ts";

const execFileAsync = promisify(execFile);

/** An ffmpeg that was started once and answered. */
export interface Ffmpeg {
  /** Absolute, with symbolic links resolved. */
  readonly path: string;
  /** As it prints it, for instance `5.1.9-0+deb12u1`. */
  readonly version: string;
}

const VERSION_TIMEOUT_MS = 10_000;
const VERSION_OUTPUT_MAX = 64 * 1024;

/** Absolute path of a program on PATH, or null. Relative entries of PATH are not looked at. */
export async function findOnPath(
  program: string,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<string | null> {
  for (const folder of (environment["PATH"] ?? "").split(path.delimiter)) {
    if (!path.isAbsolute(folder)) continue;
    const candidate = path.join(folder, program);
    if (await isExecutable(candidate)) return candidate;
  }
  return null;
}

/**
 * The ffmpeg to use: what `DOORWARD_FFMPEG` names, else the system's (on a Raspberry Pi it has the
 * board's hardware codecs), else the package `ffmpeg-static` where somebody installed it.
 *
 * @throws HubError `FFMPEG_MISSING` with what to do about it.
 */
export async function findFfmpeg(environment: NodeJS.ProcessEnv = process.env): Promise<Ffmpeg> {
  const configured = environment["DOORWARD_FFMPEG"];
  if (configured !== undefined && configured !== "") {
    const found = path.isAbsolute(configured) ? await describe(configured) : null;
    if (found) return found;
    // Not silently another one: whoever set the variable had a reason.
    throw new HubError(
      "FFMPEG_MISSING",
      `Cannot use DOORWARD_FFMPEG: ${configured} is not the absolute path of a working ffmpeg`,
    );
  }
  for (const candidate of [await findOnPath("ffmpeg", environment), await installedPackage()]) {
    const found = candidate === null ? null : await describe(candidate);
    if (found) return found;
  }
  throw new HubError(
    "FFMPEG_MISSING",
    "Cannot find ffmpeg: install it (apt-get install ffmpeg) or set DOORWARD_FFMPEG to its path",
  );
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** What the file says it is, or null where it cannot be started or is not ffmpeg. */
async function describe(candidate: string): Promise<Ffmpeg | null> {
  if (!(await isExecutable(candidate))) return null;
  const resolved = await realpath(candidate);
  const output = await execFileAsync(resolved, ["-hide_banner", "-version"], {
    env: {},
    timeout: VERSION_TIMEOUT_MS,
    maxBuffer: VERSION_OUTPUT_MAX,
  }).then(
    ({ stdout }) => stdout,
    () => "",
  );
  const version = /^ffmpeg version (\S+)/.exec(output)?.[1];
  return version === undefined ? null : { path: resolved, version };
}

/** Path that the optional package exports: its install downloads, so the file may not be there. */
async function installedPackage(): Promise<string | null> {
  // Held in a variable, so that neither the type checker nor a bundler asks for the package.
  const specifier = "ffmpeg-static";
  const loaded: unknown = await import(specifier).then(
    (module: { default?: unknown }) => module.default,
    () => null,
  );
  return typeof loaded === "string" && path.isAbsolute(loaded) ? loaded : null;
}
