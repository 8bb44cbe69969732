import path from "node:path";
import { makePrivateDirectory, readSmallFile, writeFileDurably } from "../base/files.ts";
import { VIEWER_MAX_BYTES, VIEWER_NAME } from "../protocol/bundle.ts";
import { sha256Hex } from "../protocol/bytes.ts";
import { claimedViewer } from "../protocol/decision.ts";
import { HubError } from "../protocol/errors.ts";
import { parseSha256Hex, type Sha256Hex } from "../protocol/ids.ts";

export interface Viewer {
  readonly sha256: Sha256Hex;
  readonly bytes: Uint8Array;
}

/**
 * The viewers that bundles of this hub carry. Each is kept by its hash from the first approval that
 * names it, so that an older approval gives the same bundle after the hub was renewed.
 */
export class Viewers {
  readonly #pageDirectory: string;
  readonly #directory: string;

  /**
   * @param pageDirectory - Where the build has put the newest one.
   * @param directory - Where they are kept; made when it is needed.
   */
  constructor(pageDirectory: string, directory: string) {
    this.#pageDirectory = pageDirectory;
    this.#directory = directory;
  }

  /** The one that the build made; null where the page was never built. */
  async newest(): Promise<Viewer | null> {
    const bytes = await readSmallFile(
      path.join(this.#pageDirectory, VIEWER_NAME),
      VIEWER_MAX_BYTES,
    );
    return bytes && { sha256: sha256Hex(bytes), bytes };
  }

  /**
   * Keeps the viewer that an approval names, before the approval is taken.
   *
   * @throws HubError VIEWER_UNKNOWN when this hub has never had it.
   */
  async keepFor(envelope: unknown): Promise<void> {
    const claimed = claimedViewer(envelope);
    if (claimed === null) return;
    const sha256 = parseSha256Hex(claimed);
    if (await this.#kept(sha256)) return;
    const newest = await this.newest();
    if (newest?.sha256 !== sha256)
      throw new HubError(
        "VIEWER_UNKNOWN",
        "Cannot approve: this hub has another viewer than this device; sign again, or bring both to one version",
      );
    await this.#keep(newest);
  }

  /** @throws HubError FILE_MISSING, FILE_DAMAGED. */
  async read(sha256: Sha256Hex): Promise<Uint8Array> {
    const bytes = await readSmallFile(this.#path(sha256), VIEWER_MAX_BYTES);
    if (!bytes) throw new HubError("FILE_MISSING", "Cannot make bundle: its viewer is gone");
    if (sha256Hex(bytes) !== sha256)
      throw new HubError("FILE_DAMAGED", "Cannot make bundle: its viewer was altered on the disk");
    return bytes;
  }

  async #kept(sha256: Sha256Hex): Promise<boolean> {
    const bytes = await readSmallFile(this.#path(sha256), VIEWER_MAX_BYTES);
    return bytes !== null && sha256Hex(bytes) === sha256;
  }

  async #keep({ sha256, bytes }: Viewer): Promise<void> {
    await makePrivateDirectory(this.#directory);
    await writeFileDurably(this.#path(sha256), bytes);
  }

  #path(sha256: Sha256Hex): string {
    return path.join(this.#directory, `${sha256}.html`);
  }
}
