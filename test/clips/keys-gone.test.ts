import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { x25519 } from "@noble/curves/ed25519.js";
import { expand, extract, hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { MLKEM768X25519 } from "@noble/post-quantum/hybrid.js";
import { ml_kem768 } from "@noble/post-quantum/ml-kem.js";
import { base64nopad, bech32 } from "@scure/base";
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { shake256 } from "@noble/hashes/sha3.js";
import { afterAll, describe, expect, test } from "vitest";
import { requireAgeHeader, type AgeStanza, type Recipient } from "../../src/protocol/age-header.ts";
import { concatBytes, utf8Bytes } from "../../src/protocol/bytes.ts";
import { scanProcess } from "../support/memory-scan.ts";
import { makeReader, type TestReader } from "./age-oracle.ts";

const folder = mkdtempSync(path.join(os.tmpdir(), "doorward-keys-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Named {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const share = (stanza: AgeStanza): Uint8Array => base64nopad.decode(stanza.args[1] ?? "");

/** All that an X25519 stanza was made with, worked out from the reader's side. */
function x25519Secrets(stanza: AgeStanza, reader: TestReader): Named[] {
  const secretKey = bech32.decodeToBytes(reader.identity).bytes;
  const shared = x25519.getSharedSecret(secretKey, share(stanza));
  const salt = concatBytes(share(stanza), reader.recipient.key);
  const info = utf8Bytes("age-encryption.org/v1/X25519");
  return [
    { name: "shared secret", bytes: shared },
    { name: "pseudo-random key", bytes: extract(sha256, shared, salt) },
    { name: "wrap key", bytes: hkdf(sha256, shared, salt, info, 32) },
  ];
}

/** The same for a post-quantum stanza (RFC 9180 base mode over X-Wing). */
function pqSecrets(stanza: AgeStanza, reader: TestReader): Named[] {
  const seed = bech32.decodeToBytes(reader.identity).bytes;
  const shared = MLKEM768X25519.decapsulate(share(stanza), seed);
  // X-Wing expands its 32-byte seed into the ML-KEM seed and the X25519 scalar.
  const expanded = shake256(seed, { dkLen: 96 });
  const lattice = ml_kem768.keygen(expanded.subarray(0, 64)).secretKey;
  const suite = concatBytes(utf8Bytes("HPKE"), Uint8Array.of(0x64, 0x7a, 0, 1, 0, 3));
  const labelled = (label: string, ...rest: Uint8Array[]): Uint8Array =>
    concatBytes(utf8Bytes("HPKE-v1"), suite, utf8Bytes(label), ...rest);
  const context = concatBytes(
    Uint8Array.of(0),
    extract(sha256, labelled("psk_id_hash"), new Uint8Array(0)),
    extract(
      sha256,
      labelled("info_hash", utf8Bytes("age-encryption.org/mlkem768x25519")),
      new Uint8Array(0),
    ),
  );
  const secret = extract(sha256, labelled("secret"), shared);
  const wrapKey = expand(
    sha256,
    secret,
    concatBytes(Uint8Array.of(0, 32), labelled("key", context)),
    32,
  );
  return [
    { name: "X-Wing secret", bytes: shared },
    {
      name: "ML-KEM secret",
      bytes: ml_kem768.decapsulate(share(stanza).subarray(0, 1_088), lattice),
    },
    {
      name: "X25519 secret",
      bytes: x25519.getSharedSecret(expanded.subarray(64), share(stanza).subarray(1_088)),
    },
    { name: "scheduled secret", bytes: secret },
    { name: "wrap key", bytes: wrapKey },
    {
      name: "wrap nonce",
      bytes: expand(
        sha256,
        secret,
        concatBytes(Uint8Array.of(0, 12), labelled("base_nonce", context)),
        12,
      ),
    },
  ];
}

function unwrap(stanza: AgeStanza, secrets: readonly Named[]): Uint8Array {
  const bytes = (name: string): Uint8Array | undefined =>
    secrets.find((secret) => secret.name === name)?.bytes;
  const wrapKey = bytes("wrap key") ?? new Uint8Array(0);
  return chacha20poly1305(wrapKey, bytes("wrap nonce") ?? new Uint8Array(12)).decrypt(stanza.body);
}

/** Every key of a sealed file, as its reader works them out. */
function keysOf(file: string, readers: readonly TestReader[]): Named[] {
  const bytes = readFileSync(file);
  const header = requireAgeHeader(bytes);
  const nonce = bytes.subarray(header.payloadOffset, header.payloadOffset + 16);
  const named = header.stanzas.flatMap((stanza, index): Named[] => {
    const reader = readers[index];
    if (reader === undefined) throw new Error("more stanzas than readers");
    const secrets =
      reader.recipient.kind === "pq" ? pqSecrets(stanza, reader) : x25519Secrets(stanza, reader);
    return [...secrets, { name: "file key", bytes: unwrap(stanza, secrets) }];
  });
  const fileKey = named.find(({ name }) => name === "file key")?.bytes ?? new Uint8Array(0);
  return [
    ...named,
    { name: "header key", bytes: hkdf(sha256, fileKey, undefined, utf8Bytes("header"), 32) },
    { name: "payload key", bytes: hkdf(sha256, fileKey, nonce, utf8Bytes("payload"), 32) },
  ];
}

interface Report {
  readonly finalPaths: readonly string[];
  readonly openPath: string;
  readonly invertedPrivateKeys: readonly string[];
}

async function sealInAnotherProcess(kind: Recipient["kind"], readers: readonly TestReader[]) {
  const target = mkdtempSync(path.join(folder, `${kind}-`));
  const texts = readers.map(({ recipient }) => recipient.text);
  const child = spawn(
    process.execPath,
    [path.join(import.meta.dirname, "seal-child.ts"), "scan", target, ...texts],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  let text = "";
  while (!text.endsWith("\n")) text += String((await once(child.stdout, "data"))[0]);
  const report = JSON.parse(text) as Report;
  if (child.pid === undefined) throw new Error("the child did not start");
  return { child, pid: child.pid, report };
}

describe.each(["x25519", "pq"] as const)("invariant 2 with %s readers", (kind) => {
  test("1 s after a file was closed no key of it is in memory; of an open one only the payload key", async () => {
    const readers = [await makeReader(kind), await makeReader(kind)];
    const { child, pid, report } = await sealInAnotherProcess(kind, readers);
    try {
      const closed = report.finalPaths.flatMap((file) => keysOf(file, readers));
      const ephemeral = report.invertedPrivateKeys.map((inverted): Named => {
        const bytes = Buffer.from(inverted, "hex").map((byte) => byte ^ 0xff);
        return { name: "ephemeral private key", bytes };
      });
      expect(ephemeral.length).toBe((report.finalPaths.length + 1) * readers.length);
      const openKeys = keysOf(`${report.openPath}.partial`, readers);
      const all = [
        ...closed,
        ...ephemeral,
        ...openKeys.filter(({ name }) => name !== "payload key"),
      ];
      const payloadKey = openKeys.find(({ name }) => name === "payload key");
      const scan = await scanProcess(
        pid,
        [...all, ...(payloadKey === undefined ? [] : [payloadKey])].map(({ bytes }) => bytes),
      );
      expect(
        scan.found.map(({ needle, spelling }) => ({ name: all[needle]?.name ?? "open", spelling })),
      ).toEqual([{ name: "open", spelling: "raw" }]);
      expect(scan.bytesScanned).toBeGreaterThan(20_000_000);
    } finally {
      child.kill("SIGKILL");
    }
  });
});
