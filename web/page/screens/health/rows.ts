import type { VaultResult } from "../../device/vault-messages.ts";
import { cameraProblem } from "../../words/camera-problems.ts";
import {
  clockTimeExact,
  count,
  dateAndTime,
  durationText,
  fromNow,
  shortDay,
  sizeText,
} from "../../words/times.ts";
import type { HealthWords } from "./words.en.ts";

type Health = VaultResult<"health">;
type Room = VaultResult<"retention">;
type Copy = VaultResult<"copy">;

/** One thing about the hub, with what to do where something is to be done. */
export interface Row {
  readonly id: string;
  readonly label: string;
  readonly value: string;
  /** Null where all is well. */
  readonly todo: string | null;
  /** What the hub itself says of it, in English. */
  readonly said: string | null;
}

/** Rows of one subject, folded under a line that sums them up. */
export interface Group {
  readonly id: string;
  readonly title: string;
  readonly sum: string;
  readonly rows: readonly Row[];
}

const DAYS_WANTED = 3;
/** Beyond it nobody can say. */
const DAYS_SHOWN_MAX = 3_650;
/** A picture's own time, as cameras write it into the corner, is wrong to the eye from here on. */
const OFFSET_TOLD_MS = 60_000;
const OFFSET_SHOWN_MS = 2_000;
/** Half of what may wait, in room or in time: it will not keep up for long. */
const BEHIND_SHARE = 0.5;
const RESTARTS_WANTED_MAX = 3;

const plain = { todo: null, said: null } as const;

/**
 * @param room - Null for those who see no recordings.
 * @param copy - Null for those who do not administer.
 */
export function groupsOf(
  health: Health,
  { room, copy }: { readonly room: Room | null; readonly copy: Copy | null },
  words: HealthWords,
): Group[] {
  const showing = health.cameras.filter(({ main }) => main === "streaming").length;
  const { temperatureC } = health.machine;
  return [
    {
      ...{ id: "cameras", title: words.cameras },
      sum: words.camerasShow(count(showing), count(health.cameras.length)),
      rows: health.cameras.map((camera) => cameraRow(camera, health.troubles, words)),
    },
    {
      ...{ id: "room", title: words.recordings },
      sum: room ? words.diskFree(sizeText(room.freeBytes), sizeText(room.usedBytes)) : "",
      rows: roomRows(health, room, words),
    },
    ...(copy ? [copyGroup(copy, words)] : []),
    {
      ...{ id: "machine", title: words.machine },
      sum: temperatureC === null ? "" : words.warm(count(Math.round(temperatureC))),
      rows: machineRows(health, words),
    },
    {
      ...{ id: "ledger", title: words.ledgerAndKeys },
      sum: witnessText(health, words),
      rows: ledgerRows(health, words),
    },
    {
      ...{ id: "reach", title: words.reach },
      sum: words.connectionsOpen(count(health.connections.open)),
      rows: reachRows(health, words),
    },
  ];
}

function cameraRow(
  { id, name, main, problem, off, ...camera }: Health["cameras"][number],
  troubles: Health["troubles"],
  words: HealthWords,
): Row {
  const away = troubles.find((each) => each.camera === id && each.code === "CAMERA_AWAY");
  const stands = off
    ? words.off
    : main === "streaming"
      ? words.connected
      : away
        ? words.awaySince(dateAndTime(away.sinceMs))
        : words.notConnected;
  const { seenFps, clockOffsetMs, gaps } = camera;
  const offset = clockOffsetMs === null ? null : offsetText(clockOffsetMs, words);
  const isOff = clockOffsetMs !== null && Math.abs(clockOffsetMs) > OFFSET_TOLD_MS;
  return {
    ...{ id: `camera ${id}`, label: name },
    value: [
      stands,
      ...(seenFps === null ? [] : [words.perSecond(count(Math.round(seenFps * 10) / 10))]),
      ...(gaps.watchedMs < 60_000 ? [] : [gapText(gaps, words)]),
      ...(offset === null ? [] : [offset]),
    ].join("; "),
    todo: problem
      ? `${cameraProblem(problem.code) ?? ""} ${words.cameraTodo}`.trim()
      : isOff
        ? words.offsetTodo
        : null,
    said: problem?.message ?? null,
  };
}

