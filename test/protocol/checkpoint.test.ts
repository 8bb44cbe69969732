import { ed25519 } from "@noble/curves/ed25519.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toBase64, utf8Bytes } from "../../src/protocol/bytes.ts";
import {
  checkpointText,
  cosignCheckpoint,
  parseCheckpointText,
  signCheckpoint,
  verifyCheckpoint,
  verifyCosignature,
} from "../../src/protocol/checkpoint.ts";
import { verifyEd25519 } from "../../src/protocol/envelope.ts";
import { hashLeaf } from "../../src/protocol/merkle.ts";
import {
  findSignature,
  formatNoteKey,
  formatSignatureLine,
  formatSignedNote,
  noteKeyId,
  parseNoteKey,
  parseSignatureLine,
  parseSignedNote,
} from "../../src/protocol/signed-note.ts";

const MALFORMED = expect.objectContaining({ code: "MALFORMED_INPUT" });

const secretKey = new Uint8Array(32).fill(7);
const publicKey = ed25519.getPublicKey(secretKey);
const sign = (message: Uint8Array) => ed25519.sign(message, secretKey);
const deviceSecret = new Uint8Array(32).fill(8);
const deviceKey = {
  name: "home.example/device/1",
  type: "cosignature/v1",
  publicKey: ed25519.getPublicKey(deviceSecret),
} as const;
const signAsDevice = (message: Uint8Array) => ed25519.sign(message, deviceSecret);

const origin = "home.example/ledger";
const checkpoint = { origin, size: 12, root: hashLeaf(utf8Bytes("x")) };
const text = checkpointText(checkpoint);
const signed = formatSignedNote({
  text,
  signatures: [signCheckpoint(checkpoint, publicKey, sign)],
});

describe("notes that others published", () => {
  // The example in the documentation of Go's sumdb/note package.
  const goKey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
  const goNote =
    "If you think cryptography is the answer to your problem,\n" +
    "then you don't know what your problem is.\n" +
    "\n" +
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

  test("the Go package's example note verifies and is written back byte for byte", () => {
    const key = parseNoteKey(goKey);
    const note = parseSignedNote(goNote);
    const signature = findSignature(note, key);
    expect(noteKeyId(key)).toBe(0xc74f20a3);
    expect(formatNoteKey(key)).toBe(goKey);
    expect(formatSignedNote(note)).toBe(goNote);
    expect(verifyEd25519(signature!.signature, utf8Bytes(note.text), key.publicKey)).toBe(true);
  });

  // A checkpoint of a public staging certificate log, with a public witness's cosignature.
  const logKey =
    "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f";
  const witnessKey = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2";
  const realCheckpoint = `arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
`;

  test("a real log's checkpoint and a real witness's cosignature on it verify", () => {
    const log = parseNoteKey(logKey);
    const verified = verifyCheckpoint(realCheckpoint, {
      origin: log.name,
      publicKey: log.publicKey,
    });
    expect(verified.size).toBe(1_432_088_532);
    const witness = parseNoteKey(witnessKey);
    expect(witness.type).toBe("cosignature/v1");
    const cosignature = findSignature(verified.note, witness);
    const cosignedAtMs = verifyCosignature(verified.note.text, cosignature!, witness);
    expect(new Date(cosignedAtMs!).toISOString()).toBe("2026-05-23T21:50:24.000Z");
  });

  test("the same checkpoint with another size does not", () => {
    const log = parseNoteKey(logKey);
    const forged = realCheckpoint.replace("1432088532", "1432088533");
    expect(() => verifyCheckpoint(forged, { origin: log.name, publicKey: log.publicKey })).toThrow(
      expect.objectContaining({ code: "CHECKPOINT_BAD_SIGNATURE" }),
    );
    const witness = parseNoteKey(witnessKey);
    const note = parseSignedNote(forged);
    expect(verifyCosignature(note.text, findSignature(note, witness)!, witness)).toBeNull();
  });
});

