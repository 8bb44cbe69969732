import { writeFile } from "node:fs/promises";
import { randomHex } from "../owner/device-bundle.ts";
import type { Form } from "../owner/requests.ts";
import * as Api from "../protocol/api.ts";
import { sha256Hex, utf8Bytes } from "../protocol/bytes.ts";
import { REQUEST_EXPIRY_MS } from "../protocol/limits.ts";
import { statusTokenOf } from "../protocol/status-token.ts";
import { PRIVATE_FILE_MODE } from "../base/files.ts";
import type { ExitCode } from "./exit.ts";
import { buildFormPage } from "./form-page.ts";
import { openSession } from "./hub-session.ts";
import { parseDuration, printJson, readOptions, say } from "./options.ts";

/** Makes a one-time form for one requester: a single file that works without any server. */
export async function ownerForm(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, {
    values: ["hub", "keys", "expires", "out"],
    flags: ["visitor", "json"],
  });
  const out = options.required("out");
  const expires = options.text("expires");
  const lifetimeMs = expires === null ? REQUEST_EXPIRY_MS : parseDuration(expires);
  await using session = await openSession(options);
  const token = randomHex(32);
  const answer = await session.client.post(
    "/api/forms",
    { tokenSha256: sha256Hex(utf8Bytes(token)), expiresAtMs: Date.now() + lifetimeMs },
    Api.FormAnswer,
  );
  const { expiresAtMs, intakeUrl } = answer;
  const publicUrl = intakeUrl === null ? session.client.url : intakeUrl.replace(/\/intake$/, "");
  const form: Form = {
    format: "doorward-form/v1",
    token,
    owners: session.keyring.readers.owners,
    expiresAtMs,
    intakeUrl,
    statusUrl: `${publicUrl}/status/${statusTokenOf(token)}`,
    ...(options.flag("visitor") ? { shape: "visitor" } : {}),
  };
  await writeFile(out, await buildFormPage(form), { mode: PRIVATE_FILE_MODE });
  if (options.flag("json")) {
    printJson({ token, expiresAtMs, ...(intakeUrl === null ? {} : { url: intakeUrl }) });
  } else {
    say(`${out} is for one requester, once, until ${new Date(expiresAtMs).toISOString()}.`);
    say("Whoever has the file can ask in its name, and nothing more: you still decide.");
  }
  return 0;
}
