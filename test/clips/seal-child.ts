import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * A process of its own that seals, for tests that kill it or look into its memory.
 *
 *     seal-child.ts endless FILE RECIPIENT...      writes until it is killed
 *     seal-child.ts scan FOLDER RECIPIENT...       closes eight files, says so 1 s later with the
 *                                                  inverted private keys it used, opens a ninth
 */

const invertedPrivateKeys: string[] = [];

/** Notes each ephemeral private key in a form that a search for the key does not find. */
function noteEphemeralKeys(): void {
  const generate = crypto.generateKeyPairSync;
  Object.assign(crypto, {
    generateKeyPairSync: (type: "x25519") => {
      const pair = generate(type);
      const der = pair.privateKey.export({ format: "der", type: "pkcs8" });
      const inverted = Buffer.from(new ArrayBuffer(32));
      for (let index = 0; index < 32; index++)
        inverted[index] = (der[der.length - 32 + index] ?? 0) ^ 0xff;
      der.fill(0);
      invertedPrivateKeys.push(inverted.toString("hex"));
      return pair;
    },
  });
  syncBuiltinESMExports();
}

noteEphemeralKeys();
const { SealedFileWriter } = await import("../../src/clips/sealed-file.ts");
const { parseRecipient } = await import("../../src/protocol/age-header.ts");

const [mode = "", target = "", ...texts] = process.argv.slice(2);
const recipients = texts.map(parseRecipient);

async function endless(): Promise<void> {
  await using writer = await SealedFileWriter.create(target, recipients);
  const plaintext = Buffer.alloc(20_000, 0x5a);
  for (let count = 0; ; count++) {
    await writer.write(plaintext);
    if (count === 20) process.stdout.write("writing\n");
    if (count > 20) await sleep(5);
  }
}

async function sealOne(finalPath: string): Promise<void> {
  await using writer = await SealedFileWriter.create(finalPath, recipients);
  for (let count = 0; count < 30; count++) await writer.write(Buffer.alloc(20_000, count));
  await writer.commit();
}

async function closeSomeAndHoldOne(): Promise<void> {
  const finalPaths = Array.from({ length: 8 }, (_, index) => `${target}/${index}.age`);
  for (const finalPath of finalPaths.slice(0, 4)) await sealOne(finalPath);
  await Promise.all(finalPaths.slice(4).map(sealOne));
  const openPath = `${target}/open.age`;
  await using open = await SealedFileWriter.create(openPath, recipients);
  await open.write(Buffer.alloc(150_000, 1));
  await sleep(1_000);
  process.stdout.write(`${JSON.stringify({ finalPaths, openPath, invertedPrivateKeys })}\n`);
  await sleep(60_000);
}

if (mode === "endless") await endless();
else await closeSomeAndHoldOne();
