import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { PRIVATE_FILE_MODE } from "../base/files.ts";
import { VERSION } from "../base/version.ts";
import type { HubServer } from "../http/server.ts";
import { HubClient } from "../owner/hub-client.ts";
import type { Seen } from "../owner/witness.ts";
import { HubInfo } from "../protocol/api.ts";
import { HubError } from "../protocol/errors.ts";
import { UsageError, type ExitCode } from "./exit.ts";
import { openKeys, readLastSeen, rememberSeen, type KeysDirectory } from "./keys-directory.ts";
import { print, printable, readOptions, say } from "./options.ts";
import { isNewer, LentKeys } from "./ui-keys.ts";
import { createUiServer } from "./ui-server.ts";

const PAGE_DIRECTORY = fileURLToPath(new URL("../../web/dist", import.meta.url));

/**
 * Serves the page from this machine, for owners who would not trust a page that the hub serves: a
 * hub that is not its owner's any more could serve one that sends the keys away. The hub is behind
 * it, and only for what the page asks of it. Runs until it is interrupted.
 */
export async function ownerUi(args: string[]): Promise<ExitCode> {
  const options = readOptions(args, { values: ["hub", "keys", "port"], flags: ["no-open"] });
  const port = readPort(options.text("port"));
  if (!existsSync(path.join(PAGE_DIRECTORY, "index.html")))
    throw new HubError(
      "PAGE_MISSING",
      "Cannot serve the page: it has not been built here; run: node scripts/set-up.mjs page",
    );
  const keys = await openKeys(options.required("keys"));
  const hubUrl = new HubClient(options.text("hub") ?? keys.hubUrl).url;
  const info = await new HubClient(hubUrl).get("/api/hub", HubInfo);
  if (info.genesis !== keys.bundle.genesis)
    throw new HubError(
      "FOREIGN_HOUSEHOLD",
      `Cannot go on: the hub at ${hubUrl} belongs to another household than these keys`,
    );
  const lent = new LentKeys(keys.bundle, keys.seen);
  let opener: Opener | null = null;
  const server = await createUiServer({
    hubUrl: new URL(hubUrl).origin,
    version: VERSION,
    pageDirectory: PAGE_DIRECTORY,
    handOutKeys: () => {
      const sealed = lent.handOut();
      void opener?.remove();
      return sealed;
    },
    takeSeen: createSeenKeeper(keys, (sealed) => lent.readSeen(sealed)),
  });
  try {
    const origin = await listen(server, port);
    const address = `${origin}/${lent.fragment}`;
    announce(address, hubUrl, VERSION, info.version);
    if (!options.flag("no-open")) opener = await openInBrowser(address);
    await interrupted();
  } finally {
    await opener?.remove();
    await server.close();
  }
  return 0;
}

function announce(address: string, hubUrl: string, own: string, hubs: string): void {
  print(`The page is at ${address}`);
  print("It opens once: whoever has this address before you open it has your keys.");
  print(`The page's files come from this machine, not from the hub at ${hubUrl}.`);
  if (own === hubs) print(`Both are of version ${own}.`);
  else
    say(
      `WARNING: this machine has version ${own}, the hub ${printable(hubs)}: what one of them does not know will not work.`,
    );
  print("Ctrl-C ends it.");
}

/** One after the other, each against what the folder says then: other commands write there too. */
function createSeenKeeper(
  { directory }: KeysDirectory,
  read: (sealed: Uint8Array) => Seen,
): (sealed: Uint8Array) => Promise<void> {
  let tail: Promise<void> = Promise.resolve();
  return (sealed) => {
    const seen = read(sealed);
    const kept = tail.then(async () => {
      if (!isNewer(await readLastSeen(directory), seen))
        throw new HubError("SEEN_OLD", "Cannot keep checkpoint: a newer one is known here");
      await rememberSeen(directory, seen);
    });
    tail = kept.catch(() => undefined);
    return kept;
  };
}

function readPort(text: string | null): number {
  if (text === null) return 0;
  const port = Number(text);
  if (!/^[0-9]{1,5}$/.test(text) || port > 65_535)
    throw new UsageError("Cannot read --port: expected a port from 0 to 65535");
  return port;
}

async function listen(server: HubServer, port: number): Promise<string> {
  try {
    await server.listen({ host: "127.0.0.1", port });
  } catch (cause) {
    throw new HubError("PORT_IN_USE", `Cannot listen on port ${port}: choose another --port`, {
      cause,
    });
  }
  const address = server.server.address();
  if (address === null || typeof address === "string") throw new Error("a server without a port");
  return `http://localhost:${address.port}`;
}

interface Opener {
  remove(): Promise<void>;
}

/**
 * Shows the address in the browser. It goes there through a file that only this user may read: an
 * argument would show the key to everybody who lists the machine's processes.
 */
async function openInBrowser(address: string): Promise<Opener> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "doorward-ui-"));
  const file = path.join(folder, "open.html");
  const page = `<!doctype html><meta charset="utf-8"><title>Doorward</title><meta http-equiv="refresh" content="0; url=${address}">\n`;
  await writeFile(file, page, { mode: PRIVATE_FILE_MODE });
  const command = process.platform === "darwin" ? "open" : "xdg-open";
  const child = spawn(command, [file], { stdio: "ignore", detached: true });
  child.on("error", () => say("No browser was found to open it in: open the address above."));
  child.unref();
  return { remove: () => rm(folder, { recursive: true, force: true }) };
}

async function interrupted(): Promise<void> {
  await Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
}
