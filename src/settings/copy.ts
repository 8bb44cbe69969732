import path from "node:path";
import Type, { type Static, type TSchema } from "typebox";
import { openFolderPlace } from "../offsite/place-folder.ts";
import { openS3Place, type S3Address } from "../offsite/place-s3.ts";
import { openWebDavPlace } from "../offsite/place-webdav.ts";
import type { Place } from "../offsite/place.ts";
import type { LineOptions } from "../offsite/exchange.ts";
import { HubError } from "../protocol/errors.ts";
import { requirePlace } from "../protocol/mailbox-carriers.ts";
import { checkText, readSettingsText, wrongAt, type CheckedText } from "./file.ts";

/** A copy elsewhere: where to, how fast, how often, and what becomes of what was deleted at home. */

const closed = { additionalProperties: false } as const;

export const CopySchema = Type.Object(
  {
    to: Type.String({
      ...{ minLength: 2, maxLength: 300 },
      description:
        "a folder as /mnt/usb/doorward, https://dav.example.org/doorward/ or s3://bucket/prefix",
    }),
    /** Of an S3-compatible store. */
    endpoint: Type.Optional(
      Type.String({
        pattern: "^https?://",
        maxLength: 300,
        description: "an address as https://s3.example.org",
      }),
    ),
    region: Type.Optional(
      Type.String({ pattern: "^[a-z0-9-]{1,40}$", description: "a region as eu-west-3" }),
    ),
    /** A second. */
    rate: Type.Optional(
      Type.String({
        pattern: "^([1-9][0-9]{1,4}kB|[1-9][0-9]{0,3}MB)$",
        description: "a size a second as 2MB, at least 10kB",
      }),
    ),
    every: Type.Optional(
      Type.String({ pattern: "^[1-9][0-9]{0,2}[mh]$", description: "a time as 15m or 6h" }),
    ),
    deletions: Type.Optional(
      Type.Union([Type.Literal("follow"), Type.Literal("keep")], { description: "follow or keep" }),
    ),
  },
  closed,
);
type CopyWritten = Static<typeof CopySchema>;

export type CopyAddress =
  | { readonly kind: "folder"; readonly folder: string }
  | { readonly kind: "webdav"; readonly url: string }
  | ({ readonly kind: "s3" } & S3Address);

export interface CopySettings {
  readonly at: CopyAddress;
  /** Null: as fast as it goes. */
  readonly bytesPerSecond: number | null;
  readonly everyMs: number;
  readonly deletions: "follow" | "keep";
}

/** A line to the outside is shared with the household; a disk is not. */
const NETWORK_BYTES_PER_SECOND = 1_000_000;
const EVERY_MS = 15 * 60_000;
const BUCKET = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([A-Za-z0-9._/-]*))?$/;

/** @throws SettingsError for what its shape does not say. */
export function readCopy(
  file: string,
  checked: CheckedText<TSchema>,
  written: CopyWritten,
): CopySettings {
  const { rate, every, deletions = "follow" } = written;
  const wrong = (field: string, why: string) => wrongAt(file, checked, ["copy", field], why);
  const at = readCopyAddress(written, wrong);
  if (at.kind !== "s3" && (written.endpoint ?? written.region) !== undefined)
    throw wrong("to", "expected s3://bucket/prefix where endpoint or region is set");
  const perSecond =
    rate === undefined
      ? at.kind === "folder"
        ? null
        : NETWORK_BYTES_PER_SECOND
      : Number(rate.slice(0, -2)) * (rate.endsWith("kB") ? 1e3 : 1e6);
  const everyMs =
    every === undefined
      ? EVERY_MS
      : Number(every.slice(0, -1)) * (every.endsWith("h") ? 3_600_000 : 60_000);
  return { at, bytesPerSecond: perSecond, everyMs, deletions };
}

