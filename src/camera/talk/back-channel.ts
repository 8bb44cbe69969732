import type { G711Law } from "../../protocol/g711.ts";
import { G711_SAMPLE_RATE } from "../../protocol/g711.ts";
import { CameraError } from "../camera-error.ts";
import { RtspClient, type RtspResponse } from "../rtsp-client.ts";
import type { ChallengeInUse, Credentials } from "../rtsp-digest.ts";
import { parseRtspUrl, resolveControl, type RtspAddress } from "../rtsp-url.ts";
import { parseSdp, type SdpFormat, type SdpMedia, type SessionDescription } from "../sdp.ts";

export interface BackChannelOptions {
  readonly url: string;
  readonly credentials: Credentials | null;
  readonly signal: AbortSignal;
  /** Shorter in tests. */
  readonly timing?: typeof BACK_CHANNEL_TIMING;
}

/** ONVIF Streaming Specification 5.3: without it a camera describes what it sends, and no more. */
const REQUIRE = { Require: "www.onvif.org/ver20/backchannel" } as const;
const OPTION_NOT_SUPPORTED = 551;
const CONNECT_TIMEOUT_MS = 4_000;
/**
 * A camera takes sound and says nothing itself: asking is how one notices that it hangs, in both
 * together at the most.
 */
export const BACK_CHANNEL_TIMING = { answerMs: 4_000, keepAliveMs: 4_000 };
const SESSION_TIMEOUT_SECONDS = 60;
const LAWS: readonly G711Law[] = ["PCMU", "PCMA"];

interface Chosen {
  readonly media: SdpMedia;
  readonly law: G711Law;
  readonly payloadType: number;
}

interface SessionFacts {
  readonly aggregateUrl: string;
  readonly keepAliveMethod: string;
  readonly keepAliveMs: number;
}

/**
 * A connection of its own over which a camera takes sound: opened to talk, closed right after, since
 * the button of some doorbells does nothing as long as one is open. Nothing of what the camera sends
 * is kept.
 */
export class BackChannel implements AsyncDisposable {
  /** How the camera wants its sound coded. */
  readonly law: G711Law;
  readonly payloadType: number;
  readonly #client: RtspClient;
  readonly #aggregateUrl: string;
  readonly #keepAliveMs: number;
  #session = "";
  #sessionTimeoutMs = SESSION_TIMEOUT_SECONDS * 1_000;
  #channel = 0;
  #keepAliveMethod: string;
  #keepAlive: NodeJS.Timeout | null = null;

  private constructor(client: RtspClient, { law, payloadType }: Chosen, session: SessionFacts) {
    this.law = law;
    this.payloadType = payloadType;
    this.#client = client;
    this.#aggregateUrl = session.aggregateUrl;
    this.#keepAliveMs = session.keepAliveMs;
    this.#keepAliveMethod = session.keepAliveMethod;
  }

  /**
   * OPTIONS, DESCRIBE, SETUP of the one track that takes sound, PLAY.
   *
   * @throws CameraError `NO_BACK_CHANNEL` where the camera has none here, `UNSUPPORTED_CODEC` where
   * it takes none of PCMU and PCMA, and everything that a stream can fail with.
   */
  static async open(options: BackChannelOptions): Promise<BackChannel> {
    const asked: { challenge: ChallengeInUse | null } = { challenge: null };
    try {
      return await BackChannel.#openOnce(options, asked);
    } catch (cause) {
      // Some cameras hang up as they ask for the password, and want it on the next connection.
      if (asked.challenge === null || options.signal.aborted) throw cause;
      return BackChannel.#openOnce(options, asked);
    }
  }

