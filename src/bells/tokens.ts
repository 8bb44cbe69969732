import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import path from "node:path";
import Type from "typebox";
import { readSmallFile, writeFileDurably } from "../base/files.ts";
import { utf8Bytes } from "../protocol/bytes.ts";
import { parseJson } from "../protocol/canonical-json.ts";
import { checkShape } from "../protocol/check.ts";

const FILE = "bell-tokens.json";
const FILE_MAX_BYTES = 16 * 1024;
const TOKEN_BYTES = 24;

const TokensSchema = Type.Record(
  Type.String({ pattern: "^[a-z][a-z0-9-]{0,31}$" }),
  Type.String({ pattern: "^[0-9a-f]{48}$" }),
  { maxProperties: 64 },
);

/** What a webhook must know to ring: one token a camera, in the hub's secrets. */
export class BellTokens {
  readonly #file: string;
  #tokens: ReadonlyMap<string, string> = new Map();
  /** Compared with where there is no such camera, so that it takes as long. */
  readonly #nobodys = randomBytes(TOKEN_BYTES).toString("hex");
  #tail: Promise<void> = Promise.resolve();

  private constructor(file: string) {
    this.#file = file;
  }

  /** @throws HubError where the file has been changed into something else. */
  static async open(secretsDirectory: string): Promise<BellTokens> {
    const tokens = new BellTokens(path.join(secretsDirectory, FILE));
    const bytes = await readSmallFile(tokens.#file, FILE_MAX_BYTES);
    if (bytes)
      tokens.#tokens = new Map(
        Object.entries(checkShape(TokensSchema, parseJson(bytes, FILE), FILE)),
      );
    return tokens;
  }

  of(camera: string): string | null {
    return this.#tokens.get(camera) ?? null;
  }

  /** A token for each of these cameras, and for no other: one that comes back gets a new one. */
  async keepFor(cameras: readonly string[]): Promise<void> {
    const next = this.#tail.then(() => this.#keepFor(cameras));
    this.#tail = next.catch(() => undefined);
    await next;
  }

  isOf(camera: string, token: string): boolean {
    const own = this.#tokens.get(camera);
    const isSame = timingSafeEqual(digest(own ?? this.#nobodys), digest(token));
    return own !== undefined && isSame;
  }

  async #keepFor(cameras: readonly string[]): Promise<void> {
    const isSame =
      cameras.length === this.#tokens.size && cameras.every((camera) => this.#tokens.has(camera));
    if (isSame) return;
    const tokens = new Map(
      cameras.map((camera) => [
        camera,
        this.#tokens.get(camera) ?? randomBytes(TOKEN_BYTES).toString("hex"),
      ]),
    );
    const text = `${JSON.stringify(Object.fromEntries(tokens), null, 2)}\n`;
    await writeFileDurably(this.#file, utf8Bytes(text));
    this.#tokens = tokens;
  }
}

function digest(text: string): Uint8Array {
  return createHash("sha256").update(text, "utf8").digest();
}
