import type { Static } from "typebox";
import * as Api from "../protocol/api.ts";
import { CosignBody } from "../protocol/api-decisions.ts";
import { claimedOutcome } from "../protocol/decision.ts";
import { checkShape } from "../protocol/check.ts";
import { concatBytes } from "../protocol/bytes.ts";
import { HubError } from "../protocol/errors.ts";
import { PART_BYTES_MAX, type MailboxReply, type MailboxState } from "../protocol/mailbox.ts";
import { randomHex } from "./device-bundle.ts";
import { HubClient } from "./hub-client.ts";
import { openBox } from "./mailbox-box.ts";
import type { FoundMailbox } from "./mailbox.ts";

const REQUEST_PATH = /^\/api\/requests\/([0-9a-f]{32})(\/[a-z/]+)?$/;
const CLIP_PATH = /^\/api\/clips\/([0-9a-f]{32})(?:\/files\/([a-z0-9.]{1,80}))?$/;

/** Of these, nothing is asked of the hub itself: it may be a false one, or another network's. */
const ANSWERED = /^\/api\/(?:requests|clips|ledger|keyring|devices|viewer|passed-on)(?:\/|$)/;

/**
 * The hub as it can be asked from a mailbox: its own answers to what deciding needs, and an inbox
 * for what was signed. Whoever decides does so with the same code and the same checks as at home.
 */
export class MailboxClient extends HubClient {
  override readonly isAway = true;
  readonly #found: FoundMailbox;
  readonly #send: (reply: MailboxReply) => Promise<void>;

  /** @param url - Of the hub, for all that deciding does not need. */
  constructor(url: string, found: FoundMailbox, send: (reply: MailboxReply) => Promise<void>) {
    super(url);
    this.#found = found;
    this.#send = send;
  }

  get state(): MailboxState {
    return this.#found.state;
  }

  override async fetch(
    method: "GET" | "POST" | "PUT" | "DELETE",
    path: string,
    body?: unknown,
  ): Promise<Response> {
    const { pathname, searchParams } = new URL(path, "https://mailbox.invalid");
    if (method === "GET") {
      const [, clip, file] = CLIP_PATH.exec(pathname) ?? [];
      if (clip !== undefined && file !== undefined) return this.#file(clip, file);
      const answer = this.#get(pathname, searchParams);
      if (answer !== undefined) return Response.json(answer);
    }
    if (method === "POST") {
      const [, request, rest] = REQUEST_PATH.exec(pathname) ?? [];
      if (request !== undefined && rest !== undefined)
        return Response.json(await this.#post(request, rest, body));
    }
    if (ANSWERED.test(pathname)) throw onlyAtHome();
    return super.fetch(method, path, body);
  }

  #get(path: string, query: URLSearchParams): unknown {
    const { state } = this;
    switch (path) {
      case "/api/keyring":
        return { statements: state.keyring };
      case "/api/ledger/checkpoint":
        return { checkpoint: state.checkpoint, cosigned: null };
      case "/api/ledger/consistency":
        return { proof: this.#consistency(Number(query.get("from")), Number(query.get("to"))) };
      case "/api/ledger/entries":
        return this.#entry(Number(query.get("from")));
      case "/api/ledger/inclusion":
        return { proof: this.#inclusion(Number(query.get("index")), Number(query.get("size"))) };
      case "/api/requests":
        return state.requests.map(({ summary }) => summary);
      case "/api/clips":
        return { clips: this.#clipList(), next: null };
      case "/api/devices":
        return state.devices;
      case "/api/viewer":
        return { sha256: state.viewer };
      case "/api/passed-on":
        return state.passedOn;
      default:
        return this.#byId(path);
    }
  }

  #byId(path: string): unknown {
    const [, clip] = CLIP_PATH.exec(path) ?? [];
    if (clip !== undefined) return this.#clip(clip);
    const [, request, rest] = REQUEST_PATH.exec(path) ?? [];
    if (request === undefined) return undefined;
    const waiting = this.#request(request);
    if (rest === undefined) return waiting.summary;
    if (rest === "/proposal" && waiting.proposal) return { decision: waiting.proposal };
    return undefined;
  }

  #request(id: string): MailboxState["requests"][number] {
    const found = this.state.requests.find(({ summary }) => summary.record.request === id);
    if (!found)
      throw new HubError("NOT_FOUND", "This request is not in the mailbox: it is decided, or new");
    return found;
  }

  #clip(id: string): Api.ClipDetail {
    const found = this.state.clips.find((clip) => clip.id === id);
    if (!found) throw new HubError("NOT_FOUND", "This recording is not in the mailbox");
    return found;
  }

