import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What a browser shows comes when it comes; a test that waits for nothing still ends at its limit.
    expect: { poll: { timeout: 15_000 } },
    // Two cores is what a home machine and the build machines have; whole-hub tests start real
    // processes and would starve one another with more workers.
    pool: "forks",
    maxWorkers: 2,
  },
});
