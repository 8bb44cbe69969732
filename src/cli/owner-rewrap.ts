import { envelopeSigner } from "../owner/identity.ts";
import { signingKeyOf } from "../owner/device-bundle.ts";
import {
  confirmingOnce,
  openableBytes,
  readersChanges,
  rewrapClip,
  sealedBefore,
  type ReadersChange,
} from "../owner/rewrap.ts";
import * as Api from "../protocol/api.ts";
import type { SealedBefore } from "../protocol/api-rewrap.ts";
import { HubError } from "../protocol/errors.ts";
import { UsageError, type ExitCode } from "./exit.ts";
import { openSession, type OwnerSession } from "./hub-session.ts";
import { confirm } from "./keys-directory.ts";
import { print, printJson, printable, readOptions, say, type ReadOptions } from "./options.ts";

const FLAGS = ["dry-run", "delete", "undelete", "yes", "json"] as const;
/** What may stop one clip and says nothing of the next. */
const OF_ONE_CLIP = new Set([
  ...["CLIP_HELD", "CLIP_RELEASED", "CLIP_NOT_GOING", "NOT_FOUND", "FILE_MISSING", "FILE_DAMAGED"],
  ...["FILE_ALTERED", "NO_READER", "CLIP_NOT_PROVEN", "REWRAP_REFUSED", "MALFORMED_INPUT"],
]);

interface Work {
  readonly session: OwnerSession;
  readonly changes: readonly ReadersChange[];
  readonly clips: readonly SealedBefore[];
}

/**
 * What readers of before could still open: seals it anew for those of now, or deletes it. Can be
 * stopped and called again: what is done is not done twice.
 */
export async function ownerRewrap(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["hub", "keys", "from", "to"], flags: FLAGS });
  if (options.flag("delete") && options.flag("undelete"))
    throw new UsageError("Cannot read the command line: --delete or --undelete, not both");
  const range = { fromMs: timeOf(options, "from", 0), toMs: timeOf(options, "to", Infinity) };
  await using session = await openSession(options);
  const { statements } = await session.client.get("/api/keyring", Api.KeyringAnswer);
  const changes = readersChanges(statements, session.keyring);
  const clips = await Array.fromAsync(sealedBefore(session.client, changes, range));
  const work = { session, changes, clips };
  if (!options.flag("json")) await sayPreview(work);
  if (options.flag("dry-run") || clips.length === 0) {
    if (options.flag("json")) printJson(previewOf(work));
    return 0;
  }
  if (options.flag("delete")) {
    const isMeant =
      options.flag("yes") || (await confirm("Delete all of it? It can be taken back for a while."));
    return isMeant ? await forEach(options, work, "deleted", remove(session)) : 1;
  }
  if (options.flag("undelete")) return await forEach(options, work, "restored", restore(session));
  const { bundle } = session.keys;
  const signer = confirmingOnce(envelopeSigner(signingKeyOf(bundle)));
  return await forEach(options, work, "sealed anew", async ({ clip }) => {
    await rewrapClip(session, { bundle, signer }, clip);
  });
}

function timeOf(options: ReadOptions, name: string, otherwise: number): number {
  const text = options.text(name);
  if (text === null) return otherwise;
  const timeMs = Date.parse(text);
  if (Number.isNaN(timeMs))
    throw new UsageError(`Cannot read --${name}: expected a time as 2026-11-22T20:00:00Z`);
  return timeMs;
}

function remove({ client }: OwnerSession) {
  return async ({ clip, goesInMs }: SealedBefore): Promise<void> => {
    if (goesInMs === undefined) await client.delete(`/api/clips/${clip}`);
  };
}

function restore({ client }: OwnerSession) {
  return async ({ clip, goesInMs }: SealedBefore): Promise<void> => {
    if (goesInMs !== undefined) await client.send(`/api/clips/${clip}/restore`, {});
  };
}

async function forEach(
  options: ReadOptions,
  { clips }: Work,
  done: string,
  act: (clip: SealedBefore) => Promise<void>,
): Promise<ExitCode> {
  const failed: { clip: string; code: string; message: string }[] = [];
  for (const [index, clip] of clips.entries()) {
    try {
      await act(clip);
    } catch (error) {
      if (!(error instanceof HubError) || !OF_ONE_CLIP.has(error.code)) throw error;
      failed.push({ clip: clip.clip, code: error.code, message: printable(error.message) });
    }
    const count = index + 1;
    if (count % 10 === 0 && count < clips.length) say(`${count} of ${clips.length}`);
  }
  const succeeded = clips.length - failed.length;
  if (options.flag("json")) printJson({ done: succeeded, failed });
  else {
    print(`${recordings(succeeded)} ${done}.`);
    for (const { clip, message } of failed) print(`Not ${clip}: ${message}`);
  }
  return failed.length === 0 ? 0 : 1;
}

interface Preview {
  readonly clips: number;
  readonly bytes: number;
  readonly torn: number;
  /** For each change of the readers: what those of before it open. */
  readonly changes: readonly (ReadersChange & { readonly clips: number; readonly bytes: number })[];
}

function previewOf({ changes, clips }: Pick<Work, "changes" | "clips">): Preview {
  const sum = (of: readonly ReadersChange[]) => {
    const bytes = clips.map((clip) => openableBytes(clip, of)).filter((each) => each > 0);
    return { clips: bytes.length, bytes: bytes.reduce((total, each) => total + each, 0) };
  };
  return {
    ...sum(changes),
    torn: clips.reduce((total, { torn }) => total + torn, 0),
    changes: changes.map((change) => ({ ...change, ...sum([change]) })),
  };
}

async function sayPreview({ session, changes, clips }: Work): Promise<void> {
  const preview = previewOf({ changes, clips });
  if (preview.clips === 0) {
    print("Nothing is left that keys of before could open.");
    return;
  }
  const devices = await session.client.get("/api/devices", Api.DeviceList);
  const nameOf = (id: string): string =>
    printable(devices.find(({ device }) => device === id)?.label ?? `device ${id.slice(0, 8)}`);
  for (const change of preview.changes) {
    if (change.clips === 0) continue;
    const who =
      change.devices.length === 0
        ? `the recovery sheet of before change ${change.epoch}`
        : change.devices.map(nameOf).join(" and ");
    const what = change.opens === "blurred" ? "the blurred copies of " : "";
    const size = sizeOf(change.bytes);
    print(`${what}${recordings(change.clips)}, ${size}, could still be opened by ${who}`);
  }
  say("if somebody gives it the files. Copies that were made before stay as they are, also those");
  say("that a file system or a backup keeps of the hub's disk.");
  if (preview.torn > 0)
    say(`${preview.torn} unfinished files among them can only be deleted, not sealed anew.`);
}

function recordings(count: number): string {
  return `${count.toLocaleString("en")} ${count === 1 ? "recording" : "recordings"}`;
}

function sizeOf(bytes: number): string {
  const [unit, divisor] = bytes < 1e9 ? ["MB", 1e6] : ["GB", 1e9];
  return `${(bytes / Number(divisor)).toFixed(bytes < 1e9 ? 0 : 1)} ${unit}`;
}
