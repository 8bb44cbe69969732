import http from "node:http";
import { percentile } from "./percentile.ts";

/**
 * Whether answers of several kinds take differently long. Draws are interleaved in random order over
 * one real connection, so that whatever else the machine does falls on all kinds alike; medians of
 * blocks are compared, since a mean follows the slowest draw.
 */

export interface TimingResult {
  /** Largest distance of a kind's typical time from that of all others, in microseconds. */
  readonly differenceUs: number;
  readonly kind: string;
  /** The largest that chance makes of these very draws, over shuffles of their kinds. */
  readonly noiseUs: number;
  readonly draws: number;
  /** Different answers: status, headers but the date, and bytes. */
  readonly answers: readonly string[];
}

const SHUFFLES = 200;
/** Fewer than any limit of calls that one address may make in a minute. */
const DRAWS_PER_CONNECTION = 15;
/** The fast tail is least disturbed by what else runs. */
const QUANTILES = [0.1, 0.25, 0.5] as const;

export async function measureTimes(
  base: string,
  paths: ReadonlyMap<string, string>,
  draws: number,
  delayOf: (kind: string) => number = () => 0,
): Promise<TimingResult> {
  const kinds = [...paths.keys()];
  let agent = connect(0);
  const times: number[] = [];
  const labels: number[] = [];
  const answers = new Set<string>();
  try {
    for (let draw = 0; draw < draws; draw += 1) {
      if (draw % DRAWS_PER_CONNECTION === DRAWS_PER_CONNECTION - 1) {
        agent.destroy();
        agent = connect(draw);
      }
      const kind = Math.floor(Math.random() * kinds.length);
      const name = kinds[kind] ?? "";
      const { answer, us } = await ask(agent, `${base}${paths.get(name)}`, delayOf(name));
      answers.add(answer);
      times.push(us);
      labels.push(kind);
    }
  } finally {
    agent.destroy();
  }
  const observed = largestDifference(times, labels, kinds.length);
  const shuffled: number[] = [];
  const order = [...labels];
  for (let round = 0; round < SHUFFLES; round += 1) {
    shuffle(order);
    shuffled.push(largestDifference(times, order, kinds.length).us);
  }
  return {
    differenceUs: observed.us,
    kind: kinds[observed.kind] ?? "",
    noiseUs: Math.max(...shuffled),
    draws,
    answers: [...answers],
  };
}

/** One kept connection from an address of its own: all of 127.0.0.0/8 is this machine. */
function connect(number: number): http.Agent {
  const localAddress = `127.77.${(number >> 8) & 0xff}.${number & 0xff || 1}`;
  // Of that family, whatever `localhost` is taken for first.
  return new http.Agent({ keepAlive: true, maxSockets: 1, localAddress, family: 4 });
}

function ask(
  agent: http.Agent,
  url: string,
  delayMs: number,
): Promise<{ answer: string; us: number }> {
  return new Promise((resolve, reject) => {
    const startedAt = process.hrtime.bigint();
    const request = http.get(url, { agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        if (delayMs > 0) wait(delayMs);
        const us = Number(process.hrtime.bigint() - startedAt) / 1_000;
        const { date: _date, "keep-alive": _keepAlive, ...headers } = response.headers;
        const body = Buffer.concat(chunks).toString("latin1");
        resolve({ answer: JSON.stringify([response.statusCode, headers, body]), us });
      });
    });
    request.on("error", reject);
  });
}

/** As long as a server would be busy; a timer would be late by more than is to be found. */
function wait(milliseconds: number): void {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
}

function largestDifference(
  times: readonly number[],
  labels: readonly number[],
  kinds: number,
): { us: number; kind: number } {
  const groups: number[][] = Array.from({ length: kinds }, () => []);
  times.forEach((us, index) => groups[labels[index] ?? 0]?.push(us));
  const sorted = groups.map((group) => Float64Array.from(group).toSorted());
  let largest = { us: 0, kind: 0 };
  for (const at of QUANTILES) {
    const values = sorted.map((group) => group[Math.floor(group.length * at)] ?? 0);
    const middle = percentile(values, 0.5);
    values.forEach((value, kind) => {
      const us = Math.abs(value - middle);
      if (us > largest.us) largest = { us, kind };
    });
  }
  return largest;
}

function shuffle(values: number[]): void {
  for (let index = values.length - 1; index > 0; index -= 1) {
    const other = Math.floor(Math.random() * (index + 1));
    const [one, two] = [values[index], values[other]];
    if (one === undefined || two === undefined) continue;
    values[index] = two;
    values[other] = one;
  }
}
