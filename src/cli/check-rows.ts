import type BetterSqlite3 from "better-sqlite3";

/** What can be looked up in the database alone. */

/** One promise about what is on the disk, looked up on a real installation. */
export interface StorageCheck {
  readonly invariant: string;
  readonly holds: boolean;
  /** What was looked at, or what was found. */
  readonly detail: string;
}

interface ListedTorn {
  readonly clip: string;
  readonly name: string;
  readonly size_bytes: number;
  readonly sha256: string;
  readonly entry_index: number;
}

const FINDINGS_SHOWN_MAX = 5;

export function check(
  invariant: string,
  findings: readonly string[],
  looked: string,
): StorageCheck {
  if (findings.length === 0) return { invariant, holds: true, detail: looked };
  const more = findings.length - FINDINGS_SHOWN_MAX;
  const shown = findings.slice(0, FINDINGS_SHOWN_MAX).join("; ");
  return { invariant, holds: false, detail: more > 0 ? `${shown}; and ${more} more` : shown };
}

export function listedTorn(database: BetterSqlite3.Database): ListedTorn[] {
  return database.prepare<[], ListedTorn>("SELECT * FROM torn_files ORDER BY clip, name").all();
}

interface EntryFiles {
  readonly kind?: unknown;
  readonly clip?: unknown;
  readonly files?: unknown;
  readonly keyringHead?: unknown;
}

function entryAt(database: BetterSqlite3.Database, index: number): EntryFiles {
  const row = database
    .prepare<[number], { entry: Uint8Array }>("SELECT entry FROM ledger_entries WHERE idx = ?")
    .get(index);
  // Written by the hub as canonical JSON; every member is compared before it is believed.
  return row === undefined ? {} : (JSON.parse(Buffer.from(row.entry).toString()) as EntryFiles);
}

export function checkLedger(database: BetterSqlite3.Database): StorageCheck {
  const findings: string[] = [];
  const clips = database
    .prepare<[], { id: string; entry_index: number }>(
      "SELECT id, entry_index FROM clips WHERE entry_index IS NOT NULL",
    )
    .all();
  const hashes = database
    .prepare<[string], string>(
      "SELECT payload_sha256 FROM clip_files WHERE clip = ? AND entry_index IS NULL ORDER BY 1",
    )
    .pluck();
  const listed = (files: unknown, member: "payloadSha256" | "sha256"): string[] =>
    Array.isArray(files)
      ? files.map((file: Record<string, unknown>) => String(file[member])).toSorted()
      : [];
  for (const { id, entry_index } of clips) {
    const entry = entryAt(database, entry_index);
    const inEntry = entry.kind === "clip" && entry.clip === id ? entry.files : [];
    if (listed(inEntry, "payloadSha256").join() !== hashes.all(id).join())
      findings.push(`entry ${entry_index} does not list the files of clip ${id}`);
  }
  for (const { clip, name, sha256, entry_index } of listedTorn(database)) {
    const entry = entryAt(database, entry_index);
    const inEntry = entry.kind === "torn" && entry.clip === clip ? entry.files : [];
    if (!listed(inEntry, "sha256").includes(sha256))
      findings.push(`entry ${entry_index} does not list torn file ${clip}/${name}`);
  }
  findings.push(...unlistedRenditions(database), ...unlistedRewraps(database));
  return check("rows-in-ledger", findings, `${clips.length} clips are listed by their entries`);
}

interface RenditionRow {
  readonly clip: string;
  readonly name: string;
  readonly segment: number;
  readonly payload_sha256: string;
  readonly derived_from: string | null;
  readonly pixelated: string | null;
  readonly entry_index: number;
}

/** What was made of a clip since is listed by the entry of its row, with what it was made from. */
function unlistedRenditions(database: BetterSqlite3.Database): string[] {
  return database
    .prepare<[], RenditionRow>(
      `SELECT clip, name, segment, payload_sha256, derived_from, pixelated, entry_index FROM clip_files
       WHERE entry_index IS NOT NULL ORDER BY clip, name`,
    )
    .all()
    .filter((row) => {
      const entry = entryAt(database, row.entry_index);
      const files = entry.kind === "rendition" && entry.clip === row.clip ? entry.files : [];
      return !(Array.isArray(files) ? files : []).some(
        (file: Record<string, unknown>) =>
          file["segment"] === row.segment &&
          file["payloadSha256"] === row.payload_sha256 &&
          (file["derivedFrom"] ?? null) === row.derived_from &&
          (file["pixelated"] ?? null) === row.pixelated,
      );
    })
    .map(({ clip, name, entry_index }) => `entry ${entry_index} does not list ${clip}/${name}`);
}

/** What was sealed anew has an entry of its own, under the keyring that its row names. */
function unlistedRewraps(database: BetterSqlite3.Database): string[] {
  return database
    .prepare<[], { clip: string; keyring_head: string; entry_index: number }>(
      "SELECT clip, keyring_head, entry_index FROM clip_rewraps ORDER BY clip",
    )
    .all()
    .filter(({ clip, keyring_head, entry_index }) => {
      const entry = entryAt(database, entry_index);
      return entry.kind !== "rewrap" || entry.clip !== clip || entry.keyringHead !== keyring_head;
    })
    .map(({ clip, entry_index }) => `entry ${entry_index} does not seal clip ${clip} anew`);
}

/** A recording that is gone without an entry that says so is an alarm. */
export function checkDeletions(database: BetterSqlite3.Database): StorageCheck {
  const gone = database
    .prepare<[], string>(
      `SELECT DISTINCT subject FROM ledger_entries
       WHERE kind IN ('clip', 'torn')
         AND NOT EXISTS (SELECT 1 FROM clips WHERE id = subject)
         AND NOT EXISTS (SELECT 1 FROM torn_files WHERE clip = subject)`,
    )
    .pluck()
    .all();
  const entered = database.prepare<[string], { idx: number }>(
    "SELECT idx FROM ledger_entries WHERE kind = 'deletion' AND subject = ?",
  );
  const tombs = database
    .prepare<[], { clip: string; entry_index: number }>("SELECT * FROM clip_deletions")
    .all();
  return check(
    "deletions-in-ledger",
    [
      ...gone
        .filter((clip) => entered.get(clip) === undefined)
        .map((clip) => `clip ${clip} is gone, and no entry says that it was deleted`),
      ...tombs
        .filter(({ clip, entry_index }) => entered.get(clip)?.idx !== entry_index)
        .map(({ clip, entry_index }) => `entry ${entry_index} is no deletion of clip ${clip}`),
    ],
    `${gone.length} clips that are gone have an entry of their deletion`,
  );
}
