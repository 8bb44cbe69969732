import type { Keyring } from "../protocol/keyring.ts";
import { readFileSync } from "node:fs";
import type { CameraStatus, HealthAnswer, Notice } from "../protocol/api.ts";
import type { BlurBacklog } from "../protocol/blur-backlog.ts";
import type { CameraOff } from "../protocol/api-privacy.ts";
import type { HubServices } from "../http/services.ts";
import { codecNotes } from "./codec-notes.ts";
import type { HealthKeeper } from "./health-keeper.ts";
import type { TroubleNews } from "./trouble-watch.ts";
import { publicSpaceNotes } from "./zones.ts";
import type { FromIngest, StreamReport } from "../ingest/messages.ts";
import type { IngestProcess } from "../ingest/process.ts";
import type { BlurAbility } from "../settings/blur.ts";
import { hasSameStreams, type CameraSettings } from "../settings/cameras.ts";

/** For the log. */
interface HealthNews {
  readonly level: "info" | "warn";
  readonly text: string;
}

/** What the hub knows about itself right now; kept from what the ingest process reports. */
export interface Health {
  /** The cameras that are configured from now on. */
  configure(cameras: readonly CameraSettings[]): void;
  /** A line for the log where the message changes what is known of a camera, else null. */
  observe(message: FromIngest): HealthNews | null;
  /** Nothing that was said of its streams holds any more. */
  forgetCamera(camera: string): void;
  /** What the ingest process said of itself holds no more. */
  forgetStreams(): void;
  setIngest(ingest: IngestProcess): void;
  report(services: HubServices): HealthAnswer;
  /** To be called every few seconds: what owners are to be told of now. */
  look(services: HubServices): TroubleNews[];
  /** Writes down what was counted. */
  keep(): void;
}

/** What the hub has of a warning's kind at the most, as its answer carries them. */
const WARNINGS_MAX = 20;

const IDLE: StreamReport = { state: "idle", problem: null, codec: null, picture: null };

export function createHealth(
  configured: readonly CameraSettings[],
  keeper: HealthKeeper,
  blurAbility?: BlurAbility,
): Health {
  let cameras = configured;
  const startedAtMs = Date.now();
  const reports = new CameraReports();
  let ingest: IngestProcess | null = null;
  const report = (services: HubServices): HealthAnswer => {
    const found = { cameras, reports, keeper, blurAbility, services };
    const restarts = ingest?.restarts ?? 0;
    return { ...answerOf(found), startedAtMs, ingestRestarts: restarts };
  };
  return {
    configure: (changed) => {
      const stay = cameras.filter((camera) =>
        changed.some((other) => hasSameStreams(camera, other)),
      );
      reports.keepOnly((id) => stay.some((camera) => camera.id === id));
      cameras = changed;
      keeper.gaps.keepOnly(changed.map(({ id }) => id));
    },
    observe: (message) => {
      const news = reports.observe(message);
      const of = message.type === "camera" ? message.camera : null;
      if (of !== null && cameras.some(({ id }) => id === of)) keeper.streams(of, reports);
      return news;
    },
    forgetCamera: (camera) => reports.forget(camera),
    forgetStreams: () => reports.forgetAll(),
    setIngest: (started) => void (ingest = started),
    report,
    look: (services) => {
      for (const { id } of cameras) {
        // Before the claim nothing is connected to, and nothing is missing.
        const isOff = !services.household.keyring || services.privacy.offOf(id) !== null;
        keeper.stands(id, isOff, reports);
      }
      return services.household.keyring ? keeper.look(report(services)) : [];
    },
    keep: () => keeper.gaps.keep(),
  };
}

