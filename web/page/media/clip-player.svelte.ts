import { SvelteMap } from "svelte/reactivity";
import type { PlayableFile } from "../device/calls/event-calls.ts";
import { partAt, type ClipPart } from "./clip-parts.ts";
import { mediaSourceClass } from "./live-player.ts";
import type { OpenedPart } from "./opened-part.ts";
import { silenceBeside, type SoundShape } from "./silent-sound.ts";
import { done, endOfRange } from "./source-buffer.ts";

export type OpenPart = (part: PlayableFile, signal: AbortSignal) => Promise<OpenedPart>;

/** Behind the playhead this much stays, for a step back. */
const KEPT_BEHIND_SECONDS = 10;
/** A part whose clock is further off than this began a new time line of the camera's. */
const NEW_TIMELINE_SECONDS = 0.75;
/** Holes as short as this are between two parts that follow each other. */
const HOLE_SECONDS = 0.6;
/** A part's own clock and the hub's say its end this far apart and more. */
const CLOCKS_DIFFER_SECONDS = 0.3;
/** A hub that is busy or away for a moment is asked again; what it has lost is not there later. */
const ASK_AGAIN_AFTER_MS = [400, 1_500];
const PASSING: ReadonlySet<unknown> = new Set(["HUB_UNREACHABLE", "HUB_FAILED"]);

/** This browser has no decoder for what was recorded. */
export class CodecNotPlayed extends Error {
  override readonly name = "CodecNotPlayed";
  /** As RFC 6381 names it. */
  readonly codec: string;

  constructor(codec: string) {
    super(`this browser does not play ${codec}`);
    this.codec = codec;
  }
}

interface Buffers {
  readonly video: SourceBuffer;
  readonly audio: SourceBuffer | null;
}

interface Loaded {
  readonly startSeconds: number;
  readonly endSeconds: number;
}

/**
 * Plays a clip's parts through media source extensions: opens the one that is wanted and what comes
 * right after it, forgets what is behind, and goes around what cannot be opened.
 */
export class ClipPlayer {
  /** Parts that cannot be shown, and why. */
  readonly failed = new SvelteMap<number, unknown>();
  /** Nothing can be played at all, and why. */
  failure = $state.raw<unknown>(null);
  isWaiting = $state(true);
  hasSound = $state(false);
  frameSeconds = $state(1 / 15);
  durationSeconds = $state(0);

  readonly #video: HTMLVideoElement;
  readonly #open: OpenPart;
  readonly #loaded = new Map<number, Loaded>();
  #parts: readonly ClipPart[] = [];
  #isComplete = false;
  #attached: Promise<void> | null = null;
  /** Null until it takes buffers. */
  #media: MediaSource | null = null;
  #buffers: Buffers | null = null;
  #offsetSeconds: number | null = null;
  #isSilent = false;
  /** Of the clip's sound, once any of it was opened. */
  #shape: SoundShape | null = null;
  #pumping = false;
  #again = false;
  #isClosed = false;
  #loading: { readonly segment: number; readonly controller: AbortController } | null = null;
  readonly #listening = new AbortController();

