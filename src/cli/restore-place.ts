import path from "node:path";
import type { Place } from "../offsite/place.ts";
import { HubError } from "../protocol/errors.ts";
import { UsageError } from "./exit.ts";
import type { ReadOptions } from "./options.ts";

/** Variables that logins of places are read from: a command line is seen by everybody here. */
export const PLACE_VARIABLES = {
  user: "DOORWARD_COPY_USER",
  password: "DOORWARD_COPY_PASSWORD",
  token: "DOORWARD_COPY_TOKEN",
  accessKeyId: "DOORWARD_COPY_ACCESS_KEY",
  secretAccessKey: "DOORWARD_COPY_SECRET_KEY",
} as const;

/** Opens the copy that `--from` names: a folder, `https://...` of a WebDAV server, `s3://bucket/...`. */
export async function openCopyPlace(
  options: ReadOptions,
  environment: NodeJS.ProcessEnv,
): Promise<Place> {
  const from = options.required("from");
  if (/^https?:\/\//.test(from)) return openWebDav(from, environment);
  if (from.startsWith("s3://")) return openS3(from, options, environment);
  if (/^[a-z0-9+.-]+:\/\//i.test(from))
    throw new UsageError("Cannot read --from: expected a folder, https://... or s3://bucket/...");
  const { openFolderPlace } = await import("../offsite/place-folder.ts");
  return openFolderPlace(path.resolve(from));
}

async function openWebDav(url: string, environment: NodeJS.ProcessEnv): Promise<Place> {
  const { username, password } = new URL(url);
  if (username !== "" || password !== "")
    throw new UsageError(
      `Cannot read --from: put user and password into ${PLACE_VARIABLES.user} and ${PLACE_VARIABLES.password}`,
    );
  const { openWebDavPlace } = await import("../offsite/place-webdav.ts");
  return openWebDavPlace(url, {
    user: environment[PLACE_VARIABLES.user] ?? null,
    password: environment[PLACE_VARIABLES.password] ?? null,
    token: environment[PLACE_VARIABLES.token] ?? null,
  });
}

async function openS3(
  from: string,
  options: ReadOptions,
  environment: NodeJS.ProcessEnv,
): Promise<Place> {
  const [, bucket, rest = ""] =
    /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(from) ?? [];
  if (bucket === undefined) throw new UsageError("Cannot read --from: expected s3://bucket/prefix");
  const { accessKeyId: idName, secretAccessKey: secretName } = PLACE_VARIABLES;
  const [accessKeyId, secretAccessKey] = [environment[idName], environment[secretName]];
  if (!accessKeyId || !secretAccessKey)
    throw new HubError("PLACE_REFUSED", `Cannot open ${from}: set ${idName} and ${secretName}`);
  const { openS3Place } = await import("../offsite/place-s3.ts");
  const region = options.text("region") ?? "us-east-1";
  return openS3Place(
    {
      endpoint: options.text("endpoint") ?? `https://s3.${region}.amazonaws.com`,
      ...{ region, bucket },
      prefix: rest === "" ? "" : `${rest.replace(/\/+$/, "")}/`,
    },
    { accessKeyId, secretAccessKey },
  );
}
