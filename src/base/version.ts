import { readFileSync } from "node:fs";

/**
 * The version of this program, as `package.json` says it: what the hub, its page and the command line
 * call themselves. Releases take it from there too.
 */
export const VERSION = (
  JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  }
).version;