  constructor(video: HTMLVideoElement, open: OpenPart) {
    this.#video = video;
    this.#open = open;
    const { signal } = this.#listening;
    for (const name of ["timeupdate", "waiting", "stalled", "ratechange"])
      video.addEventListener(name, () => void this.#pump(), { signal });
    video.addEventListener("seeking", () => this.#wantElsewhere(), { signal });
    for (const name of ["playing", "seeked", "canplay"])
      video.addEventListener(name, () => (this.isWaiting = video.seeking), { signal });
    video.addEventListener("error", () => (this.failure ??= video.error), { signal });
  }

  /** @param isComplete - False while more is being recorded. */
  async show(
    parts: readonly ClipPart[],
    options: { readonly isComplete: boolean; readonly fromSeconds?: number },
  ): Promise<void> {
    this.#parts = parts;
    this.#isComplete = options.isComplete;
    this.durationSeconds = Math.max(this.durationSeconds, parts.at(-1)?.endSeconds ?? 0);
    this.#attached ??= this.#attach(options.fromSeconds ?? 0);
    await this.#attached;
    this.#setDuration();
    await this.#pump();
  }

  seek(seconds: number): void {
    // Who looks for a place asks for it anew.
    for (const [segment, error] of this.failed) if (isPassing(error)) this.failed.delete(segment);
    const end = Math.max(0, this.durationSeconds - 0.05);
    this.#video.currentTime = Math.min(Math.max(0, seconds), end);
  }

  step(frames: number): void {
    this.#video.pause();
    this.seek(this.#video.currentTime + frames * this.frameSeconds);
  }

  close(): void {
    this.#isClosed = true;
    this.#listening.abort();
    this.#loading?.controller.abort();
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  async #attach(fromSeconds: number): Promise<void> {
    const MediaSourceClass = mediaSourceClass();
    if (!MediaSourceClass) {
      this.failure = new Error("this browser has no media source");
      return;
    }
    const media = new MediaSourceClass();
    this.#video.disableRemotePlayback = true;
    const address = URL.createObjectURL(media);
    const opened = new Promise((resolve) =>
      media.addEventListener("sourceopen", resolve, { once: true }),
    );
    this.#video.src = address;
    await opened;
    URL.revokeObjectURL(address);
    this.#media = media;
    this.#setDuration();
    if (fromSeconds > 0) this.#video.currentTime = fromSeconds;
  }

  #setDuration(): void {
    const media = this.#media;
    const isIdle = !this.#buffers?.video.updating && !this.#buffers?.audio?.updating;
    if (media?.readyState !== "open" || !isIdle) return;
    if (!(media.duration >= this.durationSeconds)) media.duration = this.durationSeconds;
  }

  #wantElsewhere(): void {
    this.isWaiting = true;
    const wanted = this.#wanted();
    if (this.#loading && !wanted.some(({ segment }) => segment === this.#loading?.segment))
      this.#loading.controller.abort();
    void this.#pump();
  }

  /** The part at the playhead and what follows: one, or as many as high speed needs. */
  #wanted(): readonly ClipPart[] {
    const at = partAt(this.#parts, this.#video.currentTime);
    const ahead = Math.max(1, Math.ceil(this.#video.playbackRate / 3));
    return this.#parts.slice(Math.max(0, at), at + 1 + ahead);
  }

  async #pump(): Promise<void> {
    if (this.#pumping) {
      this.#again = true;
      return;
    }
    this.#pumping = true;
    try {
      do {
        this.#again = false;
        await this.#fill();
      } while (this.#again && !this.#isClosed);
    } catch (error) {
      if (!this.#isClosed) this.failure = error;
    } finally {
      this.#pumping = false;
    }
  }

  async #fill(): Promise<void> {
    for (;;) {
      if (this.#isClosed || this.failure !== null || !this.#media) return;
      const next = this.#wanted().find(
        (part) => !this.failed.has(part.segment) && !this.#isLoaded(part),
      );
      if (!next) break;
      await this.#load(next);
      await this.#evict();
    }
    this.#goAround();
    this.#endWhereComplete();
  }

  #isLoaded({ segment }: ClipPart): boolean {
    const loaded = this.#loaded.get(segment);
    if (!loaded) return false;
    // The browser may have made room by itself.
    const middle = (loaded.startSeconds + loaded.endSeconds) / 2;
    return endOfRange(this.#buffers?.video.buffered, middle) !== null;
  }

  async #load(part: ClipPart): Promise<void> {
    const controller = new AbortController();
    this.#loading = { segment: part.segment, controller };
    const { signal } = controller;
    try {
      const audio = part.audio && !this.#isSilent ? this.#openSound(part.audio, signal) : null;
      const video = await this.#openPatiently(part.video, signal);
      const sound = await audio;
      this.#shape ??= sound?.sound ?? (await this.#openAnyShape(signal));
      if (this.#isClosed || signal.aborted) return;
      await this.#append(part, video, sound);
    } catch (error) {
      if (signal.aborted || this.#isClosed) return;
      // The other parts are no different: they are not even fetched.
      if (error instanceof CodecNotPlayed) this.failure = error;
      else this.failed.set(part.segment, error);
    } finally {
      this.#loading = null;
    }
  }

  /** Sound that cannot be opened leaves the picture as it is: without it, all of the clip plays. */
  async #openSound(file: PlayableFile, signal: AbortSignal): Promise<OpenedPart | null> {
    try {
      return await this.#openPatiently(file, signal);
    } catch {
      return null;
    }
  }

  async #openPatiently(file: PlayableFile, signal: AbortSignal): Promise<OpenedPart> {
    for (const waitMs of ASK_AGAIN_AFTER_MS) {
      try {
        return await this.#open(file, signal);
      } catch (error) {
        if (!isPassing(error)) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
    return this.#open(file, signal);
  }

  async #append(part: ClipPart, video: OpenedPart, sound: OpenedPart | null): Promise<void> {
    const buffers = (this.#buffers ??= this.#createBuffers(video, sound));
    const wanted = part.startSeconds - video.startSeconds;
    const known = this.#offsetSeconds;
    const offset =
      known !== null && (part.isTorn || Math.abs(known - wanted) < NEW_TIMELINE_SECONDS)
        ? known
        : wanted;
    this.#offsetSeconds = offset;
    this.frameSeconds = video.frameSeconds;
    await this.#feed(buffers.video, "video", video, offset);
    if (buffers.audio && sound) await this.#feed(buffers.audio, "audio", sound, offset);
    if (buffers.audio) await this.#feedSilence(buffers.audio, video, sound, offset);
    this.#loaded.set(part.segment, {
      startSeconds: video.startSeconds + offset,
      endSeconds: video.endSeconds + offset,
    });
    if (!this.#isLoaded(part)) throw new Error("it cannot be played");
    this.durationSeconds = Math.max(this.durationSeconds, this.#durationOf(part, video, offset));
  }

  #durationOf(part: ClipPart, video: OpenedPart, offset: number): number {
    const isLast = this.#parts.at(-1)?.segment === part.segment;
    return isLast && part.isTorn ? video.endSeconds + offset : part.endSeconds;
  }

  /** A clip whose sound begins later has a track for it from the beginning. */
  async #openAnyShape(signal: AbortSignal): Promise<SoundShape | null> {
    const file = this.#parts.find(({ audio }) => audio)?.audio;
    if (!file || this.#buffers || this.#isSilent) return null;
    return (await this.#openSound(file, signal))?.sound ?? null;
  }

  /** A hole in the sound would stop the picture. */
  async #feedSilence(
    buffer: SourceBuffer,
    video: OpenedPart,
    sound: OpenedPart | null,
    offset: number,
  ): Promise<void> {
    const shape = sound?.sound ?? this.#shape;
    if (!shape) {
      this.#goSilent();
      return;
    }
    buffer.timestampOffset = offset;
    for (const silence of silenceBeside(shape, video, sound)) {
      const bytes = new Uint8Array([...shape.init, ...silence]);
      await done(buffer, () => buffer.appendBuffer(bytes));
    }
  }

  #createBuffers(video: OpenedPart, sound: OpenedPart | null): Buffers {
    const media = this.#media;
    if (!media) throw new Error("no media source");
    const add = (kind: "video" | "audio", codec: string): SourceBuffer | null => {
      const mime = `${kind}/mp4; codecs="${codec}"`;
      return mediaSourceClass()?.isTypeSupported(mime) ? media.addSourceBuffer(mime) : null;
    };
    const picture = add("video", video.codec);
    if (!picture) throw new CodecNotPlayed(video.codec);
    const codec = sound?.codec ?? (this.#shape ? "mp4a.40.2" : null);
    const audio = codec === null ? null : add("audio", codec);
    this.hasSound = audio !== null;
    this.#isSilent = audio === null;
    return { video: picture, audio };
  }

  /** Nothing is known of the sound: from here on, this clip plays without. */
  #goSilent(): void {
    const buffers = this.#buffers;
    if (!buffers?.audio || !this.#media) return;
    this.#media.removeSourceBuffer(buffers.audio);
    this.#buffers = { video: buffers.video, audio: null };
    this.#isSilent = true;
    this.hasSound = false;
  }

  async #feed(
    buffer: SourceBuffer,
    kind: "video" | "audio",
    part: OpenedPart,
    offset: number,
  ): Promise<void> {
    buffer.changeType(`${kind}/mp4; codecs="${part.codec}"`);
    buffer.timestampOffset = offset;
    try {
      await done(buffer, () => buffer.appendBuffer(part.bytes as Uint8Array<ArrayBuffer>));
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== "QuotaExceededError") throw error;
      const { currentTime } = this.#video;
      await this.#remove(0, Math.max(0, currentTime - 1));
      await done(buffer, () => buffer.appendBuffer(part.bytes as Uint8Array<ArrayBuffer>));
    }
  }

  async #evict(): Promise<void> {
    const { currentTime } = this.#video;
    const keep = new Set(this.#wanted().map(({ segment }) => segment));
    for (const [segment, { startSeconds, endSeconds }] of this.#loaded) {
      const isBehind = endSeconds < currentTime - KEPT_BEHIND_SECONDS;
      if (keep.has(segment) || (!isBehind && startSeconds <= currentTime)) continue;
      this.#loaded.delete(segment);
      await this.#remove(startSeconds, endSeconds);
    }
  }

  async #remove(fromSeconds: number, toSeconds: number): Promise<void> {
    if (toSeconds <= fromSeconds) return;
    for (const buffer of [this.#buffers?.video, this.#buffers?.audio])
      if (buffer) await done(buffer, () => buffer.remove(Math.max(0, fromSeconds), toSeconds));
  }

  /** Leads the playhead over what is not there, to what is. */
  #goAround(): void {
    const { currentTime, buffered } = this.#video;
    const end = endOfRange(buffered, currentTime);
    const isFlowing = this.#video.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA;
    if (end !== null && (isFlowing || end - currentTime > HOLE_SECONDS)) return;
    const at = partAt(this.#parts, (end ?? currentTime) + CLOCKS_DIFFER_SECONDS);
    const isMissing = this.failed.has(this.#parts[at]?.segment ?? -1);
    for (let index = 0; index < buffered.length; index += 1) {
      const start = buffered.start(index);
      if (start > currentTime && (isMissing || start - currentTime < HOLE_SECONDS)) {
        this.#leadTo(start);
        return;
      }
    }
    if (!isMissing) return;
    const next = this.#parts.slice(at).find(({ segment }) => !this.failed.has(segment));
    if (next) this.#leadTo(next.startSeconds);
    else if (this.failed.size >= this.#parts.length)
      this.failure = this.failed.values().next().value;
  }

  #leadTo(seconds: number): void {
    this.#video.currentTime = seconds + 0.001;
    // Before the first picture, a browser says nothing of a new place.
    this.#again = true;
  }

  #endWhereComplete(): void {
    const last = this.#parts.findLast(({ segment }) => !this.failed.has(segment));
    const media = this.#media;
    if (!last || !this.#isComplete || media?.readyState !== "open" || !this.#isLoaded(last)) return;
    media.endOfStream();
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof Error && "code" in error && PASSING.has(error.code);
}
