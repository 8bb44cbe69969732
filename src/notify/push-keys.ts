import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { stat } from "node:fs/promises";
import path from "node:path";
import { readSmallFile, writeFileDurably } from "../base/files.ts";
import { HubError } from "../protocol/errors.ts";

/** What this hub shows itself with to push services (VAPID, RFC 8292). */
export interface PushKeys {
  /** Uncompressed point of P-256, base64url, as a page subscribes with it. */
  readonly publicKey: string;
  /** Scalar of P-256, base64url. */
  readonly privateKey: string;
}

const FILE = "push.pem";
const FILE_BYTES_MAX = 4_096;

/**
 * Reads the push key from `data/secrets`, which is there, or makes it.
 *
 * @throws HubError `SECRETS_READABLE` where others on this machine may read it, `SECRET_DAMAGED`
 * where it is no key of P-256.
 */
export async function openPushKeys(secretsDirectory: string): Promise<PushKeys> {
  const file = path.join(secretsDirectory, FILE);
  const found = await readSmallFile(file, FILE_BYTES_MAX);
  if (found) {
    await requirePrivate(file);
    return keysOf(Buffer.from(found).toString("utf8"));
  }
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  await writeFileDurably(file, Buffer.from(pem));
  return keysOf(pem);
}

function keysOf(pem: string): PushKeys {
  try {
    const { crv, x, y, d } = createPrivateKey(pem).export({ format: "jwk" });
    if (crv === "P-256" && x !== undefined && y !== undefined && d !== undefined) {
      const point = [Buffer.of(4), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")];
      return { publicKey: Buffer.concat(point).toString("base64url"), privateKey: d };
    }
  } catch (cause) {
    throw damaged(cause);
  }
  throw damaged(null);
}

function damaged(cause: unknown): HubError {
  return new HubError(
    "SECRET_DAMAGED",
    `Cannot use ${FILE}: it holds no key of P-256; remove it, and every device switches its notifications on again`,
    { cause },
  );
}

async function requirePrivate(file: string): Promise<void> {
  const { mode } = await stat(file);
  if ((mode & 0o077) !== 0)
    throw new HubError(
      "SECRETS_READABLE",
      `Cannot use ${FILE}: others on this machine can read it; run chmod 600 on it`,
    );
}