function answerOf(found: {
  readonly cameras: readonly CameraSettings[];
  readonly reports: CameraReports;
  readonly keeper: HealthKeeper;
  readonly blurAbility: BlurAbility | undefined;
  readonly services: HubServices;
}): Omit<HealthAnswer, "startedAtMs" | "ingestRestarts"> {
  const { cameras, reports, keeper, blurAbility, services } = found;
  const { clips, ledger, household, version, intakeUrl } = services;
  const counts = clips.counts();
  const { sandbox } = reports;
  const care = keeper.care(services);
  const statusOf = (camera: CameraSettings): CameraStatus => {
    const status = { ...reports.statusOf(camera), gaps: keeper.gaps.of(camera.id) };
    const { privacy, bells } = services;
    return withBell(
      whileOff(withBlur(status, camera, blurAbility), privacy.offOf(camera.id)),
      bells.lostSinceMs(camera.id) !== null,
    );
  };
  return {
    ...care,
    version,
    cameras: cameras.map(statusOf),
    sandbox,
    outside: intakeUrl()?.replace(/\/intake$/, "") ?? null,
    clips: counts.recording + counts.closed + counts.torn,
    ledgerEntries: ledger.size(),
    blur: reports.blur,
    warnings: [
      ...warningsOf(services),
      ...warnings(household.keyring, sandbox),
      ...care.warnings,
      ...blurWarnings(blurAbility),
    ].slice(0, WARNINGS_MAX),
  };
}

/** What the ingest process last said of each camera. */
class CameraReports {
  sandbox = { inForce: false, reason: "not looked at yet" };
  blur: BlurBacklog | null = null;
  /** By camera and role. */
  readonly #streams = new Map<string, StreamReport>();
  readonly #troubles = new Map<string, Notice>();
  /** Cameras by the clip that is being recorded. */
  readonly #recording = new Map<string, string>();

  observe(message: FromIngest): HealthNews | null {
    switch (message.type) {
      case "ready":
        this.sandbox = message.sandbox;
        return null;
      case "camera": {
        const stream = `${message.camera} ${message.role}`;
        const before = this.#streams.get(stream) ?? IDLE;
        const now = followedBy(before, message.report);
        this.#streams.set(stream, now);
        return newsOf(stream, before, now);
      }
      case "trouble":
        this.#troubles.set(message.camera, noticeOf(message.code, message.message));
        return warning(`${message.camera}: ${message.code}: ${message.message}`);
      case "recorder": {
        const { event } = message;
        if (event.type === "clip-started") this.#recording.set(event.clip, event.camera);
        else if (event.type === "clip-closed") this.#recording.delete(event.clip);
        return null;
      }
      case "rang":
        return null;
      case "blur": {
        const said = this.blur?.problem ?? null;
        this.blur = message.backlog;
        const { problem } = message.backlog;
        return problem === null || problem === said ? null : warning(`blurring: ${problem}`);
      }
      case "keyring-refused":
        return warning(message.message);
    }
  }

  readonly isStreaming = (camera: string): boolean =>
    this.#streams.get(`${camera} main`)?.state === "streaming";

