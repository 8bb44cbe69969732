import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/support/longest-first.ts";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What a browser shows comes when it comes; a test that waits for nothing still ends at its limit.
    expect: { poll: { timeout: 15_000 } },
    // Two cores is what a home machine and the build machines have; whole-hub tests start real
    // processes and would starve one another with more workers.
    // Real browsers, cameras and processes on a machine that others load too: what fails there once
    // and then holds is shown with "(retry x1)". Elsewhere nothing is tried twice.
    retry: process.env["DOORWARD_CI_RUN"] === undefined ? 0 : 1,
    pool: "forks",
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
  },
});
