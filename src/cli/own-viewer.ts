import { fileURLToPath } from "node:url";
import { readSmallFile } from "../base/files.ts";
import { VIEWER_MAX_BYTES, VIEWER_NAME } from "../protocol/bundle.ts";
import { sha256Hex } from "../protocol/bytes.ts";

const BUILT = fileURLToPath(new URL(`../../web/dist/${VIEWER_NAME}`, import.meta.url));

/** SHA-256 of the viewer that this installation has built; null where it has built none. */
export async function ownViewer(): Promise<string | null> {
  const bytes = await readSmallFile(BUILT, VIEWER_MAX_BYTES);
  return bytes && sha256Hex(bytes);
}