function gapText(
  { watchedMs, gapMs }: Health["cameras"][number]["gaps"],
  words: HealthWords,
): string {
  return gapMs < 1_000
    ? words.noGap(durationText(watchedMs))
    : words.gap(durationText(gapMs), durationText(watchedMs));
}

function offsetText(offsetMs: number, words: HealthWords): string | null {
  if (Math.abs(offsetMs) < OFFSET_SHOWN_MS) return null;
  const length = durationText(Math.abs(offsetMs));
  return offsetMs > 0 ? words.clockAhead(length) : words.clockBehind(length);
}

function roomRows({ blur, clips }: Health, room: Room | null, words: HealthWords): Row[] {
  const isLow = room !== null && room.daysLeft !== null && room.daysLeft < DAYS_WANTED;
  const days = room?.daysLeft ?? null;
  const lasts =
    days !== null && days < DAYS_SHOWN_MAX ? [words.diskDays(count(Math.floor(days)))] : [];
  return [
    ...(room
      ? [
          {
            ...{ id: "disk", label: words.disk, said: null },
            value: [
              words.diskFree(sizeText(room.freeBytes), sizeText(room.usedBytes)),
              ...lasts,
            ].join(", "),
            todo: isLow ? words.diskTodo : null,
          },
          {
            ...{ id: "going", label: words.going, ...plain },
            value:
              room.going.clips === 0
                ? words.goingNothing
                : words.goingTonight(room.going.clips, sizeText(room.going.bytes)),
          },
        ]
      : []),
    { ...{ id: "clips", label: words.kept, value: count(clips), ...plain } },
    ...(blur ? [blurRow(blur, words)] : []),
  ];
}

function blurRow(backlog: NonNullable<Health["blur"]>, words: HealthWords): Row {
  const { footageMs, bytes, bytesMax, oldestMs, ageMaxMs, done, whole, leftOut } = backlog;
  const isBehind = Math.max(bytes / bytesMax, oldestMs / ageMaxMs) > BEHIND_SHARE;
  return {
    ...{ id: "blur", label: words.blur },
    value: [
      footageMs < 1_000
        ? words.blurIdle
        : words.blurBehind(durationText(footageMs), durationText(oldestMs)),
      ...(done + leftOut > 0 ? [words.blurDone(count(done), count(whole), count(leftOut))] : []),
      ...(backlog.frameMs === null ? [] : [words.blurPace(count(Math.round(backlog.frameMs)))]),
    ].join("; "),
    todo: isBehind ? words.blurTodo : null,
    said: backlog.problem,
  };
}

function copyGroup(copy: Copy, words: HealthWords): Group {
  const { place, finishedAtMs } = copy;
  const last =
    finishedAtMs === null ? words.copyNever : words.copyWhole(fromNow(finishedAtMs, Date.now()));
  return {
    ...{ id: "copy", title: words.copy },
    sum: place ? last : words.copyNone,
    rows: place ? copyRows(copy, place, words) : [],
  };
}

function copyRows(
  { finishedAtMs, running, behind, there, stays, trouble }: Copy,
  { kind, address }: NonNullable<Copy["place"]>,
  words: HealthWords,
): Row[] {
  const amount = ({ files, bytes }: Copy["there"]): string =>
    words.copyAmount(files, sizeText(bytes));
  return [
    { ...{ id: "place", label: words.copyTo, ...plain }, value: words.copyKinds[kind](address) },
    ...(finishedAtMs === null
      ? []
      : [
          {
            ...{ id: "whole", label: words.copyLast, ...plain },
            value: dateAndTime(finishedAtMs),
          },
        ]),
    { ...{ id: "there", label: words.copyThere, value: amount(there), ...plain } },
    {
      ...{ id: "behind", label: words.copyBehind, ...plain },
      value: [
        behind.files === 0 ? words.copyNothing : amount(behind),
        ...(running ? [words.copyRunning] : []),
      ].join("; "),
    },
    ...(stays.files === 0
      ? []
      : [{ ...{ id: "stays", label: words.copyStays, value: amount(stays), ...plain } }]),
    ...(trouble
      ? [
          {
            ...{ id: "trouble", label: words.copyTrouble },
            value: words.copySince(dateAndTime(trouble.sinceMs)),
            todo: words.copyTodo,
            said: trouble.message,
          },
        ]
      : []),
  ];
}

