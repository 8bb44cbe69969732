import type BetterSqlite3 from "better-sqlite3";
import type { NothingAnswer } from "../protocol/api-nothing.ts";
import type { EventReason } from "../protocol/clip.ts";
import { HubError } from "../protocol/errors.ts";
import type { CameraId, ClipId } from "../protocol/ids.ts";
import { WHOLE_PICTURE } from "../vision/motion.ts";
import { adviceOn } from "./nothing-advice.ts";
import type { ClipStore } from "./store.ts";

const MARKED_LOOKED_AT = 5;
const OTHERS_LOOKED_AT = 200;

type WhyRow = { readonly why: string };

/** Which events an owner said were nothing. A flag and no more: it changes no recording. */
export class Nothings {
  readonly #store: Pick<ClipStore, "get">;
  readonly #statements;

  constructor(database: BetterSqlite3.Database, store: Pick<ClipStore, "get">) {
    this.#store = store;
    this.#statements = {
      mark: database.prepare<[ClipId]>(
        `INSERT OR IGNORE INTO clip_nothings (clip, camera, sequence)
         SELECT id, camera, sequence FROM clips WHERE id = ?`,
      ),
      unmark: database.prepare<[ClipId]>("DELETE FROM clip_nothings WHERE clip = ?"),
      isMarked: database.prepare<[ClipId]>("SELECT 1 FROM clip_nothings WHERE clip = ?"),
      marked: database.prepare<[CameraId, number], WhyRow>(
        `SELECT why FROM clip_nothings INDEXED BY clip_nothings_of_camera
         JOIN clips ON clips.sequence = clip_nothings.sequence
         WHERE clip_nothings.camera = ? ORDER BY clip_nothings.sequence DESC LIMIT ?`,
      ),
      others: database.prepare<[CameraId, number], WhyRow>(
        `SELECT why FROM clips INDEXED BY clips_of_camera WHERE camera = ? AND kind <> 'bell'
         AND NOT EXISTS (SELECT 1 FROM clip_nothings WHERE clip = id) ORDER BY sequence DESC LIMIT ?`,
      ),
    };
  }

  /** @throws HubError `NOT_FOUND`; `NOTHING_REFUSED` for a bell, which somebody pressed. */
  set(clip: ClipId, isNothing: boolean): NothingAnswer {
    const { kind } = this.#require(clip);
    if (isNothing && kind === "bell")
      throw new HubError("NOTHING_REFUSED", "Cannot mark event: a bell was pressed by somebody");
    (isNothing ? this.#statements.mark : this.#statements.unmark).run(clip);
    return this.answer(clip);
  }

  /** @throws HubError `NOT_FOUND`. */
  answer(clip: ClipId): NothingAnswer {
    const { camera } = this.#require(clip);
    const { isMarked, marked, others } = this.#statements;
    // Written by the store from a checked event.
    const reasons = (rows: readonly WhyRow[]) =>
      rows.map(({ why }) => JSON.parse(why) as EventReason);
    return {
      isNothing: isMarked.get(clip) !== undefined,
      ...adviceOn(
        reasons(marked.all(camera, MARKED_LOOKED_AT)),
        reasons(others.all(camera, OTHERS_LOOKED_AT)),
        WHOLE_PICTURE,
      ),
    };
  }

  #require(clip: ClipId) {
    const stored = this.#store.get(clip);
    if (stored === null) throw new HubError("NOT_FOUND", "There is no clip of this id");
    return stored;
  }
}
