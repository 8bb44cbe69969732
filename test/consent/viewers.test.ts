import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { Viewers } from "../../src/consent/viewers.ts";
import { VIEWER_NAME } from "../../src/protocol/bundle.ts";
import { sha256Hex, utf8Bytes } from "../../src/protocol/bytes.ts";
import type { Decision } from "../../src/protocol/decision.ts";
import { approvalCase, signDecision } from "../support/test-approval.ts";
import { temporaryFolder } from "../support/temporary.ts";

const OLD = utf8Bytes("<!doctype html><title>viewer of before</title>");
const NEW = utf8Bytes("<!doctype html><title>viewer of today</title>");
const made = await approvalCase();

function approvalNaming(viewerSha256: string | undefined) {
  const terms = viewerSha256 === undefined ? made.terms : { ...made.terms, viewerSha256 };
  const decision = { terms, release: made.release } as Decision;
  return signDecision(decision, [made.chain.founder]);
}

test("a viewer is kept from the first approval that names it, and given as it was", async () => {
  await using folder = temporaryFolder();
  const [page, own] = [path.join(folder.path, "page"), path.join(folder.path, "viewers")];
  const viewers = new Viewers(page, own);
  expect(await viewers.newest()).toBeNull();
  mkdirSync(page);
  writeFileSync(path.join(page, VIEWER_NAME), OLD);
  expect((await viewers.newest())?.sha256).toBe(sha256Hex(OLD));
  await viewers.keepFor(await approvalNaming(undefined));
  await expect(viewers.read(sha256Hex(OLD))).rejects.toMatchObject({ code: "FILE_MISSING" });
  await viewers.keepFor(await approvalNaming(sha256Hex(OLD)));
  writeFileSync(path.join(page, VIEWER_NAME), NEW);
  await viewers.keepFor(await approvalNaming(sha256Hex(OLD)));
  expect(await viewers.read(sha256Hex(OLD))).toEqual(Buffer.from(OLD));
  const unknown = await approvalNaming("ab".repeat(32));
  await expect(viewers.keepFor(unknown)).rejects.toMatchObject({ code: "VIEWER_UNKNOWN" });
  const [name = ""] = readdirSync(own);
  writeFileSync(path.join(own, name), NEW);
  await expect(viewers.read(sha256Hex(OLD))).rejects.toMatchObject({ code: "FILE_DAMAGED" });
  rmSync(path.join(own, name));
  await expect(viewers.read(sha256Hex(OLD))).rejects.toMatchObject({ code: "FILE_MISSING" });
});
