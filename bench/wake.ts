import { fragmentsFromFfmpeg, type FoundEvent } from "../test/vision/footage.ts";
import { labelledFootage, score, type LabelledFootage } from "../test/vision/labelled.ts";
import { stretched, type Stretched } from "../test/vision/stretched.ts";
import { watchAll, type Watched } from "../test/vision/watched.ts";
import type { Figure } from "./figure.ts";

interface Encoder {
  readonly name: string;
  readonly encoder: readonly string[];
}

const X264 = ["-c:v", "libx264", "-sc_threshold", "0"];
const constantRate = (rate: string, buffer: string): string[] => [
  ...["-tune", "zerolatency", "-bf", "0", "-g", "30"],
  ...["-b:v", rate, "-minrate", rate, "-maxrate", rate, "-bufsize", buffer],
];
const FAST = [...X264, "-preset", "veryfast", "-bf", "0"];

/** How cameras set their encoders, as far as x264 and x265 can be set like them. */
const ENCODERS: readonly Encoder[] = [
  { name: "quality, 2 s", encoder: [...FAST, "-crf", "28", "-g", "30"] },
  { name: "quality, 1 s", encoder: [...FAST, "-crf", "26", "-g", "15"] },
  { name: "quality, 10 s", encoder: [...FAST, "-crf", "28", "-g", "150"] },
  {
    name: "quality, groups of 1 to 5 s",
    encoder: [
      ...[...FAST, "-crf", "26", "-g", "400"],
      ...["-force_key_frames", "expr:gte(t,n_forced*(3+2*sin(n_forced)))"],
    ],
  },
  {
    name: "ultrafast, quality",
    encoder: [...X264, "-preset", "ultrafast", "-tune", "zerolatency", "-crf", "28", "-g", "30"],
  },
  {
    name: "capped quality",
    encoder: [...FAST, "-crf", "22", "-maxrate", "300k", "-bufsize", "300k", "-g", "30"],
  },
  { name: "average rate", encoder: [...FAST, "-b:v", "400k", "-g", "60"] },
  { name: "constant rate 300k", encoder: [...FAST, ...constantRate("300k", "40k")] },
  { name: "constant rate 500k", encoder: [...FAST, ...constantRate("500k", "500k")] },
  {
    name: "B-pictures, 10 s",
    encoder: [...X264, "-preset", "medium", "-crf", "28", "-bf", "3", "-g", "150"],
  },
  {
    name: "open groups",
    encoder: [
      ...["-c:v", "libx264", "-preset", "medium", "-crf", "25", "-bf", "2", "-g", "30"],
      ...["-x264-params", "open-gop=1"],
    ],
  },
  {
    name: "intra refresh",
    encoder: [...FAST, "-crf", "26", "-g", "30", "-x264-params", "intra-refresh=1"],
  },
  {
    name: "H.265, quality",
    encoder: [
      ...["-c:v", "libx265", "-preset", "ultrafast", "-crf", "28", "-tag:v", "hvc1"],
      "-x265-params",
      "log-level=none:keyint=30:min-keyint=30:bframes=0:scenecut=0:open-gop=0",
    ],
  },
];

/** Onsets further apart than this are different events. */
const SAME_EVENT_S = 1;

interface Compared {
  readonly name: string;
  readonly looking: Watched;
  readonly sleeping: Watched;
  readonly lengthSeconds: number;
  readonly ranges: Stretched["ranges"];
}

/** What sleeping costs and loses on labelled footage, stretched by stillness of its own. */
export async function wakeFigures(): Promise<Figure[]> {
  const footage = labelledFootage();
  const cars = footage?.find(({ name }) => name.startsWith("car"));
  const visits = footage?.find(({ name }) => name.startsWith("one-by-one"));
  if (!cars || !visits) {
    console.error("Cannot measure waking on real footage: it is not on this machine");
    return [];
  }
  const compared: Compared[] = [];
  for (const encoder of ENCODERS)
    compared.push(await compare("cars", cars, encoder, { times: 2, rounds: 2 }));
  for (const encoder of ENCODERS.slice(0, 2))
    compared.push(await compare("visits", visits, encoder, { times: 4, noise: 3 }));
  return summary(compared);
}

