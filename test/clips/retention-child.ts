import fs from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import path from "node:path";

/**
 * A process of its own that deletes every clip of a data folder, for a test that kills it:
 * `retention-child.ts DATA FILES`. After `FILES` removed files it says so and goes no further.
 */

const [dataDirectory = "", files = "0"] = process.argv.slice(2);
const { rm } = fs;
let left = Number(files);
Object.assign(fs, {
  rm: async (...args: Parameters<typeof rm>) => {
    if (left-- > 0) return rm(...args);
    process.stdout.write("stopped\n");
    setInterval(() => undefined, 1_000);
    return new Promise(() => undefined);
  },
});
syncBuiltinESMExports();

const { openDatabase } = await import("../../src/base/database.ts");
const { Retention } = await import("../../src/clips/retention.ts");
const { ClipStore } = await import("../../src/clips/store.ts");
const { Ledger } = await import("../../src/ledger/ledger.ts");

const database = openDatabase(path.join(dataDirectory, "doorward.db"));
const ledger = Ledger.open({
  database,
  origin: "doorward/test",
  publicKey: new Uint8Array(32),
  sign: () => new Uint8Array(64),
});
const clipsDirectory = path.join(dataDirectory, "clips");
const common = {
  ...{ database, clipsDirectory, nowMs: Date.now },
  appendEntry: (entry: Parameters<typeof ledger.append>[0]) => ledger.append(entry),
};
await Retention.open({
  ...common,
  ...{ dataDirectory, store: ClipStore.open(common), ballastBytes: 0, keepFreeBytes: 0 },
  rules: () => ({ motionMs: 0, bellMs: 0, spaceBytes: null }),
  released: () => new Set(),
  log: (_level, message) => process.stderr.write(`${message}\n`),
}).run();
