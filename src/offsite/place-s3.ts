import { AwsV4Signer } from "aws4fetch";
import { COPY_LIMITS } from "../protocol/copy-format.ts";
import { fromBase64, fromHex, toBase64, toHex } from "../protocol/bytes.ts";
import { MalformedInput } from "../protocol/errors.ts";
import { limited, rangeHeader, readAnswer, requireStatus } from "./answers.ts";
import { Line, type LineOptions, type PlaceAnswer, type PlaceRequest } from "./exchange.ts";
import { compareObject, isThere, requirePlainName, takenError } from "./place-names.ts";
import {
  placeError,
  type ByteRange,
  type Place,
  type PlaceContent,
  type PlacedObject,
} from "./place.ts";
import { readXml, sizeOf, textOf } from "./xml.ts";

export interface S3Address {
  /** Of the server: scheme, host, and port where it has another. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** "" or ending with `/`. */
  readonly prefix: string;
}

export interface S3Login {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const LISTING_BYTES_MAX = 8 * 1024 * 1024;
const ANSWER_BYTES_MAX = 256 * 1024;
const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** A bucket of an S3-compatible store, by its path; requests are signed with Signature Version 4. */
export function openS3Place(address: S3Address, login: S3Login, options?: LineOptions): Place {
  return new S3Place(address, login, new Line(options));
}

class S3Place implements Place {
  readonly kind = "s3";
  readonly address: string;
  readonly #at: S3Address;
  readonly #login: S3Login;
  readonly #line: Line;
  readonly #host: string;
  /** False for a store that does not know the condition: there it is looked first, and that is all. */
  #knowsCondition = true;

  constructor(at: S3Address, login: S3Login, line: Line) {
    this.#at = at;
    this.#login = login;
    this.#line = line;
    this.#host = new URL(at.endpoint).host;
    this.address = `s3://${at.bucket}/${at.prefix} (${this.#host})`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#line[Symbol.dispose]();
  }

  async put(name: string, content: PlaceContent, signal: AbortSignal): Promise<"put" | "known"> {
    requirePlainName(name);
    if (await isThere(this, name, content, signal)) return "known";
    let answer = await this.#put(name, content, signal);
    if (answer.status === 501 && this.#knowsCondition) {
      this.#knowsCondition = false;
      answer = await this.#put(name, content, signal);
    }
    // 409: somebody else is just putting it.
    if ([409, 412].includes(answer.status)) return await this.#known(name, content, signal);
    this.#require(answer, `put ${name}`, [200, 201]);
    return "put";
  }

