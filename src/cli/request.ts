import { writeFile } from "node:fs/promises";
import { readForm } from "../owner/form.ts";
import { sealAttachment } from "../owner/request-attachment.ts";
import { requestFile } from "../owner/request-file.ts";
import { fillForm } from "../owner/requests.ts";
import { utf8Text } from "../protocol/bytes.ts";
import { HubError } from "../protocol/errors.ts";
import { LIMITS } from "../protocol/limits.ts";
import { PRIVATE_FILE_MODE } from "../base/files.ts";
import type { ExitCode } from "./exit.ts";
import { readInput, readJsonInput, readOptions, print, say } from "./options.ts";

/** What a requester does without a browser: fills in the form he was sent, sealed to the owners. */
export async function request(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["form", "file", "document", "out"] });
  const formFile = options.required("form");
  const form = readForm(utf8Text(await readInput(formFile), formFile));
  if (form.expiresAtMs <= Date.now())
    throw new HubError("FORM_GONE", "Cannot make request: this form has expired; ask for another");
  const named = options.text("document");
  const bytes = named === null ? null : await readInput(named, LIMITS.documentBytes);
  const attached = bytes && (await sealAttachment(named ?? "", bytes, form.owners));
  const sealed = await fillForm(form, await readJsonInput(options.required("file")), attached);
  const out = options.required("out");
  await writeFile(out, requestFile(sealed, attached), { mode: PRIVATE_FILE_MODE });
  say(
    form.intakeUrl === null || attached
      ? `Send ${out} back to the owner by any mail. It is sealed: only the owner reads it.`
      : `Send ${out} back to the owner, or POST it as application/json to ${form.intakeUrl}`,
  );
  say("If the owner approves, the recording will be here; until then there is nothing:");
  print(form.statusUrl);
  return 0;
}
