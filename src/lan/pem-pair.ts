import { createPrivateKey, X509Certificate } from "node:crypto";
import { stat } from "node:fs/promises";
import path from "node:path";
import { readSmallFile, writeFileDurably } from "../base/files.ts";
import { HubError } from "../protocol/errors.ts";
import type { MadeCertificate } from "./make-certificate.ts";

/** A private key and a certificate, PEM, one after the other. */
const PAIR =
  /^(-----BEGIN PRIVATE KEY-----\n[A-Za-z0-9+/=\n]{1,4000}-----END PRIVATE KEY-----\n)(-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]{1,8000}-----END CERTIFICATE-----\n)$/;
const FILE_BYTES_MAX = 16 * 1024;
const FOR_OTHERS = 0o077;

export interface PemPair extends MadeCertificate {
  readonly certificate: X509Certificate;
}

/**
 * Reads a key and its certificate from one file: in two, a power cut could leave the new one of the
 * one beside the old one of the other.
 *
 * @returns null where there is no such file.
 * @throws HubError SECRETS_READABLE where others on this machine may read it; PAIR_DAMAGED, with what
 *   is wrong with it as its message.
 */
export async function readPair(file: string): Promise<PemPair | null> {
  const content = await readSmallFile(file, FILE_BYTES_MAX);
  if (content === null) return null;
  const { mode } = await stat(file);
  if ((mode & FOR_OTHERS) !== 0)
    throw new HubError(
      "SECRETS_READABLE",
      `Cannot use ${path.basename(file)}: others on this machine can read it; run chmod 600 on it`,
    );
  const [, keyPem, certificatePem] = PAIR.exec(Buffer.from(content).toString("latin1")) ?? [];
  if (keyPem === undefined || certificatePem === undefined)
    throw new HubError("PAIR_DAMAGED", "it does not hold one private key and one certificate");
  let certificate: X509Certificate;
  let isOwnKey: boolean;
  try {
    certificate = new X509Certificate(certificatePem);
    isOwnKey = certificate.checkPrivateKey(createPrivateKey(keyPem));
  } catch (error) {
    throw new HubError("PAIR_DAMAGED", "its key or its certificate cannot be read", {
      cause: error,
    });
  }
  if (!isOwnKey) throw new HubError("PAIR_DAMAGED", "its key is not that of its certificate");
  return { certificatePem, keyPem, certificate };
}

/** Writes both into one file (0600), durably. */
export async function writePair(file: string, made: MadeCertificate): Promise<PemPair> {
  await writeFileDurably(file, Buffer.from(made.keyPem + made.certificatePem));
  return { ...made, certificate: new X509Certificate(made.certificatePem) };
}
