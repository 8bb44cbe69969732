import type { Clock } from "../base/clock.ts";
import { createAacDepacketiser, readAacFormat, type AacParameters } from "./aac-depacketiser.ts";
import { CameraError } from "./camera-error.ts";
import { H264Depacketiser } from "./h264-depacketiser.ts";
import { parameterSetsFromSdp } from "./h264-parameters.ts";
import { createRtpFragments, type RtpFragments } from "./rtp-fragments.ts";
import { parseRtp, parseSenderReport } from "./rtp.ts";
import { RtspClient, type RtspResponse } from "./rtsp-client.ts";
import type { Credentials } from "./rtsp-digest.ts";
import { parseRtspUrl, resolveControl, type RtspAddress } from "./rtsp-url.ts";
import { parseSdp, type SdpMedia, type SessionDescription } from "./sdp.ts";
import type { Connection, ConnectionReport, SoundState } from "./connection.ts";
import type { Timeline } from "./timeline.ts";

export interface RtspSourceOptions {
  readonly url: string;
  readonly credentials: Credentials | null;
  readonly audio: boolean;
  readonly clock: Clock;
  readonly timeline: Timeline;
  /** No frame for this long ends the connection. */
  readonly silenceMs: number;
  readonly signal: AbortSignal;
}

interface Channels {
  readonly packets: number;
  readonly reports: number;
}

interface ChosenMedia {
  readonly video: SdpMedia;
  readonly audio: { readonly media: SdpMedia; readonly parameters: AacParameters } | null;
  readonly sound: SoundState;
}

const CONNECT_TIMEOUT_MS = 5_000;
const ANSWER_TIMEOUT_MS = 5_000;
const SESSION_TIMEOUT_SECONDS = 60;

/**
 * Opens a stream: OPTIONS, DESCRIBE, SETUP for each track that is wanted, PLAY. From then on its
 * access units go to the time line until the connection ends.
 *
 * @throws CameraError naming what is wrong. MalformedInput for a URL that no camera could have.
 */
export async function openRtspSource(options: RtspSourceOptions): Promise<Connection> {
  const address = parseRtspUrl(options.url);
  const receiver = { take: (_channel: number, _payload: Uint8Array): void => undefined };
  const client = await RtspClient.connect({
    address,
    credentials: options.credentials,
    onPacket: (channel, payload) => receiver.take(channel, payload),
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    answerTimeoutMs: ANSWER_TIMEOUT_MS,
    signal: options.signal,
  });
  try {
    const session = await RtspSession.open(client, address, options);
    receiver.take = (channel, payload) => session.take(channel, payload);
    await session.play();
    return session;
  } catch (cause) {
    await client[Symbol.asyncDispose]();
    throw cause;
  }
}

