import { createHash } from "node:crypto";

/**
 * A configuration profile for iPhone, iPad and Mac with one certificate to trust. Unsigned: a
 * signature would need a certificate that the phone trusts already. Its identifiers follow from the
 * certificate, so that installing it again replaces it.
 */
export function certificateProfile(name: string, certificateDer: Uint8Array): string {
  const data = Buffer.from(certificateDer).toString("base64");
  const certificate = dictionary([
    ["PayloadType", text("com.apple.security.root")],
    ["PayloadVersion", "<integer>1</integer>"],
    ["PayloadIdentifier", text(`doorward.${name}.certificate`)],
    ["PayloadUUID", text(uuidOf("certificate", certificateDer))],
    ["PayloadDisplayName", text(`Doorward for ${name}`)],
    ["PayloadCertificateFileName", text("doorward.crt")],
    ["PayloadContent", `<data>${data}</data>`],
  ]);
  const profile = dictionary([
    ["PayloadType", text("Configuration")],
    ["PayloadVersion", "<integer>1</integer>"],
    ["PayloadIdentifier", text(`doorward.${name}`)],
    ["PayloadUUID", text(uuidOf("profile", certificateDer))],
    ["PayloadDisplayName", text(`Doorward: ${name}`)],
    ["PayloadDescription", text(`Trusts the certificate of ${name}, and of no other site.`)],
    ["PayloadContent", `<array>${certificate}</array>`],
  ]);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    `<plist version="1.0">${profile}</plist>`,
    "",
  ].join("\n");
}

function dictionary(members: readonly (readonly [key: string, value: string])[]): string {
  const written = members.map(([key, value]) => `<key>${key}</key>${value}`);
  return `<dict>${written.join("\n")}</dict>`;
}

function text(value: string): string {
  const escaped = value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return `<string>${escaped}</string>`;
}

/** A UUID of version 8 (RFC 9562): its bits are ours to say. */
function uuidOf(what: string, certificateDer: Uint8Array): string {
  const digest = createHash("sha256").update(`doorward ${what}\0`).update(certificateDer).digest();
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x80;
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80;
  const hex = digest.toString("hex").toUpperCase();
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20, 32),
  ].join("-");
}