describe("verifier keys", () => {
  test("every key that is written reads back as itself", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.constantFrom("ed25519" as const, "cosignature/v1" as const),
        fc.stringMatching(/^[a-zé./0-9-]{1,40}$/),
        (bytes, type, name) => {
          const key = { name, type, publicKey: bytes };
          expect(parseNoteKey(formatNoteKey(key))).toEqual(key);
        },
      ),
    );
  });

  test("a key whose name, hash, type or length was changed is refused", () => {
    const good = formatNoteKey(deviceKey);
    const [name, hash, key] = good.split(/\+(.{8})\+/) as [string, string, string];
    for (const bad of [
      `other.example+${hash}+${key}`,
      `${name}+00000000+${key}`,
      `${name}+${hash.toUpperCase().replace(/\d/g, "A")}+${key}`,
      `${name}+${hash}+${toBase64(new Uint8Array(33).fill(2))}`,
      `${name}+${hash}+${key.slice(0, -4)}`,
      `${name}+${hash}`,
      `+${hash}+${key}`,
      `a b+${hash}+${key}`,
      "",
    ])
      expect(() => parseNoteKey(bad), bad).toThrow(MALFORMED);
  });
});

describe("checkpoints", () => {
  test("a checkpoint that was signed and cosigned verifies as both", () => {
    const cosignature = cosignCheckpoint(checkpoint, {
      key: deviceKey,
      cosignedAtMs: 1_800_000_000_999,
      sign: signAsDevice,
    });
    const line = formatSignatureLine(cosignature);
    expect(parseSignatureLine(line)).toEqual(cosignature);
    const verified = verifyCheckpoint(`${signed}${line}\n`, { origin, publicKey });
    expect(verified).toMatchObject(checkpoint);
    expect(verifyCosignature(verified.note.text, cosignature, deviceKey)).toBe(1_800_000_000_000);
  });

  test("a cosignature is no checkpoint signature, and the other way round", () => {
    const asCosigner = { ...deviceKey, name: origin, publicKey };
    const own = signCheckpoint(checkpoint, publicKey, sign);
    expect(verifyCosignature(text, own, asCosigner)).toBeNull();
    const cosignature = cosignCheckpoint(checkpoint, { key: asCosigner, cosignedAtMs: 0, sign });
    const note = formatSignedNote({ text, signatures: [cosignature] });
    expect(() => verifyCheckpoint(note, { origin, publicKey })).toThrow(
      expect.objectContaining({ code: "CHECKPOINT_UNSIGNED" }),
    );
    expect(verifyCosignature(text, cosignature, { ...asCosigner, type: "ed25519" })).toBeNull();
  });

  test("a cosignature holds for its text, its time, its name and its key only", () => {
    const cosignature = cosignCheckpoint(checkpoint, {
      key: deviceKey,
      cosignedAtMs: 5_000,
      sign: signAsDevice,
    });
    const other = checkpointText({ ...checkpoint, size: 13 });
    expect(verifyCosignature(other, cosignature, deviceKey)).toBeNull();
    for (let index = 0; index < cosignature.signature.length; index++) {
      const bytes = cosignature.signature.slice();
      bytes[index]! ^= 1;
      expect(verifyCosignature(text, { ...cosignature, signature: bytes }, deviceKey)).toBeNull();
    }
    expect(verifyCosignature(text, { ...cosignature, name: "x" }, deviceKey)).toBeNull();
    expect(verifyCosignature(text, cosignature, { ...deviceKey, publicKey })).toBeNull();
    const longer = { ...cosignature, signature: new Uint8Array([...cosignature.signature, 0]) };
    expect(verifyCosignature(text, longer, deviceKey)).toBeNull();
  });

  test("another ledger's checkpoint and one without the ledger's key are refused by name", () => {
    expect(() => verifyCheckpoint(signed, { origin: "other.example", publicKey })).toThrow(
      expect.objectContaining({ code: "CHECKPOINT_WRONG_ORIGIN" }),
    );
    expect(() => verifyCheckpoint(signed, { origin, publicKey: deviceKey.publicKey })).toThrow(
      expect.objectContaining({ code: "CHECKPOINT_UNSIGNED" }),
    );
  });

  test("a checkpoint with any character changed is refused", () => {
    for (let index = 0; index < signed.length; index++) {
      for (const replacement of ["A", "\n", " ", "1"]) {
        if (signed[index] === replacement) continue;
        const changed = signed.slice(0, index) + replacement + signed.slice(index + 1);
        expect(() => verifyCheckpoint(changed, { origin, publicKey }), changed).toThrow();
      }
    }
  });

  test("texts that say the same in another way, or more, are not checkpoints", () => {
    const root = toBase64(checkpoint.root);
    for (const bad of [
      "",
      `${origin}\n12\n${root}`,
      `${origin}\n12\n${root}\n\n`,
      `${origin}\n12\n${root}\nextension\n`,
      `\n12\n${root}\n`,
      `${"o".repeat(256)}\n12\n${root}\n`,
      `${origin}\n012\n${root}\n`,
      `${origin}\n+12\n${root}\n`,
      `${origin}\n 12\n${root}\n`,
      `${origin}\n1e1\n${root}\n`,
      `${origin}\n-1\n${root}\n`,
      `${origin}\n9007199254740992\n${root}\n`,
      `${origin}\n\n${root}\n`,
      `${origin}\n12\n${root.slice(0, -1)}\n`,
      `${origin}\n12\n${toBase64(new Uint8Array(31))}\n`,
      `${origin}\r\n12\r\n${root}\r\n`,
    ])
      expect(() => parseCheckpointText(bad), bad).toThrow(MALFORMED);
    expect(parseCheckpointText(`${origin}\n0\n${root}\n`).size).toBe(0);
  });

  test("every checkpoint that is written reads back as itself", () => {
    fc.assert(
      fc.property(
        fc.nat({ max: Number.MAX_SAFE_INTEGER }),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        (size, root) => {
          const value = { origin, size, root };
          expect(parseCheckpointText(checkpointText(value))).toEqual(value);
        },
      ),
    );
  });
});

