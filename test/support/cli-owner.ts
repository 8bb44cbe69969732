import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { DeviceBundle } from "../../src/owner/device-bundle.ts";
import { runCli, type CommandResult } from "./live-hub.ts";

/** An owner at the command line, with keys that are already there. */
export interface CliOwner {
  readonly keys: string;
  /** Runs `doorward owner NAME ... --keys KEYS`; its exit code is the test's to look at. */
  owner(name: string, ...args: string[]): Promise<CommandResult>;
  /** The same, and what it printed as JSON. @throws Error unless it ended with 0. */
  json<T>(name: string, ...args: string[]): Promise<T>;
}

/** Lays out the keys of `bundle` below `directory` as a claim without a passphrase does. */
export function cliOwner(directory: string, bundle: DeviceBundle, hubUrl: string): CliOwner {
  const keys = path.join(directory, "keys");
  mkdirSync(keys, { recursive: true, mode: 0o700 });
  writeFileSync(path.join(keys, "device.json"), JSON.stringify(bundle), { mode: 0o600 });
  pointTo(keys, hubUrl);
  const owner: CliOwner["owner"] = (name, ...args) =>
    runCli(["owner", name, ...args, "--keys", keys], directory);
  return {
    keys,
    owner,
    json: async <T>(name: string, ...args: string[]): Promise<T> => {
      const { code, stdout, stderr } = await owner(name, ...args, "--json");
      if (code !== 0) throw new Error(`owner ${name}: exit code ${String(code)}: ${stderr}`);
      return JSON.parse(stdout) as T;
    },
  };
}

/** The hub has another address now. */
export function pointTo(keys: string, hubUrl: string): void {
  writeFileSync(path.join(keys, "hub.json"), JSON.stringify({ url: hubUrl }), { mode: 0o600 });
}
