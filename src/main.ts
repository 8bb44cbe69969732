import path from "node:path";
import { parseArgs } from "node:util";
import { announcedJson, announcedText } from "./hub/announce.ts";
import { refuseCoreDumps } from "./base/core-dumps.ts";
import { makePrivateDirectory } from "./base/files.ts";
import { HubError } from "./protocol/errors.ts";
import { lockDataDirectory, removeRunningHub, writeRunningHub } from "./hub/running-hub.ts";
import { readSettings } from "./settings/settings.ts";
import { blurAbilityOf, facesWhereUnsaid, type BlurAbility, type Faces } from "./settings/blur.ts";
import { SettingsError } from "./settings/file.ts";
import { probeInference } from "./vision/inference/probe.ts";

/** The hub process. `doorward hub` and `npm start` both run this file. */
const options = {
  data: { type: "string" },
  settings: { type: "string" },
  port: { type: "string" },
  json: { type: "boolean", default: false },
} as const;

async function run(): Promise<void> {
  const { isLimited, isEmpty } = refuseCoreDumps();
  if (!isLimited && !isEmpty)
    log(
      "warn",
      "a crash could write this process's memory to a disk; see docs/guide.md, core dumps",
    );
  const { values } = parseArgs({ options, strict: true });
  const dataDirectory = path.resolve(values.data ?? process.env["DOORWARD_DATA"] ?? "data");
  const environment = { ...process.env };
  if (values.port !== undefined) environment["DOORWARD_PORT"] = values.port;
  await makePrivateDirectory(dataDirectory);
  const settingsFile = values.settings ?? null;
  const read = (faces: Faces) => readSettings(dataDirectory, settingsFile, environment, faces);
  // What is wrong in the settings is said before anything is tried.
  const wished = await read("blur-copy");
  await using _lock = await lockDataDirectory(dataDirectory);
  const isWished = wished.cameras.some(({ faces }) => faces !== "keep");
  const looking = isWished ? lookForBlurAbility() : null;
  // Half of what a start costs: loaded while the process that looks is at work.
  const { Hub } = await import("./hub/hub.ts");
  const blurAbility = await looking;
  const settings = blurAbility ? await read(facesWhereUnsaid(blurAbility)) : wished;
  const hub = await Hub.start({
    ...{ dataDirectory, settings, settingsFile, environment, log, lan: {} },
    ...(blurAbility ? { blurAbility } : {}),
  });
  await writeRunningHub(dataDirectory, { pid: process.pid, url: hub.url });
  const announced = {
    url: hub.url,
    claimCode: hub.services.household.keyring ? null : hub.services.claimDesk.code,
    cameras: settings.cameras,
    lan: hub.services.lan.state(),
  };
  process.stdout.write(values.json ? announcedJson(announced) : announcedText(announced));
  const signal = await new Promise<string>((resolve) => {
    process.once("SIGINT", () => resolve("SIGINT"));
    process.once("SIGTERM", () => resolve("SIGTERM"));
  });
  log("info", `stopping on ${signal}: closing what is being recorded`);
  await hub[Symbol.asyncDispose]();
  await removeRunningHub(dataDirectory);
}

/** Not waited for longer than a start may take: a machine that needs longer cannot blur in time. */
const BLUR_PROBE_TIMEOUT_MS = 20_000;

async function lookForBlurAbility(): Promise<BlurAbility> {
  const probe = await probeInference({ timeoutMs: BLUR_PROBE_TIMEOUT_MS });
  const ability = blurAbilityOf(probe);
  if (!probe.works) {
    const found = ability.canBlur
      ? "whether this machine can cover faces is not known"
      : "this machine cannot cover faces";
    log("warn", `${found}: ${probe.reason}`);
  }
  return ability;
}

/** To standard error: standard output is for the one line that scripts read. */
function log(level: "info" | "warn", message: string): void {
  process.stderr.write(`${new Date().toISOString()} ${level} ${message}\n`);
}

try {
  await run();
} catch (error) {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const isUsage = code.startsWith("ERR_PARSE_ARGS");
  // A folder that cannot be made, a full disk, a damaged database: what is said of it is enough.
  const isSystem = error instanceof Error && ("syscall" in error || code.startsWith("SQLITE_"));
  if (!(error instanceof HubError) && !isUsage && !isSystem) throw error;
  process.stderr.write(`${isSystem ? "Cannot start: " : ""}${(error as Error).message}\n`);
  process.exitCode = error instanceof SettingsError || isUsage ? 2 : 3;
}