  /** All but its gaps, which are counted elsewhere. */
  statusOf(camera: CameraSettings): Omit<CameraStatus, "gaps"> {
    const isRecording = [...this.#recording.values()].includes(camera.id);
    return cameraStatus(camera, this.#streams, this.#troubles, isRecording);
  }

  /** What was said of a camera before it was changed is not said of what it is now. */
  keepOnly(stays: (camera: string) => boolean): void {
    for (const stream of this.#streams.keys())
      if (!stays(stream.split(" ")[0] ?? "")) this.#streams.delete(stream);
    for (const id of this.#troubles.keys()) if (!stays(id)) this.#troubles.delete(id);
  }

  forget(camera: string): void {
    for (const role of ["main", "sub"]) {
      const stream = `${camera} ${role}`;
      const picture = this.#streams.get(stream)?.picture ?? null;
      this.#streams.set(stream, { ...IDLE, picture });
    }
    this.#troubles.delete(camera);
  }

  forgetAll(): void {
    this.#streams.clear();
    this.blur = null;
    this.#recording.clear();
  }
}

/**
 * A camera that is tried again still has the problem it had, until pictures come; and what its last
 * picture was like is known until there is a newer one.
 */
function followedBy(before: StreamReport, now: StreamReport): StreamReport {
  const picture = now.picture ?? before.picture;
  return { ...now, picture, problem: now.state === "connecting" ? before.problem : now.problem };
}

const BELL_LOST: Notice = {
  code: "BELL_LOST",
  message:
    "The bell of this camera is not heard: for more than a minute nothing has answered that it rings through. Its state on this page says why.",
};

const RECOVERY_PENDING: Notice = {
  code: "RECOVERY_PENDING",
  message:
    "The recovery sheet was used: 72 hours after its notice it changes who may sign. If it was none of you, an owner should object now.",
};

function warning(text: string): HealthNews {
  return { level: "warn", text };
}

const RELEASE_STUCK: Notice = {
  code: "RELEASE_STUCK",
  message:
    "Something was approved and cannot leave: a device that signed it is no longer in force, or a recording is gone. An owner should take the approval back.",
};

const DOCUMENTS_FULL: Notice = {
  code: "DOCUMENTS_FULL",
  message:
    "There is no room for another document that comes with a request. An owner should delete those of requests that are over.",
};

/** Said once when it begins and once when it is over, not at every try. */
function newsOf(stream: string, before: StreamReport, now: StreamReport): HealthNews | null {
  if (now.state === "streaming") {
    const { sound } = now;
    const silence = before.sound?.state === sound?.state ? null : (sound?.message ?? null);
    if (before.state === "streaming")
      return silence === null ? null : warning(`${stream}: ${silence}`);
    const text = `${stream}: streaming ${now.codec ?? ""}`.trimEnd();
    return silence === null ? { level: "info", text } : warning(`${text}. ${silence}`);
  }
  if (now.problem === null) return null;
  const { code, message } = now.problem;
  return before.problem?.code === code && before.problem.message === message
    ? null
    : warning(`${stream}: ${code}: ${message}`);
}

/** Said of a camera that is off too: a press still rings then. */
function withBell(status: CameraStatus, isLost: boolean): CameraStatus {
  return isLost ? { ...status, notes: [...status.notes, BELL_LOST] } : status;
}

function cameraStatus(
  camera: CameraSettings,
  streams: ReadonlyMap<string, StreamReport>,
  troubles: ReadonlyMap<string, Notice>,
  isRecording: boolean,
): Omit<CameraStatus, "gaps"> {
  const main = streams.get(`${camera.id} main`) ?? IDLE;
  const hasSub = camera.source === "rtsp" && camera.sub !== null;
  const sub = hasSub ? (streams.get(`${camera.id} sub`) ?? IDLE) : null;
  const problem = main.problem ?? sub?.problem ?? null;
  const trouble = troubles.get(camera.id);
  return {
    id: camera.id,
    name: camera.name,
    main: main.state,
    sub: sub?.state ?? null,
    problem: problem && noticeOf(problem.code, problem.message),
    codec: main.codec?.slice(0, 40) ?? null,
    lastPictureMs: main.picture?.lastAtMs ?? null,
    width: main.picture?.width ?? null,
    height: main.picture?.height ?? null,
    fps: main.picture?.fps ?? null,
    seenFps: main.state === "streaming" ? (main.picture?.seenFps ?? null) : null,
    clockOffsetMs: main.picture?.clockOffsetMs ?? sub?.picture?.clockOffsetMs ?? null,
    recording: isRecording,
    sound: main.sound?.state ?? "off",
    notes: [
      ...publicSpaceNotes(camera),
      ...codecNotes({ main: main.codec, sub: hasSub ? (sub?.codec ?? null) : undefined }),
      ...soundNotes(main),
      ...(trouble === undefined ? [] : [trouble]),
    ],
  };
}

/** Said of a camera that was to have blurred copies, where it was looked and they cannot be made. */
function withBlur(
  status: CameraStatus,
  { faces }: CameraSettings,
  ability: BlurAbility | undefined,
): CameraStatus {
  if (!ability || ability.canBlur || faces === "keep") return status;
  const found = `This machine cannot cover faces (${ability.reason ?? "for no known reason"}):`;
  const notice = {
    "blur-copy": noticeOf("NO_BLURRED_COPIES", `${found} originals only are recorded.`),
    "blur-only": noticeOf(
      "NOTHING_RECORDED",
      `${found} nothing is recorded, since nothing clear may be kept. Choose another setting, or put it right.`,
    ),
  }[faces];
  return { ...status, notes: [...status.notes, notice] };
}

/** Sound that was asked for and is not there. */
function soundNotes({ sound, state }: StreamReport): Notice[] {
  if (state !== "streaming" || !sound) return [];
  switch (sound.state) {
    case "off":
    case "on":
      return [];
    case "absent":
      return [
        noticeOf(
          "SOUND_ABSENT",
          "Sound is to be recorded, and this stream has none: switch the microphone on in the camera's own settings, or sound off here.",
        ),
      ];
    case "failing":
      return [noticeOf("SOUND_FAILING", sound.message ?? "")];
    case "unsupported":
      return [noticeOf("SOUND_UNSUPPORTED", sound.message ?? "")];
  }
}

/** A camera that is off is no silent one: nothing is wrong with its pictures. */
function whileOff(status: CameraStatus, off: CameraOff | null): CameraStatus {
  if (!off) return status;
  return { ...status, main: "off", sub: status.sub && "off", problem: null, notes: [], off };
}

function warningsOf(services: HubServices): Notice[] {
  const { retention, decisions, documents, chime, lan, notices, clockTrust } = services;
  const { trouble } = lan.state();
  const clock = clockTrust.trouble();
  return [
    ...(clock === null ? [] : [noticeOf(clock.code, clock.message)]),
    ...(trouble === null ? [] : [noticeOf("LAN_TROUBLE", trouble)]),
    ...chime.warnings(),
    ...notices.warnings(),
    ...retention.warnings(),
    ...(decisions.stuck().length > 0 ? [RELEASE_STUCK] : []),
    ...(documents.isFull() ? [DOCUMENTS_FULL] : []),
  ];
}

function warnings(
  keyring: Keyring | null,
  sandbox: { readonly inForce: boolean; readonly reason: string },
): Notice[] {
  const found: Notice[] = [];
  if (keyring?.pending) found.push(RECOVERY_PENDING);
  if (keyring && !sandbox.inForce)
    found.push(noticeOf("NO_SANDBOX", `Video is decoded without a sandbox: ${sandbox.reason}`));
  if (swapIsOn())
    found.push(
      noticeOf(
        "SWAP_ON",
        "This machine swaps memory to disk, where pictures of the last seconds could end up: turn swap off (swapoff -a).",
      ),
    );
  return found;
}

function blurWarnings(ability: BlurAbility | undefined): Notice[] {
  if (!ability || ability.canBlur) return [];
  const found = `This machine cannot cover faces: ${ability.reason ?? "for no known reason"}.`;
  const text = `${found} Cameras whose settings say nothing of faces record clear.`;
  return [noticeOf("CANNOT_BLUR", text)];
}

/** Cut to what an answer may carry: the ingest process is not believed. */
function noticeOf(code: string, message: string): Notice {
  return { code: code.slice(0, 40), message: message.slice(0, 500) };
}

/** Invariant 3 counts swap as disk. */
function swapIsOn(): boolean {
  try {
    return readFileSync("/proc/swaps", "utf8").trim().split("\n").length > 1;
  } catch {
    // Not Linux: there is nothing to read, and nothing is claimed.
    return false;
  }
}