  #clipList(): Static<typeof Api.ClipSummary>[] {
    const names = Object.keys(Api.ClipSummary.properties);
    return this.state.clips
      .toSorted((left, right) => right.startedAtMs - left.startedAtMs)
      .map((clip) =>
        checkShape(
          Api.ClipSummary,
          Object.fromEntries(Object.entries(clip).filter(([name]) => names.includes(name))),
          "clip",
        ),
      );
  }

  #consistency(from: number, to: number): readonly string[] {
    const { consistency, size } = this.state;
    const found = consistency.find((one) => one.from === from);
    if (from === size && to === size) return found?.proof ?? [];
    if (!found || to !== size)
      throw new HubError(
        "MAILBOX_GAP",
        "Cannot use the mailbox: it does not show how the ledger grew from what this device saw last; look at the requests once at home",
      );
    return found.proof;
  }

  #entry(index: number): unknown {
    return this.state.entries
      .filter((entry) => entry.index === index)
      .map(({ entry }) => ({ index, entry }));
  }

  #inclusion(index: number, size: number): readonly string[] {
    const found = this.state.entries.find((entry) => entry.index === index);
    if (!found || size !== this.state.size) throw onlyAtHome();
    return found.proof;
  }

  async #file(clip: string, name: string): Promise<Response> {
    const { state, carrier } = this.#found;
    const piece = state.pieces.find((one) => one.clip === clip && one.name === name);
    if (!piece)
      throw new HubError(
        "PIECE_NOT_THERE",
        "This piece is not in the mailbox: it found no room, or has no blurred copy. Choose another, or decide at home",
      );
    const found = await carrier.get(piece.parts.map(({ item }) => item));
    const parts: Uint8Array[] = [];
    for (const part of piece.parts) {
      const box = found.get(part.item);
      if (!box)
        throw new HubError("PIECE_NOT_THERE", "This piece is missing from the mailbox; try again");
      parts.push(await openBox(box, part));
    }
    const whole = concatBytes(...parts);
    const isWhole =
      whole.length === piece.sizeBytes &&
      parts.slice(0, -1).every(({ length }) => length === PART_BYTES_MAX);
    if (!isWhole) throw new HubError("MAILBOX_ALTERED", "This piece is not what the hub put there");
    return new Response(new Uint8Array(whole));
  }

  async #post(request: string, rest: string, body: unknown): Promise<unknown> {
    const { summary, nonce, clips } = this.#request(request);
    const own = { id: randomHex(16), request, signedAtMs: Date.now() };
    switch (rest) {
      case "/nonce":
        return nonce;
      case "/decision":
      case "/proposal": {
        const { decision } = checkShape(Api.DecisionBody, body, "decision");
        const kind = rest === "/decision" ? "decision" : "proposal";
        // What of all recordings is left out cannot be said where not all are known.
        if (clips === null && claimedOutcome(decision) !== "refused") throw partial();
        await this.#send({ ...own, kind, decision });
        return summary;
      }
      case "/proposal/signatures":
        await this.#send({
          ...own,
          kind: "signature",
          ...checkShape(CosignBody, body, "signature"),
        });
        return summary;
      default:
        throw onlyAtHome();
    }
  }
}

function partial(): HubError {
  return new HubError(
    "MAILBOX_PARTIAL",
    "Cannot approve from here: more recordings lie in that time than the mailbox carries. You can refuse from here; to approve, go home or use a VPN",
  );
}

function onlyAtHome(): HubError {
  return new HubError("ONLY_AT_HOME", "This can be done at home, or through a VPN, only");
}
