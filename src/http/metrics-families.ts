import type { RetentionPreview } from "../clips/retention.ts";
import type { CopyState } from "../protocol/api-copy.ts";
import type { CameraStatus, HealthAnswer } from "../protocol/api.ts";
import type { Family, Sample } from "./metrics-text.ts";

/** What the hub's own process takes. */
export interface ProcessFigures {
  readonly residentBytes: number;
  readonly heapBytes: number;
  readonly cpuSeconds: number;
}

const yes = (isSo: boolean): number => (isSo ? 1 : 0);
const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1_000);

/**
 * The hub's health as figures. Labels come from the settings (ids of cameras, at most 16) and from
 * lists in this program; no name, no clip, no person and no address is in them.
 */
export function healthFamilies(
  health: HealthAnswer,
  room: Pick<RetentionPreview, "usedBytes" | "freeBytes" | "daysLeft" | "planned">,
  process: ProcessFigures,
  copy: CopyState,
): Family[] {
  return [
    ...hubFamilies(health),
    ...cameraFamilies(health.cameras),
    ...roomFamilies(health, room),
    ...copyFamilies(copy),
    ...machineFamilies(health),
    ...processFamilies(process),
  ];
}

function gauge(name: string, help: string, samples: readonly Sample[] | number | null): Family {
  return { name: `doorward_${name}`, type: "gauge", help, samples: samplesOf(samples) };
}

function samplesOf(samples: readonly Sample[] | number | null): readonly Sample[] {
  return typeof samples === "object" && samples !== null ? samples : [{ value: samples }];
}

function hubFamilies(health: HealthAnswer): Family[] {
  const { version, troubles, warnings, witness, connections } = health;
  return [
    gauge("info", "The version that runs.", [{ labels: { version }, value: 1 }]),
    gauge("start_timestamp_seconds", "When the hub's process began.", seconds(health.startedAtMs)),
    gauge(
      "trouble",
      "What owners were told of and goes on; camera is empty where it is about none.",
      troubles.map(({ code, camera }) => ({ labels: { code, camera: camera ?? "" }, value: 1 })),
    ),
    gauge("troubles", "How many of them.", troubles.length),
    gauge("warnings", "What the health screen warns of, cameras apart.", warnings.length),
    gauge("clips", "Recordings on the disk.", health.clips),
    gauge("ledger_entries", "Entries of the ledger.", health.ledgerEntries),
    gauge(
      "witness_timestamp_seconds",
      "When a device last checked the ledger.",
      seconds(witness.lastAtMs),
    ),
    gauge("witness_entries_since", "Entries that no device has checked.", witness.entriesSince),
    gauge(
      "certificate_end_timestamp_seconds",
      "When the certificate for the local network ends.",
      seconds(health.certificateEndsAtMs),
    ),
    gauge("connections_known", "Places that the hub may connect to.", connections.known),
    gauge("connections_open", "Of them, how many it is connected to.", connections.open),
    {
      ...{ name: "doorward_ingest_restarts_total", type: "counter" },
      help: "How often the process that talks to the cameras was started again.",
      samples: [{ value: health.ingestRestarts }],
    },
  ];
}

function cameraFamilies(cameras: readonly CameraStatus[]): Family[] {
  const each = (
    name: string,
    help: string,
    valueOf: (camera: CameraStatus) => number | null,
  ): Family =>
    gauge(
      `camera_${name}`,
      help,
      cameras.map((camera) => ({ labels: { camera: camera.id }, value: valueOf(camera) })),
    );
  return [
    each("up", "1 where pictures come.", ({ main }) => yes(main === "streaming")),
    each("off", "1 where it is switched off.", ({ main }) => yes(main === "off")),
    each("frames_per_second", "Pictures that came a second.", ({ seenFps }) => seenFps),
    each("picture_timestamp_seconds", "When the newest picture came.", ({ lastPictureMs }) =>
      seconds(lastPictureMs),
    ),
    each("clock_offset_seconds", "Its clock minus the hub's.", ({ clockOffsetMs }) =>
      seconds(clockOffsetMs),
    ),
    each("watched_seconds", "Of the last 24 hours, how long it was on and watched.", ({ gaps }) =>
      seconds(gaps.watchedMs),
    ),
    each("gap_seconds", "Of these, for how long no picture came.", ({ gaps }) =>
      seconds(gaps.gapMs),
    ),
    each(
      "notes",
      "What the health screen says of it.",
      ({ notes, problem }) => notes.length + (problem ? 1 : 0),
    ),
  ];
}

