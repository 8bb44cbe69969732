import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { looksLikeBundle, verifyBundle } from "../../src/protocol/verify-bundle.ts";
import { looksLikeReceipt, verifyReceipt } from "../../src/protocol/verify-receipt.ts";
import { looksLikeReport, verifyReport } from "../../src/protocol/verify-report.ts";
import { projectRoot } from "./requirements.ts";

export type Kind = "bundle" | "report" | "receipt" | "statement";

/** Debian's own, for whose packages the verifier is written. */
const PYTHON = "/usr/bin/python3";
const FOLDER = path.join(projectRoot, "test/foreign");

/** True, with the reason printed, where Debian's python3-cryptography is not installed. */
export function lacksForeignVerifier(): boolean {
  if (spawnSync(PYTHON, ["-c", "import cryptography"]).status === 0) return false;
  const message = "this machine lacks python3-cryptography";
  if (process.env["DOORWARD_STRICT"] === "1") throw new Error(`Cannot run the tests: ${message}`);
  console.warn(`skipped: ${message}`);
  return true;
}

/** The command as a stranger runs it. */
export function runForeign(...words: string[]): { code: number | null; text: string } {
  const made = spawnSync(PYTHON, ["-B", path.join(FOLDER, "verify.py"), ...words], {
    encoding: "utf8",
  });
  return { code: made.status, text: `${made.stdout}${made.stderr}` };
}

/** An exit code as of `doorward verify`, and the check that failed. */
export interface Verdict {
  readonly code: number;
  readonly why: string;
}

/** The second implementation, in one process for many files. */
export class ForeignVerifier implements Disposable {
  readonly #child = spawn(PYTHON, ["-B", path.join(FOLDER, "many.py")], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  readonly #folder = mkdtempSync(path.join(os.tmpdir(), "doorward-foreign-"));
  readonly #lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  #files = 0;

  /** Verdicts on `bytes`, or on `bytes` with each of the bytes at these places changed by itself. */
  async verdicts(kind: Kind, bytes: Uint8Array, at?: readonly number[], flip = 1) {
    this.#files += 1;
    const file = path.join(this.#folder, String(this.#files));
    writeFileSync(file, bytes);
    const job = { kind, file, flip, ...(at === undefined ? {} : { at }) };
    this.#child.stdin.write(`${JSON.stringify(job)}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error("the foreign verifier crashed");
    rmSync(file);
    return (JSON.parse(value) as [number, string][]).map(([code, why]): Verdict => ({ code, why }));
  }

  async verdict(kind: Kind, bytes: Uint8Array): Promise<Verdict> {
    const [verdict] = await this.verdicts(kind, bytes);
    if (!verdict) throw new Error("the foreign verifier said nothing");
    return verdict;
  }

  [Symbol.dispose](): void {
    this.#child.stdin.end();
    rmSync(this.#folder, { recursive: true });
  }
}

/** What `doorward verify` says, without a process for each. */
export async function ownVerdict(kind: Kind, bytes: Uint8Array): Promise<Verdict> {
  const looksLike = { bundle: looksLikeBundle, report: looksLikeReport };
  const isOne = kind === "bundle" || kind === "report" ? looksLike[kind] : looksLikeReceipt;
  if (!isOne(bytes)) return { code: 2, why: "" };
  const verdict =
    kind === "bundle"
      ? await verifyBundle(bytes)
      : kind === "report"
        ? verifyReport(bytes)
        : verifyReceipt(bytes);
  const failed = verdict.checks.find(({ holds }) => !holds);
  if (failed) return { code: 1, why: `${failed.check}: ${failed.detail}` };
  const lacks = kind === "statement" && "statement" in verdict && verdict.statement === null;
  return { code: lacks ? 1 : 0, why: "" };
}
