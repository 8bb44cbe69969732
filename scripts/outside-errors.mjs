// A reporter for the test runner: names the files whose code failed outside of any test (a promise
// that nobody waited for), one a line, in the file that DOORWARD_OUTSIDE_ERRORS names. The runner's
// JSON report says nothing of them, so that .ci/run would know only that something failed.
import { writeFileSync } from "node:fs";

export default class OutsideErrors {
  onTestRunEnd(_modules, unhandledErrors) {
    const path = process.env["DOORWARD_OUTSIDE_ERRORS"];
    if (path === undefined) return;
    const files = unhandledErrors.map((error) => error.VITEST_TEST_PATH ?? "(no file)");
    writeFileSync(path, [...new Set(files)].map((file) => `${file}\n`).join(""));
  }
}
