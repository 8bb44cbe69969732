import Type from "typebox";
import { toBase64, utf8Bytes, utf8Text } from "./bytes.ts";
import { parseJson } from "./canonical-json.ts";
import { checkShape } from "./check.ts";
import { HubError, MalformedInput } from "./errors.ts";
import { ITEM_BYTES_MAX, type MailboxPlace } from "./mailbox.ts";

/** One request to a carrier. Whoever sends it follows no redirect and reads no more than is said. */
export interface CarrierRequest {
  readonly method: "GET" | "PUT" | "DELETE" | "MKCOL";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly maxBytes: number;
}

export interface CarrierAnswer {
  readonly status: number;
  readonly bytes: Uint8Array;
}

/** @throws HubError CARRIER_UNREACHABLE, CARRIER_FAILED (a redirect, too much). */
export type Exchange = (request: CarrierRequest) => Promise<CarrierAnswer>;

/** A place to leave sealed items at, by names that both sides know: nothing is ever listed. */
export interface Carrier {
  /** @returns When the carrier drops it by itself; null where it does not. */
  put(item: string, bytes: Uint8Array): Promise<{ readonly expiresAtMs: number | null }>;
  /** Those that are there. What they hold is anybody's word. */
  get(items: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>>;
  remove(item: string): Promise<void>;
}

/** Room for the messages of twelve hours, which is what such a server keeps. */
const TOPIC_BYTES_MAX = 2 * 1024 * 1024;
const TOPIC_MESSAGES_MAX = 5_000;
const ANSWER_BYTES_MAX = 64 * 1024;

/** @throws HubError WRONG_MAILBOX as {@link requirePlace}. */
export function openCarrier(place: MailboxPlace, exchange: Exchange): Carrier {
  const url = requirePlace(place.url).href.replace(/\/+$/, "");
  const headers = loginOf(place);
  return place.kind === "webdav"
    ? webDavCarrier(url, headers, exchange)
    : ntfyCarrier(url, headers, exchange);
}

/**
 * The address of a folder or a topic: encrypted, unless it is in the house.
 *
 * @throws HubError WRONG_MAILBOX.
 */
export function requirePlace(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isWhole =
    url !== null &&
    (url.protocol === "https:" || url.protocol === "http:") &&
    `${url.username}${url.password}${url.search}${url.hash}` === "" &&
    url.pathname.length > 1;
  if (!isWhole)
    throw new HubError(
      "WRONG_MAILBOX",
      "Cannot use mailbox: expected an address as https://files.example.org/dav/door, with no password in it",
    );
  if (url.protocol === "http:" && !isInHouse(url.hostname))
    throw new HubError("WRONG_MAILBOX", "Cannot use mailbox: outside the house it must be https");
  return url;
}

function isInHouse(host: string): boolean {
  return (
    /^(?:127|10)\.\d+\.\d+\.\d+$/.test(host) ||
    /^192\.168\.\d+\.\d+$/.test(host) ||
    /^172\.(?:1[6-9]|2\d|3[01])\.\d+\.\d+$/.test(host) ||
    /^\[(?:::1|f[cd][0-9a-f]{2}:.*)\]$/.test(host) ||
    host === "localhost" ||
    host.endsWith(".local")
  );
}

function loginOf({ user, password, token }: MailboxPlace): Record<string, string> {
  if (token !== null) return { authorization: `Bearer ${token}` };
  if (user === null) return {};
  return { authorization: `Basic ${toBase64(utf8Bytes(`${user}:${password ?? ""}`))}` };
}

/** A folder (RFC 4918): PUT, GET and DELETE by name, and MKCOL where it is not there yet. */
function webDavCarrier(url: string, headers: Record<string, string>, exchange: Exchange): Carrier {
  const put = (item: string, body: Uint8Array): Promise<CarrierAnswer> =>
    exchange({
      ...{ method: "PUT", url: `${url}/${item}`, body, maxBytes: ANSWER_BYTES_MAX },
      headers: { ...headers, "content-type": "application/octet-stream" },
    });
  return {
    put: async (item, bytes) => {
      let answer = await put(item, bytes);
      // 409: "one or more intermediate collections"; some say 404 or 403 instead.
      if ([403, 404, 409].includes(answer.status)) {
        await exchange({
          ...{ method: "MKCOL", url: `${url}/`, headers, maxBytes: ANSWER_BYTES_MAX },
        });
        answer = await put(item, bytes);
      }
      requireDone(answer, "put");
      return { expiresAtMs: null };
    },
    get: async (items) => {
      const found = new Map<string, Uint8Array>();
      for (const item of items) {
        const bytes = await getFile(`${url}/${item}`, headers, exchange);
        if (bytes) found.set(item, bytes);
      }
      return found;
    },
    remove: async (item) => {
      const answer = await exchange({
        ...{ method: "DELETE", url: `${url}/${item}`, headers, maxBytes: ANSWER_BYTES_MAX },
      });
      if (![404, 410].includes(answer.status)) requireDone(answer, "remove");
    },
  };
}

const TopicMessage = Type.Object({
  attachment: Type.Optional(
    Type.Object({
      name: Type.String({ maxLength: 300 }),
      url: Type.String({ maxLength: 2_000 }),
      expires: Type.Optional(Type.Integer({ minimum: 0, maximum: 100_000_000_000 })),
    }),
  ),
});

/** A topic: each item is the attachment of a message; the newest of a name counts. */
function ntfyCarrier(url: string, headers: Record<string, string>, exchange: Exchange): Carrier {
  const { origin } = new URL(url);
  return {
    put: async (item, body) => {
      const answer = await exchange({
        ...{ method: "PUT", url, body, maxBytes: ANSWER_BYTES_MAX },
        // Not through anybody else's push service, and no sound on phones that listen.
        headers: { ...headers, "x-filename": item, "x-firebase": "no", "x-priority": "1" },
      });
      requireDone(answer, "put");
      const { attachment } = checkShape(
        TopicMessage,
        parseJson(answer.bytes, "message"),
        "answer of the mailbox",
      );
      if (!attachment)
        throw new HubError("CARRIER_FAILED", "Cannot put: the server takes no attachments");
      return { expiresAtMs: attachment.expires === undefined ? null : attachment.expires * 1_000 };
    },
    get: async (items) => {
      const places = await newestOf(items, { url, origin, headers, exchange });
      const found = new Map<string, Uint8Array>();
      for (const [item, place] of places) {
        const bytes = await getFile(place, headers, exchange);
        if (bytes) found.set(item, bytes);
      }
      return found;
    },
    // Messages cannot be taken back; the server drops them, and their attachments, by itself.
    remove: async () => undefined,
  };
}

async function newestOf(
  items: readonly string[],
  topic: { url: string; origin: string; headers: Record<string, string>; exchange: Exchange },
): Promise<ReadonlyMap<string, string>> {
  const answer = await topic.exchange({
    method: "GET",
    url: `${topic.url}/json?poll=1&since=all`,
    headers: topic.headers,
    maxBytes: TOPIC_BYTES_MAX,
  });
  requireDone(answer, "get");
  const lines = utf8Text(answer.bytes, "messages").split("\n").slice(-TOPIC_MESSAGES_MAX);
  const found = new Map<string, string>();
  for (const line of lines) {
    const attachment = attachmentOf(line);
    if (!attachment || !items.includes(attachment.name)) continue;
    // The login goes along: to nobody but the server that it is for.
    if (URL.canParse(attachment.url) && new URL(attachment.url).origin === topic.origin)
      found.set(attachment.name, attachment.url);
  }
  return found;
}

/** Null for what is no message: the server says what it likes, and the next line may be ours. */
function attachmentOf(line: string): { name: string; url: string } | null {
  if (line.trim() === "") return null;
  try {
    return (
      checkShape(TopicMessage, parseJson(utf8Bytes(line), "message"), "message").attachment ?? null
    );
  } catch (error) {
    if (!(error instanceof MalformedInput)) throw error;
    return null;
  }
}

async function getFile(
  url: string,
  headers: Record<string, string>,
  exchange: Exchange,
): Promise<Uint8Array | null> {
  const answer = await exchange({ method: "GET", url, headers, maxBytes: ITEM_BYTES_MAX });
  if ([404, 410].includes(answer.status)) return null;
  requireDone(answer, "get");
  return answer.bytes;
}

function requireDone({ status }: CarrierAnswer, what: string): void {
  if (status >= 200 && status < 300) return;
  const why = [401, 403].includes(status)
    ? "it refuses user and password"
    : status === 507 || status === 413 || status === 429
      ? "it has no room for this, or takes no more for now"
      : `it answered ${status}`;
  throw new HubError("CARRIER_FAILED", `Cannot ${what} in the mailbox: ${why}`);
}
