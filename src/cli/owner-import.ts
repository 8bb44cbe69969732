import { openAttachment, sealAttachment } from "../owner/request-attachment.ts";
import { readRequestFile, REQUEST_FILE_MAX_BYTES } from "../owner/request-file.ts";
import {
  openRequest,
  ownersIdentities,
  readRequestDocument,
  sealPersonal,
} from "../owner/requests.ts";
import * as Api from "../protocol/api.ts";
import { LIMITS } from "../protocol/limits.ts";
import { HubError } from "../protocol/errors.ts";
import type { ExitCode } from "./exit.ts";
import { openSession } from "./hub-session.ts";
import { print, printJson, readInput, readJsonInput, readOptions } from "./options.ts";

/** Takes a sealed request that came by mail. It is opened here first: the hub cannot look inside. */
export async function ownerImport(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["hub", "keys"], flags: ["json"], positionals: 1 });
  const file = options.positionals[0] ?? "";
  const read = readRequestFile(await readInput(file, REQUEST_FILE_MAX_BYTES), file);
  const { request: sealed, document } = read;
  await using session = await openSession(options);
  const owners = ownersIdentities(session.keys.bundle);
  if (owners.length === 0)
    throw new HubError("NOT_ALLOWED", "Cannot import: only an owner's device can");
  const opened = await openRequest(sealed.asked, sealed.personal, owners);
  // Before anything is handed in: a document that does not belong to it would never open.
  if (opened.document && document) await openAttachment(opened.document, document, owners);
  const request = await session.client.post("/api/requests/import", sealed, Api.RequestSummary);
  if (document)
    await session.client.sendBytes(`/api/requests/${request.record.request}/document`, document);
  tell(request, options.flag("json"));
  return 0;
}

/** Types a request in from a letter, with a scan of it if there is one. */
export async function ownerRequest(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, {
    values: ["hub", "keys", "file", "document"],
    flags: ["json"],
  });
  const { asked, personal } = readRequestDocument(await readJsonInput(options.required("file")));
  const scan = options.text("document");
  const bytes = scan === null ? null : await readInput(scan, LIMITS.documentBytes);
  await using session = await openSession(options);
  const { owners } = session.keyring.readers;
  const attached = bytes && (await sealAttachment(scan ?? "", bytes, owners));
  const sealed = await sealPersonal(asked, personal, owners, attached?.inside ?? null);
  const body = {
    asked,
    personal: sealed,
    ...(attached ? { document: attached.announced } : {}),
  };
  const request = await session.client.post("/api/requests", body, Api.RequestSummary);
  if (attached)
    await session.client.sendBytes(
      `/api/requests/${request.record.request}/document`,
      attached.sealed,
    );
  tell(request, options.flag("json"));
  return 0;
}

function tell(request: Api.RequestSummary, asJson: boolean): void {
  const { request: id } = request.record;
  if (asJson) printJson({ request: id, state: request.state, statusUrl: request.statusUrl });
  else print(`${id}\nWaiting for you. Nothing has been sent.`);
}
