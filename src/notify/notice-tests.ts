import type { NotificationTestState } from "../protocol/api-notices.ts";
import type { DeviceId } from "../protocol/ids.ts";
import type { CarrierName, Notice } from "./notice.ts";
import type { Waiting } from "./outbox-rows.ts";

interface Test {
  readonly id: string;
  readonly atMs: number;
  readonly beganAtUpMs: number;
  readonly carriers: Map<CarrierName, { takenAfterMs: number | null; problem: string | null }>;
  seenAfterMs: number | null;
}

const PROBLEM_CHARACTERS = 300;

/** How the last test of each device goes, measured on a clock that nobody sets. In memory only. */
export class NoticeTests {
  readonly #upMs: () => number;
  readonly #last = new Map<DeviceId, Test>();

  constructor(upMs: () => number) {
    this.#upMs = upMs;
  }

  /** Before it is sent. */
  begin({ id, atMs }: Notice, device: DeviceId, carriers: readonly CarrierName[]): void {
    const unknown = { takenAfterMs: null, problem: null };
    this.#last.set(device, {
      ...{ id, atMs, beganAtUpMs: this.#upMs(), seenAfterMs: null },
      carriers: new Map(carriers.map((carrier) => [carrier, { ...unknown }])),
    });
  }

  settled({ notice, device, carrier }: Waiting, problem: string | null): void {
    const test = this.#of(notice, device);
    const way = test?.carriers.get(carrier);
    if (!test || !way) return;
    if (problem === null) way.takenAfterMs = this.#since(test);
    way.problem = problem?.slice(0, PROBLEM_CHARACTERS) ?? null;
  }

  /** @returns milliseconds since it was made, the first time; null where it is no test. */
  seen(id: string, device: DeviceId): number | null {
    const test = this.#of(id, device);
    if (!test) return null;
    test.seenAfterMs ??= this.#since(test);
    return test.seenAfterMs;
  }

  state(id: string, device: DeviceId): NotificationTestState | null {
    const test = this.#of(id, device);
    if (!test) return null;
    const { atMs, carriers, seenAfterMs } = test;
    const list = [...carriers].map(([carrier, way]) => ({ carrier, ...way }));
    return { id, atMs, carriers: list, seenAfterMs };
  }

  keepOnly(devices: readonly DeviceId[]): void {
    for (const device of this.#last.keys())
      if (!devices.includes(device)) this.#last.delete(device);
  }

  #of(id: string, device: DeviceId): Test | null {
    const test = this.#last.get(device);
    return test?.id === id ? test : null;
  }

  #since({ beganAtUpMs }: Test): number {
    return Math.max(0, Math.round(this.#upMs() - beganAtUpMs));
  }
}
