import { createPrivateKey, sign, verify, X509Certificate } from "node:crypto";
import { stat } from "node:fs/promises";
import path from "node:path";
import { readSmallFile, writeFileDurably } from "../base/files.ts";
import { HubError } from "../protocol/errors.ts";

/** One private key (PKCS 8), then one or two certificates, and nothing else. */
const CONTENT =
  /^(-----BEGIN PRIVATE KEY-----\n[A-Za-z0-9+/=\n]{1,4000}-----END PRIVATE KEY-----\n)((?:-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]{1,8000}-----END CERTIFICATE-----\n){1,2})$/;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n/g;
const FILE_BYTES_MAX = 24 * 1024;
const FOR_OTHERS = 0o077;

export interface PemFile {
  readonly keyPem: string;
  /** The one of the key first. */
  readonly certificates: readonly { readonly pem: string; readonly read: X509Certificate }[];
}

/**
 * Reads a key and its certificates from one file: in two, a power cut could leave the new key beside
 * the old certificate.
 *
 * @returns null where there is no such file.
 * @throws HubError SECRETS_READABLE where others on this machine may read it; PEM_DAMAGED, with what
 *   is wrong with it as its message.
 */
export async function readPemFile(file: string): Promise<PemFile | null> {
  const content = await readSmallFile(file, FILE_BYTES_MAX);
  if (content === null) return null;
  const { mode } = await stat(file);
  if ((mode & FOR_OTHERS) !== 0)
    throw new HubError(
      "SECRETS_READABLE",
      `Cannot use ${path.basename(file)}: others on this machine can read it; run chmod 600 on it`,
    );
  const [, keyPem, chain] = CONTENT.exec(Buffer.from(content).toString("latin1")) ?? [];
  if (keyPem === undefined || chain === undefined)
    throw new HubError("PEM_DAMAGED", "it does not hold one private key and its certificates");
  return readContent(keyPem, chain.match(CERTIFICATE) ?? []);
}

/** Writes a key and its certificates into one file (0600), durably. */
export async function writePemFile(
  file: string,
  keyPem: string,
  certificatePems: readonly string[],
): Promise<PemFile> {
  await writeFileDurably(file, Buffer.from([keyPem, ...certificatePems].join("")));
  return readContent(keyPem, certificatePems);
}

function readContent(keyPem: string, certificatePems: readonly string[]): PemFile {
  try {
    const certificates = certificatePems.map((pem) => ({ pem, read: new X509Certificate(pem) }));
    // A key is decoded only when it is asked for.
    const [publicKey] = certificates.map(({ read }) => read.publicKey);
    const challenge = Buffer.from("doorward");
    // Beside the secret the file has the public half, so that only a signature shows a wrong secret.
    const signature = sign("sha256", challenge, createPrivateKey(keyPem));
    if (publicKey && verify("sha256", challenge, publicKey, signature))
      return { keyPem, certificates };
  } catch (error) {
    throw new HubError("PEM_DAMAGED", "its key or a certificate cannot be read", { cause: error });
  }
  throw new HubError("PEM_DAMAGED", "its key is not that of its certificate");
}
