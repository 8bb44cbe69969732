import {
  openPersonal,
  readRequestDocument,
  readSealedRequest,
  sealPersonal,
} from "../owner/requests.ts";
import * as Api from "../protocol/api.ts";
import { LIMITS } from "../protocol/limits.ts";
import { HubError } from "../protocol/errors.ts";
import { parseJson } from "../protocol/canonical-json.ts";
import type { ExitCode } from "./exit.ts";
import { openSession } from "./hub-session.ts";
import { print, printJson, readInput, readJsonInput, readOptions } from "./options.ts";

/** Takes a sealed request that came by mail. It is opened here first: the hub cannot look inside. */
export async function ownerImport(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["hub", "keys"], flags: ["json"], positionals: 1 });
  const file = options.positionals[0] ?? "";
  const bytes = await readInput(file);
  if (bytes.length > LIMITS.requestBytes)
    throw new HubError("TOO_LARGE", `Cannot import ${file}: it is over 64 KiB`);
  const sealed = readSealedRequest(parseJson(bytes, file));
  await using session = await openSession(options);
  const { owners } = session.keys.bundle.readers;
  if (owners === undefined)
    throw new HubError("NOT_ALLOWED", "Cannot import: only an owner's device can");
  await openPersonal(sealed.asked, sealed.personal, owners);
  const request = await session.client.post("/api/requests/import", sealed, Api.RequestSummary);
  tell(request, options.flag("json"));
  return 0;
}

/** Types a request in from a letter. */
export async function ownerRequest(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["hub", "keys", "file"], flags: ["json"] });
  const document = await readJsonInput(options.required("file"));
  const { asked, personal } = readRequestDocument(document);
  await using session = await openSession(options);
  const sealed = await sealPersonal(asked, personal, session.keyring.readers.owners);
  const body = { asked, personal: sealed };
  tell(await session.client.post("/api/requests", body, Api.RequestSummary), options.flag("json"));
  return 0;
}

function tell(request: Api.RequestSummary, asJson: boolean): void {
  const { request: id } = request.record;
  if (asJson) printJson({ request: id, state: request.state, statusUrl: request.statusUrl });
  else print(`${id}\nWaiting for you. Nothing has been sent.`);
}
