// Counts what the test runner's JSON reports say, in the order of the runs, for .ci/run:
//   node scripts/test-report.mjs failed REPORT        files that failed, one a line
//   node scripts/test-report.mjs count REPORT...      "passed failed skipped"; a file counts as its last run says
//
// Any Node from 20 on, nothing installed.
import { readFileSync } from "node:fs";

const [what, ...reports] = process.argv.slice(2);

/** @returns {Map<string, { status: string, assertionResults: { status: string }[] }>} by file */
function lastRuns(paths) {
  const files = new Map();
  for (const path of paths)
    for (const file of JSON.parse(readFileSync(path, "utf8")).testResults)
      files.set(file.name, file);
  return files;
}

const files = [...lastRuns(reports).values()];
if (what === "failed") {
  for (const { name, status } of files) if (status !== "passed") console.log(name);
} else {
  const count = { passed: 0, failed: 0, skipped: 0 };
  for (const { status, assertionResults } of files) {
    let failedHere = 0;
    for (const { status: result } of assertionResults) {
      if (result === "passed") count.passed += 1;
      else if (result === "failed") failedHere += 1;
      else count.skipped += 1;
    }
    // A file that could not be loaded or set up fails without naming a test.
    count.failed += status === "passed" ? failedHere : Math.max(1, failedHere);
  }
  console.log(count.passed, count.failed, count.skipped);
}