function roomFamilies(
  { blur }: HealthAnswer,
  room: Pick<RetentionPreview, "usedBytes" | "freeBytes" | "daysLeft" | "planned">,
): Family[] {
  const { usedBytes, freeBytes, daysLeft, planned } = room;
  return [
    gauge("recordings_bytes", "What sealed recordings take.", usedBytes),
    gauge("disk_free_bytes", "Free where they lie.", freeBytes),
    gauge("disk_days_left", "Until it is full, at the rate of the last week.", daysLeft),
    gauge("going_clips", "Recordings that go within a day.", planned.length),
    gauge(
      "going_bytes",
      "What that frees.",
      planned.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    ),
    gauge("blur_waiting_seconds", "Footage that waits for faces to be covered.", [
      { value: seconds(blur?.footageMs ?? null) },
    ]),
    gauge("blur_oldest_seconds", "How long the oldest of it has waited.", [
      { value: seconds(blur?.oldestMs ?? null) },
    ]),
  ];
}

/** Nothing where the settings name no place for a copy. */
function copyFamilies(copy: CopyState): Family[] {
  if (!copy.place) return [];
  const { finishedAtMs, behind, there, stays, running, trouble } = copy;
  return [
    gauge(
      "copy_finished_timestamp_seconds",
      "When everything was in the copy elsewhere the last time.",
      seconds(finishedAtMs),
    ),
    gauge("copy_running", "1 while something is copied there.", yes(running)),
    gauge("copy_behind_files", "Files that are still to go there.", behind.files),
    gauge("copy_behind_bytes", "Their size.", behind.bytes),
    gauge("copy_files", "Files that are there.", there.files),
    gauge("copy_bytes", "Their size.", there.bytes),
    gauge("copy_staying_files", "Files that are there and should be gone.", stays.files),
    gauge("copy_trouble", "1 where something stands in its way.", yes(trouble !== null)),
  ];
}

function machineFamilies({ sandbox, machine }: HealthAnswer): Family[] {
  const { temperatureC, power, coreDumps, isClockSet } = machine;
  return [
    gauge("sandbox_in_force", "1 where video is decoded in a sandbox.", yes(sandbox.inForce)),
    gauge("temperature_celsius", "The warmest sensor of the processor.", temperatureC),
    gauge("power_low", "1 where the supply is too weak now.", power ? yes(power.isLow) : null),
    gauge(
      "core_dumps_forbidden",
      "1 where this process's limit forbids them.",
      coreDumps === null ? null : yes(coreDumps !== "on"),
    ),
    gauge(
      "clock_set",
      "1 where a time server has set the clock.",
      isClockSet === null ? null : yes(isClockSet),
    ),
  ];
}

function processFamilies({ residentBytes, heapBytes, cpuSeconds }: ProcessFigures): Family[] {
  const one = (name: string, type: Family["type"], help: string, value: number): Family => ({
    ...{ name, type, help, samples: [{ value }] },
  });
  return [
    one("process_resident_memory_bytes", "gauge", "Resident memory.", residentBytes),
    one("process_cpu_seconds_total", "counter", "Processor time.", cpuSeconds),
    one("nodejs_heap_size_used_bytes", "gauge", "Heap in use.", heapBytes),
  ];
}