  async look(
    name: string,
    signal: AbortSignal,
  ): Promise<{ sizeBytes: number; sha256: string | null } | null> {
    requirePlainName(name);
    const answer = await this.#ask("HEAD", this.#urlOf(name), signal, {
      headers: { "x-amz-checksum-mode": "ENABLED" },
    });
    if (answer.status === 404) return null;
    this.#require(answer, `look at ${name}`, [200]);
    try {
      const sizeBytes = sizeOf(answer.header("content-length"));
      return { sizeBytes, sha256: checksumOf(answer.header("x-amz-checksum-sha256")) };
    } catch (cause) {
      if (!(cause instanceof MalformedInput)) throw cause;
      throw placeError("PLACE_LIES", `Cannot look at ${name}: ${this.#host} says no size`, {
        cause,
      });
    }
  }

  async *list(prefix: string, signal: AbortSignal): AsyncGenerator<PlacedObject, void, void> {
    let token: string | null = null;
    let listed = 0;
    for (;;) {
      const url = this.#urlOf("");
      url.searchParams.set("list-type", "2");
      url.searchParams.set("prefix", this.#at.prefix + prefix);
      if (token !== null) url.searchParams.set("continuation-token", token);
      const answer = await this.#ask("GET", url, signal, { maxBytes: LISTING_BYTES_MAX });
      this.#require(answer, "list it", [200]);
      const root = limited(answer.bytes, this.#host);
      for (const child of root.children) {
        const key = child.name === "Contents" ? textOf(child, "Key") : null;
        if (key === null || !key.startsWith(this.#at.prefix + prefix)) continue;
        listed += 1;
        if (listed > COPY_LIMITS.listed) throw this.#endless();
        const sizeBytes = Number(textOf(child, "Size") ?? "");
        if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) continue;
        yield { name: key.slice(this.#at.prefix.length), sizeBytes };
      }
      const next =
        textOf(root, "IsTruncated") === "true" ? textOf(root, "NextContinuationToken") : null;
      if (next === null) return;
      if (next === token) throw this.#endless();
      token = next;
    }
  }

  async *read(
    name: string,
    signal: AbortSignal,
    range?: ByteRange,
  ): AsyncGenerator<Uint8Array, void, void> {
    requirePlainName(name);
    if (range?.sizeBytes === 0) return;
    const request = await this.#signed("GET", this.#urlOf(name), { headers: rangeHeader(range) });
    const answer = await this.#line.open(request, signal);
    yield* readAnswer(answer, { name, host: this.#host, range });
  }

  async remove(name: string, signal: AbortSignal): Promise<boolean> {
    requirePlainName(name);
    const answer = await this.#ask("DELETE", this.#urlOf(name), signal);
    if (answer.status === 404) return true;
    // Also where keys, bucket or clock are wrong: those say so wherever something is put.
    if ([403, 405, 409, 501].includes(answer.status)) return false;
    this.#require(answer, `remove ${name}`, [200, 202, 204]);
    return true;
  }

  async #put(name: string, content: PlaceContent, signal: AbortSignal): Promise<PlaceAnswer> {
    return await this.#ask("PUT", this.#urlOf(name), signal, {
      headers: {
        "content-type": "application/octet-stream",
        // The store refuses what arrives as anything else, and may say it later when it is asked.
        "x-amz-content-sha256": content.sha256,
        "x-amz-checksum-sha256": toBase64(fromHex(content.sha256, "sha256")),
        ...(this.#knowsCondition ? { "if-none-match": "*" } : {}),
      },
      body: content,
    });
  }

  async #known(name: string, content: PlaceContent, signal: AbortSignal): Promise<"known"> {
    if ((await compareObject(this, name, content, signal)) !== "same") throw takenError(name);
    return "known";
  }

  async #ask(
    method: PlaceRequest["method"],
    url: URL,
    signal: AbortSignal,
    more: {
      readonly headers?: Record<string, string>;
      readonly body?: PlaceContent;
      readonly maxBytes?: number;
    } = {},
  ): Promise<PlaceAnswer> {
    const { maxBytes = ANSWER_BYTES_MAX, ...rest } = more;
    return await this.#line.exchange(await this.#signed(method, url, rest), maxBytes, signal);
  }

  async #signed(
    method: PlaceRequest["method"],
    url: URL,
    { headers = {}, body }: { headers?: Record<string, string>; body?: PlaceContent },
  ): Promise<PlaceRequest> {
    const signer = new AwsV4Signer({
      ...{ method, url: url.href, service: "s3", region: this.#at.region, ...this.#login },
      headers: { "x-amz-content-sha256": EMPTY_SHA256, ...headers },
    });
    const signed = await signer.sign();
    return {
      ...{ method, url: signed.url, headers: Object.fromEntries(signed.headers) },
      ...(body ? { body } : {}),
    };
  }

  /** What a store says besides the status tells a wrong clock from a wrong key. */
  #require(answer: PlaceAnswer, what: string, expected: readonly number[]): void {
    if (expected.includes(answer.status)) return;
    const said = errorCodeOf(answer.bytes);
    if (said === "RequestTimeTooSkewed")
      throw placeError("PLACE_REFUSED", `Cannot ${what}: the clock of this hub is wrong (${said})`);
    if (said === "QuotaExceeded" || said === "EntityTooLarge" || said === "XMinioStorageFull")
      throw placeError("PLACE_FULL", `Cannot ${what} at ${this.#host}: no room left (${said})`);
    requireStatus(answer, what, this.#host, expected, said);
  }

  #endless(): Error {
    return placeError("PLACE_LIES", `Cannot list ${this.address}: there is no end to it`);
  }

  #urlOf(name: string): URL {
    const { endpoint, bucket, prefix } = this.#at;
    const path = name === "" ? bucket : `${bucket}/${prefix}${name}`;
    return new URL(`${endpoint.replace(/\/+$/, "")}/${path}`);
  }
}

/** Null where the store says none, or one of several parts (`...=-3`). */
function checksumOf(text: string | null): string | null {
  if (text === null || !/^[A-Za-z0-9+/]{43}=$/.test(text)) return null;
  return toHex(fromBase64(text, "checksum"));
}

function errorCodeOf(bytes: Uint8Array): string | null {
  try {
    const code = textOf(readXml(bytes), "Code") ?? "";
    return /^[A-Za-z]{1,60}$/.test(code) ? code : null;
  } catch (error) {
    if (error instanceof MalformedInput) return null;
    throw error;
  }
}
