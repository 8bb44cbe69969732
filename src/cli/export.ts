import { open, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { readSmallFile, systemErrorCode, writeFileDurably } from "../base/files.ts";
import { BUNDLE_MAX_BYTES } from "../protocol/bundle.ts";
import { HubError } from "../protocol/errors.ts";
import { UsageError, type ExitCode } from "./exit.ts";
import { reach } from "../owner/hub-client.ts";
import { readOptions, say } from "./options.ts";

/** Room for headers, proofs and zip beside the recordings. */
const DOWNLOAD_MAX_BYTES = BUNDLE_MAX_BYTES + 64 * 1024 * 1024;
/** How often it tries in vain before it gives up; whatever came in between, it goes on from there. */
const TRIES = 5;
const WAIT_MS = 250;

/**
 * Downloads what was approved. Until then the answer is the same as for an address that never was.
 * What broke off is kept beside the target, and the next call goes on from there.
 */
export async function exportBundle(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["out"], positionals: 1 });
  const url = options.positionals[0] ?? "";
  const out = options.required("out");
  if (!URL.canParse(url)) throw new UsageError("Cannot read STATUS_URL: not an address");
  const partial = `${out}.partial`;
  let hadBytes = 0;
  for (let tried = 1; !(await downloadMore(url, partial)); tried += 1) {
    const { size } = await stat(partial);
    if (size > hadBytes) tried = 1;
    else if (tried >= TRIES)
      throw new HubError(
        "HUB_UNREACHABLE",
        "Cannot download: the connection breaks every time; run this again, it goes on from there",
      );
    hadBytes = size;
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS * tried));
  }
  await rename(partial, out);
  await rm(etagFile(partial), { force: true });
  const { size } = await stat(out);
  say(`${size} bytes. Check it: doorward verify ${out}`);
  return 0;
}

/** The name of the bytes that a partial file begins; without it the rest would be another's. */
const etagFile = (partial: string): string => `${partial}.etag`;
const ETAG_MAX_BYTES = 200;
const ETAG = /^"[0-9a-f]{64}"$/;

/** @returns False where the connection broke: what came is kept. */
async function downloadMore(url: string, partial: string): Promise<boolean> {
  const begun = await begunDownload(partial);
  const headers: Record<string, string> = begun
    ? { range: `bytes=${begun.sizeBytes}-`, "if-range": begun.etag }
    : {};
  const response = await reach(url, { redirect: "error", headers });
  if (response.status === 404)
    throw new HubError(
      "NOT_FOUND",
      "Nothing is there: not answered yet, refused, expired, or never asked. It always looks the same",
    );
  if (!response.ok || !response.body)
    throw new HubError("HUB_FAILED", `Cannot download: the hub answered ${response.status}`);
  const isRest = response.status === 206 && begun !== null && isRestOf(response, begun);
  if (response.status === 206 && !isRest)
    throw new HubError("HUB_FAILED", "Cannot download: the hub answered with another part");
  const etag = response.headers.get("etag");
  if (!isRest) await rememberEtag(partial, etag);
  await using file = await open(partial, isRest ? "a" : "w", 0o600);
  return await writeAll(
    file,
    response.body as AsyncIterable<Uint8Array>,
    isRest ? begun.sizeBytes : 0,
  );
}

interface Begun {
  readonly sizeBytes: number;
  readonly etag: string;
}

async function begunDownload(partial: string): Promise<Begun | null> {
  const etag = await readSmallFile(etagFile(partial), ETAG_MAX_BYTES);
  const text = etag && new TextDecoder().decode(etag);
  if (!text || !ETAG.test(text)) return null;
  try {
    const { size } = await stat(partial);
    return size > 0 ? { sizeBytes: size, etag: text } : null;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return null;
    throw error;
  }
}

function isRestOf(response: Response, { sizeBytes, etag }: Begun): boolean {
  const range = response.headers.get("content-range") ?? "";
  return response.headers.get("etag") === etag && range.startsWith(`bytes ${sizeBytes}-`);
}

async function rememberEtag(partial: string, etag: string | null): Promise<void> {
  // Before the first byte: bytes whose name is not known are fetched anew.
  await rm(etagFile(partial), { force: true });
  if (etag !== null && ETAG.test(etag))
    await writeFileDurably(etagFile(partial), new TextEncoder().encode(etag));
}

async function writeAll(
  file: FileHandle,
  chunks: AsyncIterable<Uint8Array>,
  begunBytes: number,
): Promise<boolean> {
  let sizeBytes = begunBytes;
  try {
    for await (const chunk of chunks) {
      sizeBytes += chunk.length;
      if (sizeBytes > DOWNLOAD_MAX_BYTES)
        throw new HubError("TOO_LARGE", "Cannot download: it is larger than any bundle");
      await file.write(chunk);
    }
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
  await file.sync();
  return true;
}
