import { open, rename, rm } from "node:fs/promises";
import { BUNDLE_MAX_BYTES } from "../protocol/bundle.ts";
import { HubError } from "../protocol/errors.ts";
import { UsageError, type ExitCode } from "./exit.ts";
import { reach } from "../owner/hub-client.ts";
import { readOptions, say } from "./options.ts";

/** Room for headers, proofs and zip beside the recordings. */
const DOWNLOAD_MAX_BYTES = BUNDLE_MAX_BYTES + 64 * 1024 * 1024;

/** Downloads what was approved. Until then the answer is the same as for an address that never was. */
export async function exportBundle(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["out"], positionals: 1 });
  const url = options.positionals[0] ?? "";
  const out = options.required("out");
  if (!URL.canParse(url)) throw new UsageError("Cannot read STATUS_URL: not an address");
  const response = await reach(url, { redirect: "error" });
  if (response.status === 404)
    throw new HubError(
      "NOT_FOUND",
      "Nothing is there: not answered yet, refused, expired, or never asked. It always looks the same",
    );
  if (!response.ok || !response.body)
    throw new HubError("HUB_FAILED", `Cannot download: the hub answered ${response.status}`);
  const partial = `${out}.partial`;
  await using file = await open(partial, "w", 0o600);
  let sizeBytes = 0;
  try {
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      sizeBytes += chunk.length;
      if (sizeBytes > DOWNLOAD_MAX_BYTES)
        throw new HubError("TOO_LARGE", "Cannot download: it is larger than any bundle");
      await file.write(chunk);
    }
    await file.sync();
    await rename(partial, out);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  say(`${sizeBytes} bytes. Check it: doorward verify ${out}`);
  return 0;
}
