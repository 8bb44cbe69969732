import { describe, expect, test } from "vitest";
import { generateReader } from "../../src/owner/identity.ts";
import { openSealedFile } from "../../src/owner/open-clip.ts";
import { generateRecovery, parseRecoverySheet, recoverySheet } from "../../src/owner/recovery.ts";
import { sealBytes } from "../../src/clips/sealed-file.ts";
import { parseRecipient } from "../../src/protocol/age-header.ts";
import { utf8Bytes } from "../../src/protocol/bytes.ts";

describe.each(["pq", "x25519"] as const)("a recovery sheet of kind %s", (kind) => {
  test("gives back the same keys, and alone opens what was sealed to it", async () => {
    const recovery = await generateRecovery(kind);
    const again = await parseRecoverySheet(recoverySheet(recovery, kind));
    expect(again.reader).toEqual(recovery.reader);
    expect(again.signingKey.device).toBe(recovery.signingKey.device);
    const originals = await generateReader(kind);
    const readers = [originals.recipient, recovery.reader.recipient].map(parseRecipient);
    const file = sealBytes(utf8Bytes("a recording"), readers);
    const opened = await openSealedFile(file, [again.reader.identity], null);
    expect(Buffer.from(opened).toString()).toBe("a recording");
  });

  test("is read as somebody types it: other spacing, dots, one word a line, no frame", async () => {
    const recovery = await generateRecovery(kind);
    const lines = recovery.words.map((word, index) => `${index + 1}. ${word}`).join("\n");
    const typed = await parseRecoverySheet(`kind: ${kind}\n\n${lines}\n`);
    expect(typed.reader.identity).toBe(recovery.reader.identity);
  });
});

describe("a sheet is refused", () => {
  test("when two words are exchanged, one is missing, unknown or another one", async () => {
    const recovery = await generateRecovery("x25519");
    const sheet = recoverySheet(recovery, "x25519");
    const [first = "", second = ""] = recovery.words;
    const exchanged = recovery.words.with(0, second).with(1, first);
    const wrong = [
      exchanged,
      recovery.words.with(3, "notaword"),
      recovery.words.with(3, first === "zoo" ? "zone" : "zoo"),
    ].map((words) => recoverySheet({ ...recovery, words }, "x25519"));
    const cut = sheet.replace(/ 7 [a-z]+/, "");
    const outcomes = await Promise.allSettled(
      [cut, "", "24 words", ...wrong].map((text) => parseRecoverySheet(text)),
    );
    // A wrong word slips past an eight-bit checksum once in 256: at most one of three may.
    const taken = outcomes.filter(({ status }) => status === "fulfilled");
    expect(taken.length).toBeLessThanOrEqual(first === second ? 2 : 1);
    await expect(parseRecoverySheet(cut)).rejects.toMatchObject({ code: "MALFORMED_INPUT" });
  });
});

test("the two keys of a sheet are different for each kind and each purpose", async () => {
  const recovery = await generateRecovery("pq");
  const classic = await parseRecoverySheet(recoverySheet(recovery, "x25519"));
  expect(classic.reader.identity).not.toBe(recovery.reader.identity);
  expect(classic.signingKey.device).toBe(recovery.signingKey.device);
});
