import type { Clock } from "../base/clock.ts";
import { createAacDepacketiser } from "./aac-depacketiser.ts";
import { CameraError } from "./camera-error.ts";
import { H264Depacketiser } from "./h264-depacketiser.ts";
import { parameterSetsFromSdp } from "./h264-parameters.ts";
import { H265Depacketiser, requireTransmissionOrder } from "./h265-depacketiser.ts";
import { h265SetsFromSdp } from "./h265-parameters.ts";
import type { NalDepacketiser, VideoUnit } from "./nal-depacketiser.ts";
import { createG711Depacketiser } from "./g711-depacketiser.ts";
import { createRtpFragments, type RtpFragments } from "./rtp-fragments.ts";
import { createPictureLimit } from "./read-allowance.ts";
import { createPacketOrder } from "./rtp-order.ts";
import { parseRtp, parseSenderReport, type RtpPacket } from "./rtp.ts";
import { RtspClient, type RtspResponse } from "./rtsp-client.ts";
import type { ChallengeInUse, Credentials } from "./rtsp-digest.ts";
import { readSession, readTransport, type Channels } from "./rtsp-headers.ts";
import { parseRtspUrl, resolveControl, type RtspAddress } from "./rtsp-url.ts";
import { parseSdp, type SdpMedia, type SessionDescription } from "./sdp.ts";
import { chooseSound, type ChosenSound } from "./sound-format.ts";
import type { Connection, ConnectionReport, SoundState } from "./connection.ts";
import type { Timeline } from "./timeline.ts";

export interface RtspSourceOptions {
  readonly url: string;
  readonly credentials: Credentials | null;
  readonly audio: boolean;
  readonly clock: Clock;
  readonly timeline: Timeline;
  readonly timing: RtspTiming;
  readonly signal: AbortSignal;
}

/** How long a camera may take. Tests have less time than cameras. */
export interface RtspTiming {
  readonly connectMs: number;
  /** For each answer. */
  readonly answerMs: number;
  /** No picture for this long ends the connection. */
  readonly silenceMs: number;
  /** Pictures that nothing can be done with, since no key frame comes, end it after this long. */
  readonly keyFrameMs: number;
}

interface ChosenMedia {
  readonly video: SdpMedia;
  readonly audio: ChosenSound | null;
  readonly sound: SoundState;
}

const SESSION_TIMEOUT_MS = 60_000;
const SESSION_NOT_FOUND = 454;
const INVALID_RANGE = 457;

/**
 * Opens a stream: OPTIONS, DESCRIBE, SETUP for each track that is wanted, PLAY. From then on its
 * access units go to the time line until the connection ends.
 *
 * @throws CameraError naming what is wrong. MalformedInput for a URL that no camera could have.
 */
export async function openRtspSource(options: RtspSourceOptions): Promise<Connection> {
  const address = parseRtspUrl(options.url);
  const unanswered: { challenge: ChallengeInUse | null } = { challenge: null };
  try {
    return await openOnce(address, options, unanswered);
  } catch (cause) {
    if (unanswered.challenge === null || options.signal.aborted) throw cause;
  }
  // It asked for the password and hung up: it wants to be told at once, on the next connection.
  try {
    return await openOnce(address, options, unanswered);
  } catch (cause) {
    if (unanswered.challenge === null) throw cause;
    const what = "Cannot log in to camera: it asks for the password again and hangs up";
    throw new CameraError("WRONG_PASSWORD", what, { cause });
  }
}

async function openOnce(
  address: RtspAddress,
  options: RtspSourceOptions,
  unanswered: { challenge: ChallengeInUse | null },
): Promise<Connection> {
  const receiver = { take: (_channel: number, _payload: Uint8Array): void => undefined };
  const client = await RtspClient.connect({
    address,
    credentials: options.credentials,
    onPacket: (channel, payload) => receiver.take(channel, payload),
    connectTimeoutMs: options.timing.connectMs,
    answerTimeoutMs: options.timing.answerMs,
    signal: options.signal,
    challenge: unanswered.challenge,
  });
  try {
    const session = await RtspSession.open(client, address, options);
    receiver.take = (channel, payload) => session.take(channel, payload);
    await session.play();
    return session;
  } catch (cause) {
    const hungUp = cause instanceof CameraError && cause.code === "UNREACHABLE";
    unanswered.challenge = hungUp ? client.openChallenge : null;
    await client[Symbol.asyncDispose]();
    throw cause;
  }
}