/** @throws What `wrong` makes of the field (`to` or `endpoint`) and of what was expected. */
export function readCopyAddress(
  { to, endpoint, region = "us-east-1" }: Pick<CopyWritten, "to" | "endpoint" | "region">,
  wrong: (field: "to" | "endpoint", why: string) => Error,
): CopyAddress {
  if (path.isAbsolute(to)) return { kind: "folder", folder: path.resolve(to) };
  const requireUrl = (field: "to" | "endpoint", text: string): URL => {
    try {
      // A store is reached at the root of its address; a folder is not.
      return requirePlace(field === "endpoint" ? `${text.replace(/\/+$/, "")}/x` : text);
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      throw wrong(field, error.message.replace("Cannot use mailbox: ", ""));
    }
  };
  if (/^https?:\/\//.test(to)) return { kind: "webdav", url: requireUrl("to", to).href };
  const [, bucket, rest = ""] = BUCKET.exec(to) ?? [];
  if (bucket === undefined || rest.split("/").includes(".."))
    throw wrong(
      "to",
      "expected a folder as /mnt/usb/doorward, https://dav.example.org/doorward/ or s3://bucket/prefix",
    );
  if (endpoint === undefined)
    throw wrong("to", "expected endpoint beside it: the store's address as https://s3.example.org");
  requireUrl("endpoint", endpoint);
  const prefix = rest.replaceAll(/^\/+|\/+$/g, "");
  return { kind: "s3", endpoint, region, bucket, prefix: prefix === "" ? "" : `${prefix}/` };
}

/** The host and port that such a place is reached at; null for a folder. */
export function hostOf(at: CopyAddress): string | null {
  if (at.kind === "folder") return null;
  const { hostname, port, protocol } = new URL(at.kind === "webdav" ? at.url : at.endpoint);
  return `${hostname}:${port === "" ? (protocol === "https:" ? "443" : "80") : port}`;
}

const text = (description: string) => Type.Optional(Type.String({ maxLength: 500, description }));
const SecretsSchema = Type.Object(
  {
    ...{ user: text("a user name"), password: text("a password"), token: text("an access token") },
    accessKeyId: text("an access key's id"),
    secretAccessKey: text("its secret"),
  },
  closed,
);

/** Of the environment: a command line is seen by everybody on the machine. */
const LOGIN_VARIABLES = {
  user: "DOORWARD_COPY_USER",
  password: "DOORWARD_COPY_PASSWORD",
  token: "DOORWARD_COPY_TOKEN",
  accessKeyId: "DOORWARD_COPY_ACCESS_KEY",
  secretAccessKey: "DOORWARD_COPY_SECRET_KEY",
} as const;

/**
 * Opens a place with what is in `secrets/copy.yaml`, or in the environment where that says it.
 *
 * @param dataDirectory - Null: what the environment says is all there is.
 * @throws SettingsError; HubError PLACE_REFUSED where a store has no key.
 */
export async function openCopyPlace(
  at: CopyAddress,
  dataDirectory: string | null,
  environment: NodeJS.ProcessEnv,
  line: LineOptions = {},
): Promise<Place> {
  if (at.kind === "folder") return openFolderPlace(at.folder);
  const kept = dataDirectory === null ? {} : await keptLogin(dataDirectory);
  const of = (name: keyof typeof LOGIN_VARIABLES): string | null =>
    environment[LOGIN_VARIABLES[name]] ?? kept[name] ?? null;
  if (at.kind === "webdav")
    return openWebDavPlace(
      at.url,
      { user: of("user"), password: of("password"), token: of("token") },
      line,
    );
  const [accessKeyId, secretAccessKey] = [of("accessKeyId"), of("secretAccessKey")];
  if (accessKeyId === null || secretAccessKey === null)
    throw new HubError(
      "PLACE_REFUSED",
      `Cannot reach s3://${at.bucket}: put accessKeyId and secretAccessKey into secrets/copy.yaml, or into ${LOGIN_VARIABLES.accessKeyId} and ${LOGIN_VARIABLES.secretAccessKey}`,
    );
  return openS3Place(at, { accessKeyId, secretAccessKey }, line);
}

async function keptLogin(dataDirectory: string): Promise<Static<typeof SecretsSchema>> {
  const file = path.join(dataDirectory, "secrets", "copy.yaml");
  const written = await readSettingsText(file);
  return written === null ? {} : checkText(file, written, SecretsSchema).value;
}
