import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import type { Server } from "node:http";
import { createRequire } from "node:module";
import { createServer, type AddressInfo } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openFolderPlace } from "../../src/offsite/place-folder.ts";
import { openS3Place, type S3Login } from "../../src/offsite/place-s3.ts";
import { openWebDavPlace, type WebDavLogin } from "../../src/offsite/place-webdav.ts";
import type { Place } from "../../src/offsite/place.ts";

/** The package has no types of its own. */
const S3rver = createRequire(import.meta.url)("@20minutes/s3rver") as new (options: object) => {
  readonly httpServer?: Server;
  run(): Promise<{ readonly port: number }>;
  close(): Promise<void>;
};

/** Real places for copies, on this machine, and the files that they keep. */
export interface RunningPlace extends AsyncDisposable {
  readonly open: () => Place;
  /** Where what was put can be looked at and altered behind the place's back. */
  readonly directory: string;
}

export const DAV_LOGIN: WebDavLogin = { user: "door", password: "a long password", token: null };
export const S3_LOGIN: S3Login = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" };

export async function runFolder(directory: string): Promise<RunningPlace> {
  await mkdir(directory, { recursive: true });
  return {
    ...{ open: () => openFolderPlace(directory), directory },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** `rclone serve webdav`, which nobody here has written. */
export async function runWebDav(
  directory: string,
  knownPort?: number,
): Promise<RunningPlace & { readonly url: string }> {
  await mkdir(directory, { recursive: true });
  const port = knownPort ?? (await freePort());
  const child = spawn(
    // It ends with the test's process, however that ends.
    "setpriv",
    [
      ...["--pdeathsig", "KILL", "--", "rclone", "serve", "webdav", directory],
      ...["--addr", `127.0.0.1:${port}`, "--config", "/dev/null"],
    ],
    {
      env: {
        PATH: process.env["PATH"],
        RCLONE_USER: DAV_LOGIN.user ?? "",
        RCLONE_PASS: DAV_LOGIN.password ?? "",
      },
      stdio: "ignore",
    },
  );
  const ended = once(child, "exit");
  const url = `http://127.0.0.1:${port}/copies/door`;
  await mkdir(path.join(directory, "copies"), { recursive: true });
  await answers(url);
  return {
    ...{ open: () => openWebDavPlace(url, DAV_LOGIN), url },
    directory: path.join(directory, "copies/door"),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

/** A store that checks every signature. */
export async function runS3(directory: string): Promise<RunningPlace & { endpoint: string }> {
  const server = new S3rver({
    ...{ address: "127.0.0.1", port: 0, silent: true, directory },
    configureBuckets: [{ name: "house", configs: [] }],
  });
  const { port } = await server.run();
  const endpoint = `http://127.0.0.1:${port}`;
  const address = { endpoint, region: "us-east-1", bucket: "house", prefix: "copies/door/" };
  return {
    ...{ open: () => openS3Place(address, S3_LOGIN), directory, endpoint },
    [Symbol.asyncDispose]: async () => {
      server.httpServer?.closeAllConnections();
      await server.close();
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

async function answers(url: string): Promise<void> {
  for (;;) {
    try {
      await (await fetch(url)).body?.cancel();
      return;
    } catch {
      await sleep(50);
    }
  }
}