class RtspSession implements Connection {
  readonly #client: RtspClient;
  readonly #options: RtspSourceOptions;
  readonly #fragments: RtpFragments;
  readonly #video: NalDepacketiser;
  readonly #takeVideo: (packet: RtpPacket) => void;
  readonly #chosen: ChosenMedia;
  readonly #takeAudio: ((packet: Uint8Array) => void) | null;
  #aggregateUrl = "";
  #keepAliveMethod: string;
  #session = "";
  #sessionTimeoutMs = SESSION_TIMEOUT_MS;
  #videoChannels: Channels = { packets: 0, reports: 1 };
  #audioChannels: Channels | null = null;
  #soundRefusal: string | null = null;
  #arrivalMs = 0;
  #lastFrameMs: number;
  #lastPictureMs: number;
  #droppedUnits = 0;
  #watchdog: NodeJS.Timeout | null = null;
  #keepAlive: NodeJS.Timeout | null = null;

  private constructor(
    client: RtspClient,
    options: RtspSourceOptions,
    chosen: ChosenMedia,
    keepAliveMethod: string,
  ) {
    const { clock, timeline } = options;
    this.#client = client;
    this.#options = options;
    this.#chosen = chosen;
    this.#keepAliveMethod = keepAliveMethod;
    this.#lastFrameMs = clock.monotonicMs();
    this.#lastPictureMs = this.#lastFrameMs;
    const { audio } = chosen;
    this.#fragments = createRtpFragments({
      clock,
      timeline,
      audio: audio && { format: audio.format, clockRate: audio.media.clockRate },
    });
    const pictures = createPictureLimit();
    this.#video = depacketiserOf(chosen.video, (unit) => {
      this.#lastFrameMs = clock.monotonicMs();
      pictures.take(this.#lastFrameMs);
      this.#fragments.video(unit, this.#arrivalMs);
    });
    this.#takeVideo = createPacketOrder((packet) => this.#video.push(packet));
    this.#takeAudio = audio === null ? null : this.#audioTaker(audio);
  }

  static async open(
    client: RtspClient,
    address: RtspAddress,
    options: RtspSourceOptions,
  ): Promise<RtspSession> {
    const capabilities = await client.request("OPTIONS", address.url);
    const methods = (capabilities.headers.get("public") ?? []).join(",").toUpperCase();
    const keepAliveMethod = methods.includes("GET_PARAMETER") ? "GET_PARAMETER" : "OPTIONS";
    const accept = { Accept: "application/sdp" };
    const described = await client.request("DESCRIBE", address.url, accept);
    requireSuccess(described, "DESCRIBE");
    const description = parseSdp(described.body);
    const chosen = chooseMedia(description, options.audio);
    const session = new RtspSession(client, options, chosen, keepAliveMethod);
    const base =
      described.headers.get("content-base")?.[0] ?? described.headers.get("content-location")?.[0];
    await session.#setUp(address, base, description);
    return session;
  }

  get ended(): Promise<CameraError> {
    return this.#client.ended;
  }

  async play(): Promise<void> {
    const { clock, timing } = this.#options;
    const fromNow = { ...this.#inSession(), Range: "npt=0.000-" };
    let answer = await this.#client.request("PLAY", this.#aggregateUrl, fromNow);
    if (answer.status === INVALID_RANGE)
      answer = await this.#client.request("PLAY", this.#aggregateUrl, this.#inSession());
    requireSuccess(answer, "PLAY");
    this.#lastFrameMs = clock.monotonicMs();
    this.#lastPictureMs = this.#lastFrameMs;
    this.#watchdog = setInterval(() => this.#watch(), Math.max(10, timing.silenceMs / 10));
    this.#scheduleKeepAlive();
  }

  take(channel: number, payload: Uint8Array): void {
    this.#arrivalMs = this.#options.clock.monotonicMs();
    if (channel === this.#videoChannels.packets) {
      const packet = parseRtp(payload);
      if (packet?.payloadType === this.#chosen.video.payloadType) this.#takeVideo(packet);
    } else if (channel === this.#videoChannels.reports) {
      const report = parseSenderReport(payload);
      if (report !== null) this.#fragments.videoClock.report(report);
    } else if (channel === this.#audioChannels?.packets) {
      this.#takeAudio?.(payload);
    } else if (channel === this.#audioChannels?.reports) {
      const report = parseSenderReport(payload);
      if (report !== null) this.#fragments.audioClock?.report(report);
    }
  }

  report(): ConnectionReport | null {
    const init = this.#fragments.init();
    const wallClock = this.#fragments.wallClock();
    if (init === null || wallClock === null) return null;
    return {
      codec: init.codec,
      width: init.width,
      height: init.height,
      framesPerSecond: this.#fragments.framesPerSecond(),
      sound: this.#sound(),
      wallClock: wallClock.source(),
      clockOffsetMs: wallClock.offsetMs(),
      lostPackets: this.#video.lostPackets,
      droppedUnits: this.#video.droppedUnits,
      garbageBytes: this.#client.garbageBytes(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#watchdog !== null) clearInterval(this.#watchdog);
    if (this.#keepAlive !== null) clearTimeout(this.#keepAlive);
    const encoderEnded = this.#fragments.sound?.[Symbol.asyncDispose]();
    if (this.#session !== "") await this.#client.teardown(this.#aggregateUrl, this.#session);
    await this.#client[Symbol.asyncDispose]();
    await encoderEnded;
  }

  #sound(): SoundState {
    const problem = this.#soundRefusal ?? this.#fragments.sound?.problem() ?? null;
    return problem === null ? this.#chosen.sound : { state: "failing", message: problem };
  }

  #inSession(): Record<string, string> {
    return this.#session === "" ? {} : { Session: this.#session };
  }

  #watch(): void {
    const nowMs = this.#options.clock.monotonicMs();
    const { silenceMs, keyFrameMs } = this.#options.timing;
    if (this.#video.droppedUnits !== this.#droppedUnits) this.#lastPictureMs = nowMs;
    this.#droppedUnits = this.#video.droppedUnits;
    const withoutFrameMs = nowMs - this.#lastFrameMs;
    if (withoutFrameMs < silenceMs) return;
    const sendsPictures = nowMs - this.#lastPictureMs < silenceMs;
    if (sendsPictures && withoutFrameMs < keyFrameMs) return;
    const what = sendsPictures
      ? `no whole key frame for ${keyFrameMs / 1000} s; let the camera send one every 2 s`
      : `no frame for ${silenceMs / 1000} s`;
    this.#client.fail(new CameraError("SILENT", `Cannot keep stream: ${what}`));
  }

  #audioTaker({ media, format }: ChosenSound): (packet: Uint8Array) => void {
    const depacketiser =
      format.kind === "aac"
        ? createAacDepacketiser(format.parameters, (unit) =>
            this.#fragments.audio(unit, this.#arrivalMs),
          )
        : createG711Depacketiser((unit) => this.#fragments.audio(unit, this.#arrivalMs));
    return (bytes) => {
      const packet = parseRtp(bytes);
      if (packet?.payloadType === media.payloadType) depacketiser.push(packet);
    };
  }

  async #setUp(
    address: RtspAddress,
    base: string | undefined,
    description: SessionDescription,
  ): Promise<void> {
    const { video, audio } = this.#chosen;
    this.#aggregateUrl = resolveControl(address, base, description.control);
    this.#videoChannels = await this.#setUpTrack(resolveControl(address, base, video.control), 0);
    if (audio !== null) await this.#setUpSound(resolveControl(address, base, audio.media.control));
  }

  /** A camera that does not want to send its sound still sends its pictures. */
  async #setUpSound(uri: string): Promise<void> {
    try {
      this.#audioChannels = await this.#setUpTrack(uri, 2);
    } catch (cause) {
      const isRefused =
        cause instanceof CameraError &&
        (cause.code === "PROTOCOL_ERROR" || cause.code === "NO_SUCH_STREAM");
      if (!isRefused || this.#client.isOver) throw cause;
      this.#soundRefusal = "Cannot record sound: the camera announces it and refuses to send it";
    }
  }

  async #setUpTrack(uri: string, firstChannel: number): Promise<Channels> {
    const headers = {
      ...this.#inSession(),
      Transport: `RTP/AVP/TCP;unicast;interleaved=${firstChannel}-${firstChannel + 1}`,
    };
    const answer = await this.#client.request("SETUP", uri, headers);
    requireSuccess(answer, "SETUP");
    // Some cameras name the session once, and the simplest have none.
    const session = readSession(answer.headers.get("session")?.[0] ?? "");
    if (session !== null) this.#session = session.id;
    this.#sessionTimeoutMs = session?.timeoutMs ?? this.#sessionTimeoutMs;
    return readTransport(answer.headers.get("transport")?.[0] ?? "", firstChannel);
  }

  #scheduleKeepAlive(): void {
    // Twice in the session's time-out, at least every minute, at most every second.
    const waitMs = Math.max(1_000, Math.min(60_000, this.#sessionTimeoutMs / 2));
    this.#keepAlive = setTimeout(() => {
      void this.#sendKeepAlive();
    }, waitMs);
  }

  async #sendKeepAlive(): Promise<void> {
    try {
      const answer = await this.#client.request(
        this.#keepAliveMethod,
        this.#aggregateUrl,
        this.#inSession(),
      );
      // Some cameras announce GET_PARAMETER and do not know it, or not for a session.
      const isUnknown = answer.status >= 400 && answer.status !== SESSION_NOT_FOUND;
      if (isUnknown) this.#keepAliveMethod = "OPTIONS";
    } catch (cause) {
      if (!(cause instanceof CameraError)) throw cause;
      // It took the password for the stream. Asked again and again, it would lock the account.
      if (cause.code === "WRONG_PASSWORD" || cause.code === "BASIC_REFUSED") return;
      // A camera that sends pictures and does not answer is not silent: the watchdog decides.
      if (cause.code !== "SILENT") this.#client.fail(cause);
    }
    if (!this.#client.isOver) this.#scheduleKeepAlive();
  }
}

