import type { HubDatabase } from "../base/database.ts";
import { parseDeviceId, type DeviceId } from "../protocol/ids.ts";

type WayCarrier = "ntfy" | "unified-push";

export interface Way {
  readonly address: string;
  readonly keys: string | null;
}

interface WayRow extends Way {
  readonly device: string;
}

/** How devices are reached by one carrier: a bell must not wait for a disk, so they are in memory. */
export class Ways {
  readonly #database: HubDatabase;
  readonly #carrier: WayCarrier;
  readonly #known = new Map<DeviceId, Way>();

  constructor(database: HubDatabase, carrier: WayCarrier) {
    this.#database = database;
    this.#carrier = carrier;
    const rows = database
      .prepare<[string], WayRow>("SELECT device, address, keys FROM notice_ways WHERE carrier = ?")
      .all(carrier);
    for (const { device, address, keys } of rows)
      this.#known.set(parseDeviceId(device), { address, keys });
  }

  of(device: DeviceId): Way | null {
    return this.#known.get(device) ?? null;
  }

  set(device: DeviceId, way: Way): void {
    this.#database
      .prepare(
        "INSERT OR REPLACE INTO notice_ways (device, carrier, address, keys) VALUES (?, ?, ?, ?)",
      )
      .run(device, this.#carrier, way.address, way.keys);
    this.#known.set(device, way);
  }

  remove(device: DeviceId): void {
    this.#database
      .prepare("DELETE FROM notice_ways WHERE device = ? AND carrier = ?")
      .run(device, this.#carrier);
    this.#known.delete(device);
  }

  /** Of devices that are not in force any more nothing stays. */
  keepOnly(devices: readonly DeviceId[]): void {
    for (const device of this.#known.keys()) if (!devices.includes(device)) this.remove(device);
  }
}