function machineRows(health: Health, words: HealthWords): Row[] {
  const { sandbox, ingestRestarts, machine, startedAtMs, version } = health;
  const { temperatureC, power, coreDumps, isClockSet } = machine;
  return [
    {
      ...{ id: "sandbox", label: words.sandbox },
      value: sandbox.inForce ? words.sandboxOn : words.sandboxOff,
      todo: sandbox.inForce ? null : words.sandboxTodo,
      said: sandbox.inForce ? null : sandbox.reason,
    },
    {
      ...{ id: "temperature", label: words.temperature, ...plain },
      value: temperatureC === null ? words.notSaid : words.warm(count(Math.round(temperatureC))),
    },
    ...(power
      ? [
          {
            ...{ id: "power", label: words.power, ...plain },
            value:
              power.lastLowAtMs === null
                ? words.powerGood
                : words.powerLow(dateAndTime(power.lastLowAtMs)),
          },
        ]
      : []),
    {
      ...{ id: "dumps", label: words.coreDumps, ...plain },
      value: coreDumps === null ? words.notSaid : words.coreDumpsAre[coreDumps],
    },
    ...(isClockSet === null
      ? []
      : [
          {
            ...{ id: "clock", label: words.clock, said: null },
            value: isClockSet ? words.clockSet : words.clockNotSet,
            todo: isClockSet ? null : words.clockTodo,
          },
        ]),
    {
      ...{ id: "ingest", label: words.ingest, said: null },
      value:
        ingestRestarts === 0 ? words.ingestSteady : words.ingestRestarts(count(ingestRestarts)),
      todo: ingestRestarts > RESTARTS_WANTED_MAX ? words.ingestTodo : null,
    },
    { ...{ id: "running", label: words.running, value: dateAndTime(startedAtMs), ...plain } },
    { ...{ id: "version", label: words.version, value: version, ...plain } },
  ];
}

function witnessText({ witness }: Health, words: HealthWords): string {
  return witness.lastAtMs === null
    ? words.neverWitnessed
    : words.witnessed(fromNow(witness.lastAtMs, Date.now()));
}

function ledgerRows(health: Health, words: HealthWords): Row[] {
  const { witness, ledgerEntries, clockJump } = health;
  return [
    {
      ...{ id: "witness", label: words.lastWitness, ...plain },
      value: `${witnessText(health, words)}; ${words.entriesSince(count(witness.entriesSince))}`,
    },
    { ...{ id: "entries", label: words.ledger, value: count(ledgerEntries), ...plain } },
    ...(clockJump
      ? [
          {
            ...{ id: "jump", label: words.jumped, ...plain },
            value: words.jump(
              dateAndTime(clockJump.atMs),
              durationText(Math.abs(clockJump.jumpMs)),
              clockJump.jumpMs > 0,
            ),
          },
        ]
      : []),
  ];
}

function reachRows(health: Health, words: HealthWords): Row[] {
  const { certificateEndsAtMs, outside, connections } = health;
  return [
    {
      ...{ id: "certificate", label: words.certificate, ...plain },
      value:
        certificateEndsAtMs === null
          ? words.noCertificate
          : words.ends(shortDay(certificateEndsAtMs)),
    },
    {
      ...{ id: "outside", label: words.outside, ...plain },
      value: outside === null ? words.outsideOff : words.outsideOn(outside),
    },
    {
      ...{ id: "connections", label: words.connectionsNow, ...plain },
      value: words.connectionsKnown(count(connections.open), count(connections.known)),
    },
  ];
}

/** When what is shown was said. */
export const saidAt = clockTimeExact;