async function compare(
  what: string,
  footage: LabelledFootage,
  { name, encoder }: Encoder,
  shape: Parameters<typeof stretched>[1],
): Promise<Compared> {
  const scene = stretched(footage, shape);
  if (!scene) throw new Error(`Cannot stretch ${footage.name}: nobody is away in it`);
  const input = ["-f", "lavfi", "-i", scene.graph];
  const fragments = await fragmentsFromFfmpeg(input, { encoder });
  return {
    name: `${what}, ${name}`,
    looking: await watchAll(fragments, { alwaysLook: true }),
    sleeping: await watchAll(fragments),
    lengthSeconds: (fragments.at(-1)?.decodeTimeMs ?? 0) / 1000,
    ranges: scene.ranges,
  };
}

function summary(compared: readonly Compared[]): Figure[] {
  const what = `${compared.length} streams of labelled footage between stretches of its own stillness`;
  const sum = (part: (one: Compared) => number): number =>
    compared.reduce((all, one) => all + part(one), 0);
  const each = (part: (one: Compared) => string): string =>
    compared.map((one) => `${one.name} ${part(one)}`).join("; ");
  const scores = compared.map((one) => score(one.sleeping.events, one.ranges, one.lengthSeconds));
  const hours = sum(({ lengthSeconds }) => lengthSeconds) / 3600;
  const found = scores.reduce((all, one) => all + one.found, 0);
  const ranges = scores.reduce((all, one) => all + one.ranges, 0);
  const falseStarts = scores.reduce((all, one) => all + one.falseStarts, 0);
  const later = compared.flatMap((one) => onsetsLaterMs(one));
  return [
    {
      name: "wake.recall",
      value: Number((found / ranges).toFixed(4)),
      unit: "share",
      context: `${what}; ${found} of ${ranges} labelled ranges`,
    },
    {
      name: "wake.false_starts_per_hour",
      value: Number((falseStarts / hours).toFixed(2)),
      unit: "1/h",
      context: `${what}; ${(hours * 60).toFixed(0)} minutes`,
    },
    {
      name: "wake.lost_events",
      value: sum((one) => missing(one.looking.events, one.sleeping.events).length),
      unit: "events",
      context:
        `${what}; of ${sum(({ looking }) => looking.events.length)} that constant decoding found; ` +
        `${sum((one) => missing(one.sleeping.events, one.looking.events).length)} more than it found`,
    },
    {
      name: "wake.onset_later_ms.max",
      value: Math.round(Math.max(0, ...later)),
      unit: "ms",
      context: `${what}; the onset that is written down, against constant decoding; ${later.filter((ms) => ms > 1).length} of ${later.length} differ`,
    },
    {
      name: "wake.unseen",
      value: Number(
        (
          sum(({ sleeping }) => sleeping.counts.unseen) /
          sum(({ sleeping }) => sleeping.counts.fragments)
        ).toFixed(3),
      ),
      unit: "share of access units",
      context: `${what}; never decoded; ${each(({ sleeping }) => `${((sleeping.counts.unseen / sleeping.counts.fragments) * 100).toFixed(0)} %`)}`,
    },
  ];
}

function missing(wanted: readonly FoundEvent[], there: readonly FoundEvent[]): FoundEvent[] {
  return wanted.filter(
    ({ onset }) => !there.some((other) => Math.abs(other.onset - onset) < SAME_EVENT_S),
  );
}

function onsetsLaterMs({ looking, sleeping }: Compared): number[] {
  return looking.events.flatMap(({ onset }) => {
    const same = sleeping.events.find((other) => Math.abs(other.onset - onset) < SAME_EVENT_S);
    return same ? [(same.onset - onset) * 1000] : [];
  });
}

if (import.meta.main) for (const figure of await wakeFigures()) console.log(JSON.stringify(figure));
