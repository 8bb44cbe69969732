import { randomBytes } from "node:crypto";
import { WebSocket } from "ws";
import type BetterSqlite3 from "better-sqlite3";
import { reach } from "../../owner/hub-client.ts";
import { attempt, type Attempt } from "./attempt.ts";

const TOKENS_MAX = 20;

/** What the running hub hands out to somebody who has its database and no device. */
export async function attackRoutes(
  database: BetterSqlite3.Database,
  url: string,
): Promise<Attempt[]> {
  const file = database
    .prepare<[], { clip: string; name: string }>("SELECT clip, name FROM clip_files LIMIT 1")
    .get();
  const path = file ? `/api/clips/${file.clip}/files/${file.name}` : "/api/clips";
  const hashes = database
    .prepare<[], string>("SELECT token_sha256 FROM sessions LIMIT 5")
    .pluck()
    .all();
  const tokens = [randomBytes(32).toString("hex"), ...hashes];
  const waiting = database
    .prepare<[number], string>(
      "SELECT status_token FROM requests WHERE release_index IS NULL LIMIT ?",
    )
    .pluck()
    .all(TOKENS_MAX);
  return [
    attempt("a recording asked for without a session", await answers(url, [path], []), path),
    attempt(
      "a recording asked for with a made-up token and with the stored hashes of real ones",
      await answers(url, [path], tokens),
      `${tokens.length} tokens`,
    ),
    attempt(
      "the ledger, the requests and the keyring asked for without a session",
      await answers(url, ["/api/ledger/entries", "/api/requests", "/api/keyring"], []),
      "3 routes",
    ),
    attempt(
      "bundles of requests that nobody has approved, by their status tokens",
      await answers(
        url,
        [...waiting, "0".repeat(64)].map((token) => `/status/${token}`),
        [],
      ),
      `${waiting.length} tokens from the database`,
    ),
    attempt(
      "a second household founded on top of the first",
      await claims(url),
      "claim with a made-up code",
    ),
    await watchWithoutRight(database, url, tokens),
  ];
}

const SOCKET_WAIT_MS = 5_000;

/** The live picture and the news, without a session and with tokens that are none. */
async function watchWithoutRight(
  database: BetterSqlite3.Database,
  url: string,
  tokens: readonly string[],
): Promise<Attempt> {
  const cameras = database
    .prepare<[], string>("SELECT DISTINCT camera FROM clips LIMIT 3")
    .pluck()
    .all();
  const paths = [...cameras.map((camera) => `/api/live/${camera}`), "/api/news"];
  let opened = 0;
  for (const path of paths)
    for (const token of [null, ...tokens.slice(0, 2)])
      if (await opensSocket(`${url.replace(/^http/, "ws")}${path}`, token)) opened += 1;
  const tried = `${paths.length} sockets, ${Math.min(tokens.length, 2)} tokens and none`;
  return attempt("the live picture and the news watched without a right", opened, tried);
}

/** True when it is let in, before anything is sent. */
function opensSocket(url: string, token: string | null): Promise<boolean> {
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  const socket = new WebSocket(url, { headers, handshakeTimeout: SOCKET_WAIT_MS });
  return new Promise((resolve) => {
    socket.once("open", () => {
      socket.terminate();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** How many of `paths` answer with content. */
async function answers(
  url: string,
  paths: readonly string[],
  tokens: readonly string[],
): Promise<number> {
  let opened = 0;
  for (const path of paths)
    for (const token of tokens.length === 0 ? [null] : tokens) {
      const headers = token === null ? {} : { authorization: `Bearer ${token}` };
      const response = await reach(`${url}${path}`, { headers, redirect: "error" });
      await response.arrayBuffer();
      if (response.ok) opened += 1;
    }
  return opened;
}

async function claims(url: string): Promise<number> {
  const response = await reach(`${url}/api/claim`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ code: "AAAA-AAAA-AAAA", statement: {}, label: {}, proof: "" }),
  });
  await response.arrayBuffer();
  return response.ok ? 1 : 0;
}
