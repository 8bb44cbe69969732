import path from "node:path";
import type { Place } from "../offsite/place.ts";
import { openCopyPlace, readCopyAddress } from "../settings/copy.ts";
import { UsageError } from "./exit.ts";
import type { ReadOptions } from "./options.ts";

/** Opens the copy that `--from` names as `copy.to` of the settings does, for reading. */
export async function openPlaceToRead(
  options: ReadOptions,
  environment: NodeJS.ProcessEnv,
): Promise<Place> {
  const from = options.required("from");
  const [endpoint, region] = [options.text("endpoint"), options.text("region")];
  const isAddress = /^[a-z0-9+.-]+:\/\//i.test(from);
  const at = readCopyAddress(
    {
      to: isAddress ? from : path.resolve(from),
      ...(endpoint === null ? {} : { endpoint }),
      ...(region === null ? {} : { region }),
    },
    (field, why) => new UsageError(`Cannot read --${field === "to" ? "from" : field}: ${why}`),
  );
  return openCopyPlace(at, null, environment);
}
