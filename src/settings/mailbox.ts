import path from "node:path";
import Type, { type Static, type TSchema } from "typebox";
import { HubError } from "../protocol/errors.ts";
import type { MailboxPlace } from "../protocol/mailbox.ts";
import { requirePlace } from "../protocol/mailbox-carriers.ts";
import { checkText, readSettingsText, wrongAt, type CheckedText } from "./file.ts";

/** The mailbox for deciding away from home: a folder or a topic, and how much may lie there. */

const closed = { additionalProperties: false } as const;
const address = (description: string) =>
  Type.Optional(Type.String({ pattern: "^https?://", maxLength: 300, description }));

export const MailboxSchema = Type.Object(
  {
    webdav: address("a folder as https://files.example.org/dav/door"),
    ntfy: address("a topic as https://ntfy.example.org/Xb72kQ"),
    /** For pieces of recordings. */
    space: Type.Optional(
      Type.String({
        pattern: "^([1-9]|[1-9][0-9]|[1-4][0-9]{2})MB$",
        description: "a size as 24MB",
      }),
    ),
  },
  closed,
);
type MailboxWritten = Static<typeof MailboxSchema>;

export interface MailboxSettings {
  readonly kind: MailboxPlace["kind"];
  readonly url: string;
  readonly spaceBytes: number;
}

/** What such a server keeps for everybody is small. */
const SPACE_BYTES = { webdav: 24_000_000, ntfy: 4_000_000 } as const;

/** @throws SettingsError for what its shape does not say. */
export function readMailbox(
  file: string,
  checked: CheckedText<TSchema>,
  { webdav, ntfy, space }: MailboxWritten,
): MailboxSettings {
  if ((webdav === undefined) === (ntfy === undefined))
    throw wrongAt(file, checked, ["mailbox"], "expected either webdav or ntfy");
  const kind = webdav === undefined ? "ntfy" : "webdav";
  const url = webdav ?? ntfy ?? "";
  try {
    requirePlace(url);
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    const why = error.message.replace("Cannot use mailbox: ", "");
    throw wrongAt(file, checked, ["mailbox", kind], why);
  }
  const spaceBytes =
    space === undefined ? SPACE_BYTES[kind] : Number(space.slice(0, -2)) * 1_000_000;
  return { kind, url, spaceBytes };
}

const text = (description: string) => Type.Optional(Type.String({ maxLength: 500, description }));
const SecretsSchema = Type.Object(
  { user: text("a user name"), password: text("a password"), token: text("an access token") },
  closed,
);

/** What is in `secrets/mailbox.yaml`; all null where there is no such file. @throws SettingsError. */
export async function readMailboxSecrets(
  dataDirectory: string,
): Promise<Pick<MailboxPlace, "user" | "password" | "token">> {
  const file = path.join(dataDirectory, "secrets", "mailbox.yaml");
  const written = await readSettingsText(file);
  const value = written === null ? {} : checkText(file, written, SecretsSchema).value;
  return { user: value.user ?? null, password: value.password ?? null, token: value.token ?? null };
}
