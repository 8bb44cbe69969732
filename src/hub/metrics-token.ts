import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { rm } from "node:fs/promises";
import path from "node:path";
import Type from "typebox";
import { readSmallFile, syncDirectory, writeFileDurably } from "../base/files.ts";
import type { MetricsDesk, MetricsTokens } from "../http/metrics-routes.ts";
import type { HubParts } from "./parts.ts";
import { utf8Bytes } from "../protocol/bytes.ts";
import { parseJson } from "../protocol/canonical-json.ts";
import { checkShape } from "../protocol/check.ts";
import { HEALTH_DEFAULT } from "../settings/health.ts";

const FILE = "metrics.json";
const FILE_MAX_BYTES = 1_024;
const TOKEN_BYTES = 32;

const TokenSchema = Type.Object(
  {
    sha256: Type.String({ pattern: "^[0-9a-f]{64}$" }),
    madeAtMs: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }),
  },
  { additionalProperties: false },
);

/** What a program must know to read the hub's figures: one token, of which the hub keeps the hash. */
export class MetricsToken implements MetricsTokens {
  readonly #folder: string;
  readonly #nowMs: () => number;
  /** Compared with where there is none, so that it takes as long. */
  readonly #nobodys = randomBytes(TOKEN_BYTES).toString("hex");

  constructor(secretsDirectory: string, nowMs: () => number) {
    this.#folder = secretsDirectory;
    this.#nowMs = nowMs;
  }

  async make(): Promise<string> {
    const token = randomBytes(TOKEN_BYTES).toString("hex");
    const kept = {
      sha256: digest(token).toString("hex"),
      madeAtMs: Math.max(0, Math.round(this.#nowMs())),
    };
    await writeFileDurably(this.#file, utf8Bytes(`${JSON.stringify(kept)}\n`));
    return token;
  }

  async revoke(): Promise<void> {
    await rm(this.#file, { force: true });
    await syncDirectory(this.#folder);
  }

  async madeAtMs(): Promise<number | null> {
    return (await this.#kept())?.madeAtMs ?? null;
  }

  async isToken(token: string): Promise<boolean> {
    const own = (await this.#kept())?.sha256;
    const wanted = own === undefined ? digest(this.#nobodys) : Buffer.from(own, "hex");
    return timingSafeEqual(wanted, digest(token)) && own !== undefined;
  }

  get #file(): string {
    return path.join(this.#folder, FILE);
  }

  /** @throws HubError where the file has been changed into something else. */
  async #kept() {
    const bytes = await readSmallFile(this.#file, FILE_MAX_BYTES);
    return bytes === null ? null : checkShape(TokenSchema, parseJson(bytes, FILE), FILE);
  }
}

/** Off where the settings do not say otherwise, whoever has a token. */
export function openMetrics({ options, settings }: HubParts, nowMs: () => number): MetricsDesk {
  const token = new MetricsToken(path.join(options.dataDirectory, "secrets"), nowMs);
  const isOn = (): boolean => settings.current.health?.metrics ?? HEALTH_DEFAULT.metrics;
  return Object.assign(token, { isOn });
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text, "utf8").digest();
}
