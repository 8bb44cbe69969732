import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { chmod, mkdir, open, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { originOf } from "../protocol/cosigner.ts";
import { HubError } from "../protocol/errors.ts";

/** The ledger's own key: signs checkpoints, opens nothing. */
export interface LedgerKey {
  /** Name of the ledger in checkpoints and terms: `doorward/` and half the key's SHA-256. */
  readonly origin: string;
  /** Raw Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

const LEDGER_KEY_FILE = "ledger.pem";

/**
 * Reads the ledger key from `data/secrets`, or makes it on the first start.
 *
 * @throws HubError SECRETS_READABLE when others on this machine may read the folder or the key.
 */
export async function openLedgerKey(secretsDirectory: string): Promise<LedgerKey> {
  await mkdir(secretsDirectory, { recursive: true, mode: 0o700 });
  await chmod(secretsDirectory, 0o700);
  const file = path.join(secretsDirectory, LEDGER_KEY_FILE);
  let pem: string;
  try {
    await requirePrivate(file);
    pem = await readFile(file, "utf8");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    pem = await createKey(file);
  }
  const privateKey = createPrivateKey(pem);
  const jwk = createPublicKey(privateKey).export({ format: "jwk" });
  const publicKey = new Uint8Array(Buffer.from(jwk.x ?? "", "base64url"));
  return {
    origin: originOf(publicKey),
    publicKey,
    sign: (message) => new Uint8Array(sign(null, message, privateKey)),
  };
}

async function createKey(file: string): Promise<string> {
  const { privateKey } = generateKeyPairSync("ed25519");
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const handle = await open(file, "wx", 0o600);
  try {
    await handle.writeFile(pem);
    await handle.sync();
  } finally {
    await handle.close();
  }
  return pem;
}

async function requirePrivate(file: string): Promise<void> {
  const { mode } = await stat(file);
  if ((mode & 0o077) !== 0)
    throw new HubError(
      "SECRETS_READABLE",
      `Cannot use ${path.basename(file)}: others on this machine can read it; run chmod 600 on it`,
    );
}
