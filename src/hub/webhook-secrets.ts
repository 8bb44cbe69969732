import { randomBytes } from "node:crypto";
import path from "node:path";
import Type from "typebox";
import { readSmallFile, writeFileDurably } from "../base/files.ts";
import { utf8Bytes } from "../protocol/bytes.ts";
import { parseJson } from "../protocol/canonical-json.ts";
import { checkShape } from "../protocol/check.ts";

const FILE = "webhooks.json";
const FILE_MAX_BYTES = 32 * 1024;
const SECRET_BYTES = 32;

const SecretsSchema = Type.Record(
  Type.String({ pattern: "^https?://[!-~]+$" }),
  Type.String({ pattern: "^[0-9a-f]{64}$" }),
  { maxProperties: 64 },
);

/**
 * What webhooks are signed with: one secret for each address, in `secrets/webhooks.json`, for an owner
 * to copy from there. One that is called cannot sign for another.
 */
export class WebhookSecrets {
  readonly #file: string;
  #secrets: ReadonlyMap<string, string>;
  #tail: Promise<void> = Promise.resolve();

  private constructor(file: string, secrets: ReadonlyMap<string, string>) {
    this.#file = file;
    this.#secrets = secrets;
  }

  /** @throws HubError where the file has been changed into something else. */
  static async open(secretsDirectory: string): Promise<WebhookSecrets> {
    const file = path.join(secretsDirectory, FILE);
    const bytes = await readSmallFile(file, FILE_MAX_BYTES);
    const known = bytes ? checkShape(SecretsSchema, parseJson(bytes, FILE), FILE) : {};
    return new WebhookSecrets(file, new Map(Object.entries(known)));
  }

  of(url: string): Uint8Array | null {
    const secret = this.#secrets.get(url);
    return secret === undefined ? null : Buffer.from(secret, "hex");
  }

  /** A secret for each of these addresses, and for no other. */
  async keepFor(urls: readonly string[]): Promise<void> {
    const next = this.#tail.then(() => this.#keepFor(urls));
    this.#tail = next.catch(() => undefined);
    await next;
  }

  async #keepFor(urls: readonly string[]): Promise<void> {
    const isSame =
      urls.length === this.#secrets.size && urls.every((url) => this.#secrets.has(url));
    if (isSame) return;
    const secrets = new Map(
      urls.map((url) => [url, this.#secrets.get(url) ?? randomBytes(SECRET_BYTES).toString("hex")]),
    );
    const text = `${JSON.stringify(Object.fromEntries(secrets), null, 2)}\n`;
    await writeFileDurably(this.#file, utf8Bytes(text));
    this.#secrets = secrets;
  }
}