  /** @param asked - Is told of a challenge that came and could not be answered any more. */
  static async #openOnce(
    options: BackChannelOptions,
    asked: { challenge: ChallengeInUse | null },
  ): Promise<BackChannel> {
    const address = parseRtspUrl(options.url);
    const timing = options.timing ?? BACK_CHANNEL_TIMING;
    const client = await RtspClient.connect({
      address,
      credentials: options.credentials,
      onPacket: () => undefined,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      answerTimeoutMs: timing.answerMs,
      signal: options.signal,
      challenge: asked.challenge,
    });
    const begun: { channel: BackChannel | null } = { channel: null };
    try {
      return await BackChannel.#setUpOver(client, address, timing.keepAliveMs, begun);
    } catch (cause) {
      const hungUp = cause instanceof CameraError && cause.code === "UNREACHABLE";
      asked.challenge = hungUp ? client.openChallenge : null;
      // A camera has room for few sessions: one that was half set up is given back as well.
      await (begun.channel ?? client)[Symbol.asyncDispose]();
      throw cause;
    }
  }

  static async #setUpOver(
    client: RtspClient,
    address: RtspAddress,
    keepAliveMs: number,
    begun: { channel: BackChannel | null },
  ): Promise<BackChannel> {
    const capabilities = await client.request("OPTIONS", address.url);
    const methods = (capabilities.headers.get("public") ?? []).join(",").toUpperCase();
    const headers = { Accept: "application/sdp", ...REQUIRE };
    const described = await client.request("DESCRIBE", address.url, headers);
    requireSuccess(described, "DESCRIBE");
    const description = parseSdp(described.body);
    const chosen = chooseTrack(description);
    const base = baseOf(described);
    const channel = new BackChannel(client, chosen, {
      aggregateUrl: resolveControl(address, base, description.control),
      keepAliveMethod: methods.includes("GET_PARAMETER") ? "GET_PARAMETER" : "OPTIONS",
      keepAliveMs,
    });
    begun.channel = channel;
    await channel.#setUp(address, base, chosen.media);
    await channel.#play();
    return channel;
  }

  /** Resolves with the reason when it is over, whoever ended it. Never rejects. */
  get ended(): Promise<CameraError> {
    return this.#client.ended;
  }

  /** @returns false where the camera does not keep up: the packet was left out. */
  send(packet: Uint8Array): boolean {
    return this.#client.send(this.#channel, packet);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#keepAlive !== null) clearTimeout(this.#keepAlive);
    if (this.#session !== "") await this.#client.teardown(this.#aggregateUrl, this.#session);
    await this.#client[Symbol.asyncDispose]();
  }

  async #setUp(address: RtspAddress, base: string | undefined, media: SdpMedia): Promise<void> {
    const answer = await this.#client.request(
      "SETUP",
      resolveControl(address, base, media.control),
      { Transport: "RTP/AVP/TCP;unicast;interleaved=0-1", ...REQUIRE },
    );
    requireSuccess(answer, "SETUP");
    this.#noteSession(answer.headers.get("session")?.[0] ?? "");
    const transport = answer.headers.get("transport")?.[0] ?? "";
    if (!/RTP\/AVP\/TCP/i.test(transport))
      throw new CameraError("PROTOCOL_ERROR", "Cannot talk: the camera refuses TCP");
    const channel = Number(/interleaved=(\d{1,3})/i.exec(transport)?.[1] ?? 0);
    if (channel > 255)
      throw new CameraError("PROTOCOL_ERROR", "Cannot talk: the camera names no such channel");
    this.#channel = channel;
  }

  async #play(): Promise<void> {
    // No Range: it is for what a camera plays, and some refuse to take sound with one.
    const answer = await this.#client.request("PLAY", this.#aggregateUrl, {
      Session: this.#session,
      ...REQUIRE,
    });
    requireSuccess(answer, "PLAY");
    this.#scheduleKeepAlive();
  }

  #noteSession(header: string): void {
    const match = /^([\x21-\x3a\x3c-\x7e]{1,256})(?:\s*;\s*timeout\s*=\s*(\d{1,6}))?/i.exec(header);
    if (match?.[1] === undefined)
      throw new CameraError("PROTOCOL_ERROR", "Cannot talk: the camera names no session");
    this.#session = match[1];
    if (match[2] !== undefined) this.#sessionTimeoutMs = Number(match[2]) * 1_000;
  }

  #scheduleKeepAlive(): void {
    const waitMs = Math.min(this.#keepAliveMs, Math.max(1_000, this.#sessionTimeoutMs / 2));
    this.#keepAlive = setTimeout(() => void this.#sendKeepAlive(), waitMs);
  }

  async #sendKeepAlive(): Promise<void> {
    const headers = { Session: this.#session };
    try {
      const answer = await this.#client.request(this.#keepAliveMethod, this.#aggregateUrl, headers);
      // Some cameras announce GET_PARAMETER and do not know it.
      if (answer.status >= 400) this.#keepAliveMethod = "OPTIONS";
    } catch (cause) {
      if (!(cause instanceof CameraError)) throw cause;
      this.#client.fail(cause);
    }
    if (!this.#client.isOver) this.#scheduleKeepAlive();
  }
}

function baseOf({ headers }: RtspResponse): string | undefined {
  return headers.get("content-base")?.[0] ?? headers.get("content-location")?.[0];
}

function requireSuccess({ status }: RtspResponse, method: string): void {
  if (status >= 200 && status < 300) return;
  if (status === OPTION_NOT_SUPPORTED) throw noBackChannel();
  if (status === 404 || status === 410)
    throw new CameraError("NO_SUCH_STREAM", `Cannot talk: the camera answered ${status}`);
  throw new CameraError(
    "PROTOCOL_ERROR",
    `Cannot talk: the camera answered ${status} to ${method}; somebody else may be talking through it`,
  );
}

/** `sendonly` is said from where the description is read: what is so marked, we may send to. */
function chooseTrack({ media }: SessionDescription): Chosen {
  const tracks = media.filter(
    ({ kind, direction }) => kind === "audio" && direction === "sendonly",
  );
  if (tracks.length === 0) throw noBackChannel();
  const offers = tracks.flatMap((track) =>
    track.formats.flatMap((format) => {
      const law = lawOf(format);
      return law === null ? [] : [{ media: track, law, payloadType: format.payloadType }];
    }),
  );
  const [best] = offers.toSorted((one, other) => LAWS.indexOf(one.law) - LAWS.indexOf(other.law));
  if (best !== undefined) return best;
  const names = tracks.flatMap(({ formats }) => formats).map(nameOf);
  throw new CameraError(
    "UNSUPPORTED_CODEC",
    `Cannot talk: the camera takes ${[...new Set(names)].join(", ")} only; set its audio to G.711`,
  );
}

function lawOf({ encoding, clockRate, channels }: SdpFormat): G711Law | null {
  if (clockRate !== G711_SAMPLE_RATE || channels !== 1) return null;
  return LAWS.find((law) => law === encoding) ?? null;
}

function nameOf({ encoding, payloadType, clockRate }: SdpFormat): string {
  return encoding === "" ? `type ${payloadType}` : `${encoding} at ${clockRate} Hz`;
}

function noBackChannel(): CameraError {
  return new CameraError(
    "NO_BACK_CHANNEL",
    "Cannot talk: the camera offers no way to send it sound (an ONVIF back channel) on this stream",
  );
}