describe("signed notes", () => {
  const line = formatSignatureLine(signCheckpoint(checkpoint, publicKey, sign));

  test("the text ends at the last blank line, so that it may have blank lines itself", () => {
    const note = parseSignedNote(`a\n\nb\n\n${line}\n`);
    expect(note.text).toBe("a\n\nb\n");
  });

  test("what is not exactly a note is refused", () => {
    for (const bad of [
      "",
      text,
      `${text}\n`,
      `${text}\n${line}`,
      `${text}${line}\n`,
      `${text}\n${line}\n${line}\n`,
      `${text}\n${line} \n`,
      `${text}\n${line.replace("—", "-")}\n`,
      `${text}\n${line.replace(" ", "  ")}\n`,
      `${text}\n— ${origin} AAAAAA==\n`,
      `${text}\n— a+b ${line.split(" ")[2]}\n`,
      `${text}\n— a\u2003b ${line.split(" ")[2]}\n`,
      `a\tb\n\n${line}\n`,
      `a\rb\n\n${line}\n`,
      `a\u0000b\n\n${line}\n`,
      `a\ud800b\n\n${line}\n`,
      `${"a".repeat(70_000)}\n\n${line}\n`,
    ])
      expect(() => parseSignedNote(bad), JSON.stringify(bad)).toThrow(MALFORMED);
  });

  test("up to 64 signatures are read, more are refused", () => {
    const lines = (count: number) =>
      Array.from(
        { length: count },
        (_, index) =>
          `${formatSignatureLine({ name: `n${index}`, keyId: index, signature: new Uint8Array(64) })}\n`,
      ).join("");
    expect(parseSignedNote(`${text}\n${lines(64)}`).signatures).toHaveLength(64);
    expect(() => parseSignedNote(`${text}\n${lines(65)}`)).toThrow(MALFORMED);
  });
});
