import path from "node:path";
import { rm } from "node:fs/promises";
import Type, { type Static } from "typebox";
import { readSmallFile, writeFileDurably } from "./base/files.ts";
import { utf8Bytes } from "./protocol/bytes.ts";
import { parseJson } from "./protocol/canonical-json.ts";
import { checkShape } from "./protocol/check.ts";

const FILE = "hub.json";
const FILE_MAX_BYTES = 4_096;

/** Where the running hub is: for tools that look at it from the same machine. */
const RunningHubSchema = Type.Object(
  { pid: Type.Integer({ minimum: 1 }), url: Type.String({ maxLength: 300 }) },
  { additionalProperties: false },
);
export type RunningHub = Static<typeof RunningHubSchema>;

export async function writeRunningHub(dataDirectory: string, running: RunningHub): Promise<void> {
  await writeFileDurably(path.join(dataDirectory, FILE), utf8Bytes(JSON.stringify(running)));
}

export async function removeRunningHub(dataDirectory: string): Promise<void> {
  await rm(path.join(dataDirectory, FILE), { force: true });
}

/** Null where no hub runs, or the last one was killed. */
export async function readRunningHub(dataDirectory: string): Promise<RunningHub | null> {
  const bytes = await readSmallFile(path.join(dataDirectory, FILE), FILE_MAX_BYTES);
  if (!bytes) return null;
  const running = checkShape(RunningHubSchema, parseJson(bytes, FILE), FILE);
  try {
    process.kill(running.pid, 0);
    return running;
  } catch (error) {
    // Not allowed to signal it means that it is there.
    const isThere = error instanceof Error && "code" in error && error.code === "EPERM";
    return isThere ? running : null;
  }
}
