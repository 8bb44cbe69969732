import type { Static, TSchema } from "typebox";
import * as Api from "../protocol/api.ts";
import { checkShape } from "../protocol/check.ts";
import type { Envelope } from "../protocol/envelope.ts";
import { HubError, MalformedInput } from "../protocol/errors.ts";
import { parseSha256Hex } from "../protocol/ids.ts";
import { verifyKeyring, verifyKeyringSince, type Keyring } from "../protocol/keyring.ts";
import { deviceOfBundle, signingKeyOf, type DeviceBundle } from "./device-bundle.ts";
import { signLogin } from "./household.ts";
import { explainChange, passedBy, provenRestorations } from "./restored.ts";
import { continuesKeyring, followLedger, LedgerChanged, type Seen } from "./witness.ts";

const TIMEOUT_MS = 60_000;
const FILE_TYPE = "application/octet-stream";

/**
 * A hub as a device of its household talks to it, from the command line with a bearer token, from
 * the page with the session's cookie. Every answer is checked: the hub is not believed.
 */
export class HubClient {
  readonly url: string;
  /** True where a mailbox answers in its place: what is signed then travels longer. */
  readonly isAway: boolean = false;
  readonly #token: string | null;

  constructor(url: string, token: string | null = null) {
    if (!URL.canParse(url))
      throw new HubError("WRONG_ADDRESS", `Cannot reach hub: "${url}" is not an address`);
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
    signal: AbortSignal | null = null,
  ): Promise<Static<Schema>> {
    const response = await this.fetch("POST", path, body, headers, signal);
    return checkShape(schema, await response.json(), `answer to ${path}`);
  }

  async put<Schema extends TSchema>(
    path: string,
    body: unknown,
    schema: Schema,
  ): Promise<Static<Schema>> {
    const response = await this.fetch("PUT", path, body);
    return checkShape(schema, await response.json(), `answer to ${path}`);
  }

  /** For routes that answer with nothing. */
  async send(path: string, body: unknown, headers: Record<string, string> = {}): Promise<void> {
    await (await this.fetch("POST", path, body, headers)).arrayBuffer();
  }

  /** For routes that take a file and answer with nothing. */
  async sendBytes(path: string, bytes: Uint8Array): Promise<void> {
    await (await this.fetch("POST", path, bytes)).arrayBuffer();
  }

  async bytes(path: string): Promise<Uint8Array> {
    return new Uint8Array(await (await this.fetch("GET", path)).arrayBuffer());
  }

  async delete(path: string): Promise<void> {
    await (await this.fetch("DELETE", path)).arrayBuffer();
  }

  async fetch(
    method: "GET" | "POST" | "PUT" | "DELETE",
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
    signal: AbortSignal | null = null,
  ): Promise<Response> {
    const isFile = body instanceof Uint8Array;
    const response = await reach(`${this.url}${path}`, {
      method,
      headers: {
        ...headers,
        ...(this.#token === null ? {} : { authorization: `Bearer ${this.#token}` }),
        ...(body === undefined ? {} : { "content-type": isFile ? FILE_TYPE : "application/json" }),
      },
      ...(body === undefined ? {} : { body: isFile ? new Uint8Array(body) : JSON.stringify(body) }),
      redirect: "error",
      signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), ...(signal ? [signal] : [])]),
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
  const message = oneLine(answer.message);
  return answer.field === undefined
    ? new HubError(answer.code, message)
    : new MalformedInput(answer.field, message);
}

/** A hub whose keyring and ledger this device has just found to go on from what it saw before. */
export interface FollowedHub {
  readonly client: HubClient;
  readonly keyring: Keyring;
  readonly seen: Seen;
  /** Follows the ledger on, where it must be, until entry `index` is in what was seen. */
  followTo(index: number): Promise<Seen>;
}

/** Logs a device in; its bearer token is in the client that comes back. */
export async function logIn(url: string, bundle: DeviceBundle): Promise<HubClient> {
  const open = new HubClient(url);
  const login = await answerChallenge(open, bundle);
  const { token } = await open.post("/api/session", { login }, Api.LoginAnswer);
  if (token === undefined)
    throw new HubError("HUB_FAILED", "Cannot log in: the hub answered without a token");
  return new HubClient(url, token);
}

/** As {@link logIn}, for a browser: the session is a cookie that no script sees. */
export async function signInWithCookie(client: HubClient, bundle: DeviceBundle): Promise<void> {
  const login = await answerChallenge(client, bundle);
  await client.send("/api/session", { login, as: "cookie" });
}

async function answerChallenge(client: HubClient, bundle: DeviceBundle): Promise<Envelope> {
  const device = deviceOfBundle(bundle);
  const { challenge } = await client.post(
    "/api/session/challenge",
    { device },
    Api.ChallengeAnswer,
  );
  return signLogin(bundle, challenge);
}

/**
 * Follows keyring and ledger on from what a device saw last.
 *
 * @throws LedgerChanged, as LedgerRestored where somebody of the household has signed why;
 * KeyringRefused.
 */
export async function follow(
  client: HubClient,
  bundle: DeviceBundle,
  seen: Seen | null,
): Promise<{ keyring: Keyring; seen: Seen }> {
  const { statements } = await client.get("/api/keyring", Api.KeyringAnswer);
  const keyring = verifyKeyring(statements, parseSha256Hex(bundle.genesis));
  const { checkpoint, restored } = await client.get("/api/ledger/checkpoint", Api.CheckpointAnswer);
  const ground = { client, chain: statements, keyring, now: checkpoint };
  const nowMs = Date.now();
  let next: Seen;
  try {
    next = await followLedger(keyring, checkpoint, seen, async (from, to) => {
      const query = `from=${from}&to=${to}`;
      return (await client.get(`/api/ledger/consistency?${query}`, Api.ProofAnswer)).proof;
    });
  } catch (error) {
    // A keyring that is older than the one seen is explained by nothing: who was removed is back in it.
    if (!(error instanceof LedgerChanged) || !seen || !continuesKeyring(keyring, seen)) throw error;
    requireGrown(statements, seen);
    throw await explainChange(error, ground, seen, signingKeyOf(bundle).publicKey, nowMs);
  }
  // Not shorter and not another one of that length, says the step before; here: grown from it.
  if (seen) requireGrown(statements, seen);
  const isNews = (restored ?? []).some((one) => !seen?.restorations?.includes(one));
  const passed = isNews ? passedBy(seen, (await provenRestorations(ground)).proven) : null;
  return { keyring, seen: { ...next, atMs: nowMs, ...(passed ? { restorations: passed } : {}) } };
}

function requireGrown(statements: readonly unknown[], { epoch, keyringHead }: Seen): void {
  verifyKeyringSince(statements, { epoch, head: parseSha256Hex(keyringHead) });
}

/** What a hub says, on one line: it cannot imitate a line of ours. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ");
}