class RtspSession implements Connection {
  readonly #client: RtspClient;
  readonly #options: RtspSourceOptions;
  readonly #fragments: RtpFragments;
  readonly #video: H264Depacketiser;
  readonly #chosen: ChosenMedia;
  readonly #takeAudio: ((packet: Uint8Array) => void) | null;
  #aggregateUrl = "";
  #keepAliveMethod: string;
  #session = "";
  #sessionTimeoutMs = SESSION_TIMEOUT_SECONDS * 1000;
  #videoChannels: Channels = { packets: 0, reports: 1 };
  #audioChannels: Channels | null = null;
  #arrivalMs = 0;
  #lastFrameMs: number;
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
    const { audio } = chosen;
    this.#fragments = createRtpFragments({
      clock,
      timeline,
      audio: audio && { parameters: audio.parameters, clockRate: audio.media.clockRate },
    });
    const sets = parameterSetsFromSdp(chosen.video.format.get("sprop-parameter-sets"));
    this.#video = new H264Depacketiser(sets, (unit) => {
      this.#lastFrameMs = clock.monotonicMs();
      this.#fragments.video(unit, this.#arrivalMs);
    });
    this.#takeAudio = audio === null ? null : this.#audioTaker(audio.media, audio.parameters);
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
    const { clock, silenceMs } = this.#options;
    const answer = await this.#client.request("PLAY", this.#aggregateUrl, {
      Session: this.#session,
      Range: "npt=0.000-",
    });
    requireSuccess(answer, "PLAY");
    this.#lastFrameMs = clock.monotonicMs();
    this.#watchdog = setInterval(
      () => {
        if (clock.monotonicMs() - this.#lastFrameMs < silenceMs) return;
        const seconds = silenceMs / 1000;
        this.#client.fail(
          new CameraError("SILENT", `Cannot keep stream: no frame for ${seconds} s`),
        );
      },
      Math.max(10, silenceMs / 10),
    );
    this.#scheduleKeepAlive();
  }

  take(channel: number, payload: Uint8Array): void {
    this.#arrivalMs = this.#options.clock.monotonicMs();
    if (channel === this.#videoChannels.packets) {
      const packet = parseRtp(payload);
      if (packet?.payloadType === this.#chosen.video.payloadType) this.#video.push(packet);
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
      sound: this.#chosen.sound,
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
    if (this.#session !== "") await this.#client.teardown(this.#aggregateUrl, this.#session);
    await this.#client[Symbol.asyncDispose]();
  }

  #audioTaker(media: SdpMedia, parameters: AacParameters): (packet: Uint8Array) => void {
    const depacketiser = createAacDepacketiser(parameters, (unit) =>
      this.#fragments.audio(unit, this.#arrivalMs),
    );
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
    if (audio !== null)
      this.#audioChannels = await this.#setUpTrack(
        resolveControl(address, base, audio.media.control),
        2,
      );
  }

  async #setUpTrack(uri: string, firstChannel: number): Promise<Channels> {
    const headers: Record<string, string> = {
      Transport: `RTP/AVP/TCP;unicast;interleaved=${firstChannel}-${firstChannel + 1}`,
    };
    if (this.#session !== "") headers["Session"] = this.#session;
    const answer = await this.#client.request("SETUP", uri, headers);
    requireSuccess(answer, "SETUP");
    this.#noteSession(answer.headers.get("session")?.[0] ?? "");
    const transport = answer.headers.get("transport")?.[0] ?? "";
    if (!/RTP\/AVP\/TCP/i.test(transport))
      throw new CameraError("PROTOCOL_ERROR", "Cannot set up stream: the camera refuses TCP");
    const chosen = /interleaved=(\d{1,3})(?:-(\d{1,3}))?/i.exec(transport);
    const packets = Number(chosen?.[1] ?? firstChannel);
    return { packets, reports: Number(chosen?.[2] ?? packets + 1) };
  }

  #noteSession(header: string): void {
    const match = /^([\x21-\x3a\x3c-\x7e]{1,256})(?:\s*;\s*timeout\s*=\s*(\d{1,6}))?/i.exec(header);
    if (match?.[1] === undefined)
      throw new CameraError("PROTOCOL_ERROR", "Cannot set up stream: the camera names no session");
    this.#session = match[1];
    if (match[2] !== undefined) this.#sessionTimeoutMs = Number(match[2]) * 1000;
  }

  #scheduleKeepAlive(): void {
    // Twice in the session's time-out, at least every minute, at most every second.
    const waitMs = Math.max(1_000, Math.min(60_000, this.#sessionTimeoutMs / 2));
    this.#keepAlive = setTimeout(() => {
      void this.#sendKeepAlive();
    }, waitMs);
  }

  async #sendKeepAlive(): Promise<void> {
    const headers = { Session: this.#session };
    try {
      const answer = await this.#client.request(this.#keepAliveMethod, this.#aggregateUrl, headers);
      // Some cameras announce GET_PARAMETER and do not know it.
      if (answer.status >= 400) this.#keepAliveMethod = "OPTIONS";
    } catch (cause) {
      if (!(cause instanceof CameraError)) throw cause;
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

function chooseMedia(description: SessionDescription, wantsAudio: boolean): ChosenMedia {
  const videos = description.media.filter((media) => media.kind === "video");
  const video = videos.find((media) => media.encoding === "H264");
  if (video === undefined) {
    const found = videos.map((media) => media.encoding || `type ${media.payloadType}`).join(", ");
    throw new CameraError(
      "UNSUPPORTED_CODEC",
      `Cannot use video: ${found === "" ? "the stream has none" : `the codec is ${found}`}`,
    );
  }
  const mode = video.format.get("packetization-mode") ?? "0";
  if (mode !== "0" && mode !== "1")
    throw new CameraError("UNSUPPORTED_CODEC", "Cannot use video: the codec is H264 interleaved");
  if (!wantsAudio) return { video, audio: null, sound: { state: "off" } };
  const sounds = description.media.filter((media) => media.kind === "audio");
  const [first] = sounds;
  if (first === undefined) return { video, audio: null, sound: { state: "absent" } };
  const media = sounds.find((candidate) => candidate.encoding === "MPEG4-GENERIC") ?? first;
  try {
    const parameters = readAacFormat(media);
    return { video, audio: { media, parameters }, sound: { state: "on", codec: parameters.codec } };
  } catch (cause) {
    if (!(cause instanceof CameraError)) throw cause;
    // The pictures matter more: they are recorded, and the status says why there is no sound.
    return { video, audio: null, sound: { state: "unsupported", message: cause.message } };
  }
}
