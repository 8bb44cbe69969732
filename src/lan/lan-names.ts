import type { HubDatabase } from "../base/database.ts";

type NameUse = "chosen" | "moving";

/** Names of the hub on the local network that stand in no settings (`lan_names`). */
export class LanNames {
  readonly #database: HubDatabase;

  constructor(database: HubDatabase) {
    this.#database = database;
  }

  get(use: NameUse): string | null {
    const row = this.#database
      .prepare<[string], { name: string }>("SELECT name FROM lan_names WHERE use = ?")
      .get(use);
    return row?.name ?? null;
  }

  /** Null forgets it. */
  set(use: NameUse, name: string | null): void {
    if (name === null) this.#database.prepare("DELETE FROM lan_names WHERE use = ?").run(use);
    else
      this.#database
        .prepare("INSERT OR REPLACE INTO lan_names (use, name) VALUES (?, ?)")
        .run(use, name);
  }
}
