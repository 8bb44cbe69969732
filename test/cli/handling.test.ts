import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { generateReader } from "../../src/owner/identity.ts";
import { noticePage } from "../../src/protocol/door-notice.ts";
import { recipientWords } from "../../src/protocol/words.ts";
import { cliOwner, type CliOwner } from "../support/cli-owner.ts";
import { runCli } from "../support/live-hub.ts";
import { temporaryFolder } from "../support/temporary.ts";
import { clipStartsAtMs } from "../support/test-clips.ts";
import { requestDocument } from "../support/test-consent.ts";
import { startTestHub, type TestHub } from "../support/test-hub.ts";

// Looking twice, stating, keeping, opening what came along: each at a command line.

const folder = temporaryFolder();
const at = (name: string): string => path.join(folder.path, name);
let hub: TestHub;
let owner: CliOwner;
let words: readonly string[];
let request: string;
beforeAll(async () => {
  hub = await startTestHub({ clips: 1, nowMs: "system" });
  owner = cliOwner(folder.path, hub.owner.bundle, hub.hub.url);
  const { recipient } = await generateReader("x25519");
  words = recipientWords(recipient);
  const sought = {
    ...requestDocument().sought,
    from: new Date(clipStartsAtMs(0)).toISOString(),
    to: new Date(clipStartsAtMs(0) + 60_000).toISOString(),
  };
  const changes = { recipient, sought, narrative: "All footage. Do not tell anybody." };
  writeFileSync(at("request.json"), JSON.stringify(requestDocument(changes)));
  writeFileSync(at("order.pdf"), "%PDF-1.7 an order");
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

test("a document goes with a request, by mail in one file, and comes out as it went in", async () => {
  await owner.json("form", "--out", at("form.html"));
  const asked = ["--form", at("form.html"), "--file", at("request.json")];
  const made = await runCli(
    ["request", ...asked, "--document", at("order.pdf"), "--out", at("my.request")],
    folder.path,
  );
  expect(made.code, made.stderr).toBe(0);
  ({ request } = await owner.json<{ request: string }>("import", at("my.request")));
  const opened = await owner.owner("document", request, "--out", at("opened.pdf"));
  expect(opened.stdout).toContain("order.pdf, application/pdf");
  expect(readFileSync(at("opened.pdf"), "utf8")).toBe("%PDF-1.7 an order");
});

test("a second look names each rule with its source, and compares the words that were told", async () => {
  const heard = ["--words", words.join(" ")];
  const { stdout } = await owner.owner("look", request, ...heard);
  expect(stdout).toContain("They ask for your help. It is a question");
  expect(stdout).toContain("18 U.S.C. § 2705(b)");
  expect(stdout).toContain("GDPR), recital 31");
  expect(stdout).toContain("The eight words are those of its key.");
  const other = ["--words", words.toReversed().join(" ")];
  const looked = await owner.json<{ secondLook: { code: string }[] }>("look", request, ...other);
  expect(looked.secondLook.map(({ code }) => code)).toEqual([
    ...["basis_missing", "gag_wording", "bulk_wording", "clear_faces_asked", "key_differs"],
  ]);
});

test("assurance is stated, recordings are kept, renewed and let go; nothing else is changed", async () => {
  expect((await owner.owner("assure", request, "--level", "certain")).code).toBe(2);
  await owner.json("assure", request, "--level", "called-back");
  await owner.json("preserve", request, "--days", "30");
  const looked = await owner.json("look", request);
  expect(looked).toMatchObject({ assurance: "called_back", document: { name: "order.pdf" } });
  expect(hub.hub.services.retention.marksOf(hub.clips[0] ?? never()).heldUntilMs).not.toBeNull();
  const again = await owner.owner("preserve", request);
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining("renewed once")]);
  await owner.json("preserve", request, "--end");
  expect(hub.hub.services.retention.marksOf(hub.clips[0] ?? never()).heldUntilMs).toBeNull();
});

test("the notice is written from the hub's facts, on the owner's machine", async () => {
  const { code, stderr } = await owner.owner("notice", "--out", at("notice.html"));
  expect([code, stderr]).toEqual([0, expect.stringContaining("put it up at the door")]);
  expect(readFileSync(at("notice.html"), "utf8")).toBe(noticePage(hub.hub.services.notice()));
});

function never(): never {
  throw new Error("no recording");
}