function requireSuccess(answer: RtspResponse, method: string): void {
  const { status } = answer;
  if (status >= 200 && status < 300) return;
  if (status === 404 || status === 410)
    throw new CameraError("NO_SUCH_STREAM", `Cannot open stream: the camera answered ${status}`);
  throw new CameraError(
    "PROTOCOL_ERROR",
    `Cannot open stream: the camera answered ${status} to ${method}`,
  );
}

function requireTakenForm({ encoding, format }: SdpMedia): void {
  if (encoding === "H265") return requireTransmissionOrder(format);
  const mode = format.get("packetization-mode") ?? "0";
  if (mode !== "0" && mode !== "1")
    throw new CameraError("UNSUPPORTED_CODEC", "Cannot use video: the codec is H264 interleaved");
}

function depacketiserOf(media: SdpMedia, onUnit: (unit: VideoUnit) => void): NalDepacketiser {
  return media.encoding === "H265"
    ? new H265Depacketiser(h265SetsFromSdp(media.format), onUnit)
    : new H264Depacketiser(parameterSetsFromSdp(media.format.get("sprop-parameter-sets")), onUnit);
}

function chooseMedia(description: SessionDescription, wantsAudio: boolean): ChosenMedia {
  const videos = description.media.filter((media) => media.kind === "video");
  const video = ["H264", "H265"].flatMap((codec) =>
    videos.filter((media) => media.encoding === codec),
  )[0];
  if (video === undefined) {
    const found = videos.map((media) => media.encoding || `type ${media.payloadType}`).join(", ");
    throw new CameraError(
      "UNSUPPORTED_CODEC",
      `Cannot use video: ${found === "" ? "the stream has none" : `the codec is ${found}`}`,
    );
  }
  requireTakenForm(video);
  if (!wantsAudio) return { video, audio: null, sound: { state: "off" } };
  const { chosen: audio, sound } = chooseSound(description.media);
  return { video, audio, sound };
}
