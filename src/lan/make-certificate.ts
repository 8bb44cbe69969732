import { createHash, KeyObject, randomBytes, webcrypto, X509Certificate } from "node:crypto";
import { nameConstraintsFor, NAME_CONSTRAINTS } from "./name-constraints.ts";

/** PEM of a certificate and of its private key (PKCS 8). */
export interface MadeCertificate {
  readonly certificatePem: string;
  readonly keyPem: string;
}

export interface Validity {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** P-256 with SHA-256: what every phone takes, and small. */
const CURVE = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNATURE = { name: "ECDSA", hash: "SHA-256" } as const;
/** Uncompressed, at the end of what describes the key. */
const POINT_BYTES = 65;
const SERVER_AUTHENTICATION = "1.3.6.1.5.5.7.3.1";

/** Only while one is made, once a year: the library costs 22 MB of memory and a third of a second. */
async function loadLibrary() {
  await import("reflect-metadata");
  return import("@peculiar/x509");
}

export interface MadeAuthority {
  /** Self-signed: what phones trust. Its key is gone. */
  readonly rootPem: string;
  /** Signed by the root's key, with a key of its own that signs leaves. */
  readonly issuer: MadeCertificate;
}

/**
 * An authority that can vouch for servers by the name `name` and for nothing else.
 *
 * It has two steps, since RFC 5280 (section 6) leaves it to whoever checks whether constraints in the
 * certificate that is trusted count at all. So the root signs one issuer, bound to the same name,
 * and its key is forgotten here: what the hub keeps is the issuer's, whose constraints count.
 */
export async function makeAuthority(name: string, validity: Validity): Promise<MadeAuthority> {
  const x509 = await loadLibrary();
  const [rootKeys, issuerKeys] = [await makeKeys(), await makeKeys()];
  const rootName = distinguishedName(`Doorward for ${name}`);
  const signedByRoot = async (
    subject: { CN: string[] }[],
    publicKey: webcrypto.CryptoKey,
    authoritiesBelow: number,
  ): Promise<string> => {
    const certificate = await x509.X509CertificateGenerator.create({
      subject,
      issuer: rootName,
      serialNumber: serialNumber(),
      publicKey,
      signingKey: rootKeys.privateKey,
      signingAlgorithm: SIGNATURE,
      ...datesOf(validity),
      extensions: [
        new x509.BasicConstraintsExtension(true, authoritiesBelow, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
        new x509.ExtendedKeyUsageExtension([SERVER_AUTHENTICATION], false),
        new x509.Extension(NAME_CONSTRAINTS, true, nameConstraintsFor(name)),
        new x509.SubjectKeyIdentifierExtension(keyIdentifier(KeyObject.from(publicKey)), false),
        new x509.AuthorityKeyIdentifierExtension(
          keyIdentifier(KeyObject.from(rootKeys.publicKey)),
          false,
        ),
      ],
    });
    return pemOf(certificate);
  };
  const issuerName = distinguishedName(`Doorward issuer for ${name}`);
  return {
    rootPem: await signedByRoot(rootName, rootKeys.publicKey, 1),
    issuer: {
      certificatePem: await signedByRoot(issuerName, issuerKeys.publicKey, 0),
      keyPem: await pemOfKey(issuerKeys.privateKey),
    },
  };
}

/** A server's certificate with a new key, signed by `issuer`. */
export async function makeLeaf(
  issuer: MadeCertificate,
  name: string,
  validity: Validity,
): Promise<MadeCertificate> {
  const x509 = await loadLibrary();
  const keys = await makeKeys();
  const issuerKey = new X509Certificate(issuer.certificatePem).publicKey;
  const certificate = await x509.X509CertificateGenerator.create({
    subject: distinguishedName(name),
    issuer: new x509.X509Certificate(issuer.certificatePem).subjectName,
    serialNumber: serialNumber(),
    publicKey: keys.publicKey,
    signingKey: await importKey(issuer.keyPem),
    signingAlgorithm: SIGNATURE,
    ...datesOf(validity),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([SERVER_AUTHENTICATION], false),
      new x509.SubjectAlternativeNameExtension([{ type: "dns", value: name }], false),
      new x509.SubjectKeyIdentifierExtension(keyIdentifier(KeyObject.from(keys.publicKey)), false),
      new x509.AuthorityKeyIdentifierExtension(keyIdentifier(issuerKey), false),
    ],
  });
  return { certificatePem: pemOf(certificate), keyPem: await pemOfKey(keys.privateKey) };
}

async function makeKeys() {
  return webcrypto.subtle.generateKey(CURVE, true, ["sign", "verify"]);
}

async function importKey(keyPem: string): Promise<webcrypto.CryptoKey> {
  const der = Buffer.from(keyPem.replaceAll(/-----[A-Z ]+-----|\s/g, ""), "base64");
  return webcrypto.subtle.importKey("pkcs8", der, CURVE, false, ["sign"]);
}

/** Twenty random octets (RFC 5280 allows no more), the first of them from 64 to 127: positive, no 0. */
function serialNumber(): string {
  const octets = randomBytes(20);
  octets[0] = ((octets[0] ?? 0) & 0x3f) | 0x40;
  return octets.toString("hex");
}

/** Half the SHA-256 of the public key's point (RFC 7093, method 1), in hexadecimal. */
function keyIdentifier(key: KeyObject): string {
  const point = key.export({ type: "spki", format: "der" }).subarray(-POINT_BYTES);
  return createHash("sha256").update(point).digest("hex").slice(0, 40);
}

function distinguishedName(commonName: string): { CN: string[] }[] {
  // RFC 5280 allows 64 characters; the name itself stands in the constraint and in the leaf's list.
  return [{ CN: [commonName.slice(0, 64)] }];
}

/** Certificates count in whole seconds. */
function datesOf({ fromMs, untilMs }: Validity): { notBefore: Date; notAfter: Date } {
  const whole = (timeMs: number): Date => new Date(Math.floor(timeMs / 1_000) * 1_000);
  return { notBefore: whole(fromMs), notAfter: whole(untilMs) };
}

function pemOf(certificate: { toString(format: "pem"): string }): string {
  return `${certificate.toString("pem")}\n`;
}

async function pemOfKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key)).toString("base64");
  const lines = der.match(/.{1,64}/g) ?? [];
  return ["-----BEGIN PRIVATE KEY-----", ...lines, "-----END PRIVATE KEY-----", ""].join("\n");
}
