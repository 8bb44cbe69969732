import type { Static, TSchema } from "typebox";
import * as Api from "../protocol/api.ts";
import { checkShape } from "../protocol/check.ts";
import { UsageError } from "./exit.ts";
import { HubError, MalformedInput } from "../protocol/errors.ts";
import { parseSha256Hex } from "../protocol/ids.ts";
import { verifyKeyring, verifyKeyringSince, type Keyring } from "../protocol/keyring.ts";
import { deviceOfBundle, type DeviceBundle } from "../owner/device-bundle.ts";
import { signLogin } from "../owner/household.ts";
import { followLedger, type Seen } from "../owner/witness.ts";
import { printable, type ReadOptions } from "./options.ts";
import { openKeys, rememberSeen, type KeysDirectory } from "./keys-directory.ts";

const TIMEOUT_MS = 60_000;

/** A hub as the command line talks to it. Every answer is checked: the hub is not believed. */
export class HubClient {
  readonly url: string;
  readonly #token: string | null;

  constructor(url: string, token: string | null = null) {
    if (!URL.canParse(url)) throw new UsageError(`Cannot reach hub: "${url}" is not an address`);
    this.url = url.replace(/\/+$/, "");
    this.#token = token;
  }

  async get<Schema extends TSchema>(path: string, schema: Schema): Promise<Static<Schema>> {
    return checkShape(schema, await (await this.fetch("GET", path)).json(), `answer to ${path}`);
  }

  async post<Schema extends TSchema>(
    path: string,
    body: unknown,
    schema: Schema,
    headers: Record<string, string> = {},
  ): Promise<Static<Schema>> {
    const response = await this.fetch("POST", path, body, headers);
    return checkShape(schema, await response.json(), `answer to ${path}`);
  }

  /** For routes that answer with nothing. */
  async send(path: string, body: unknown, headers: Record<string, string> = {}): Promise<void> {
    await (await this.fetch("POST", path, body, headers)).arrayBuffer();
  }

  async bytes(path: string): Promise<Uint8Array> {
    return new Uint8Array(await (await this.fetch("GET", path)).arrayBuffer());
  }

  async delete(path: string): Promise<void> {
    await (await this.fetch("DELETE", path)).arrayBuffer();
  }

  async fetch(
    method: "GET" | "POST" | "DELETE",
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const response = await reach(`${this.url}${path}`, {
      method,
      headers: {
        ...headers,
        ...(this.#token === null ? {} : { authorization: `Bearer ${this.#token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (response.ok) return response;
    throw await errorOf(response);
  }
}

/** @throws HubError HUB_UNREACHABLE with what to do. */
export async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (cause) {
    const { origin } = new URL(url);
    throw new HubError("HUB_UNREACHABLE", `Cannot reach ${origin}: is the hub running there?`, {
      cause,
    });
  }
}

async function errorOf(response: Response): Promise<HubError> {
  const text = (await response.text()).slice(0, 10_000);
  let answer: Static<typeof Api.ErrorAnswer>;
  try {
    answer = checkShape(Api.ErrorAnswer, JSON.parse(text), "error");
  } catch (cause) {
    return new HubError("HUB_FAILED", `Cannot go on: the hub answered ${response.status}`, {
      cause,
    });
  }
  const message = printable(answer.message);
  return answer.field === undefined
    ? new HubError(answer.code, message)
    : new MalformedInput(answer.field, message);
}

/** A logged-in device of the household, whose ledger was just found consistent with what it saw. */
export interface OwnerSession extends AsyncDisposable {
  readonly client: HubClient;
  readonly keys: KeysDirectory;
  readonly keyring: Keyring;
  readonly seen: Seen;
  readonly seenBefore: Seen | null;
  /** Follows the ledger on, where it must be, until entry `index` is in what was seen. */
  followTo(index: number): Promise<Seen>;
}

/**
 * Logs in, checks the keyring from genesis, and demands a consistency proof from the last
 * checkpoint this device saw: at every contact, before anything else is asked.
 *
 * @throws LedgerChanged, KeyringRefused.
 */
export async function openSession(options: ReadOptions): Promise<OwnerSession> {
  const keys = await openKeys(options.required("keys"));
  const client = await logIn(options.text("hub") ?? keys.hubUrl, keys.bundle);
  const { keyring, seen } = await follow(client, keys.bundle, keys.seen);
  await rememberSeen(keys.directory, seen);
  let newest = seen;
  return {
    client,
    keys,
    keyring,
    seen,
    seenBefore: keys.seen,
    followTo: async (index) => {
      if (index < newest.size) return newest;
      newest = (await follow(client, keys.bundle, newest)).seen;
      await rememberSeen(keys.directory, newest);
      return newest;
    },
    [Symbol.asyncDispose]: () => client.delete("/api/session"),
  };
}

export async function logIn(url: string, bundle: DeviceBundle): Promise<HubClient> {
  const open = new HubClient(url);
  const device = deviceOfBundle(bundle);
  const { challenge } = await open.post("/api/session/challenge", { device }, Api.ChallengeAnswer);
  const login = await signLogin(bundle, challenge);
  const { token } = await open.post("/api/session", { login }, Api.LoginAnswer);
  return new HubClient(url, token);
}

export async function follow(
  client: HubClient,
  bundle: DeviceBundle,
  seen: Seen | null,
): Promise<{ keyring: Keyring; seen: Seen }> {
  const { statements } = await client.get("/api/keyring", Api.KeyringAnswer);
  const keyring = verifyKeyring(statements, parseSha256Hex(bundle.genesis));
  const { checkpoint } = await client.get("/api/ledger/checkpoint", Api.CheckpointAnswer);
  const next = await followLedger(keyring, checkpoint, seen, async (from, to) => {
    const query = `from=${from}&to=${to}`;
    return (await client.get(`/api/ledger/consistency?${query}`, Api.ProofAnswer)).proof;
  });
  // Not shorter and not another one of that length, says the step before; here: grown from it.
  if (seen)
    verifyKeyringSince(statements, { epoch: seen.epoch, head: parseSha256Hex(seen.keyringHead) });
  return { keyring, seen: next };
}
