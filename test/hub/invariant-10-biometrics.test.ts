import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import { LEDGER_ENTRY_SCHEMAS, SealedFileSchema } from "../../src/protocol/ledger-entry.ts";
import { projectRoot } from "../support/requirements.ts";
import { temporaryFolder } from "../support/temporary.ts";

// Invariant 10: no biometric is stored. No embedding, crop, box or attribute, in any file, table
// or log.

/** Words under which such things are kept elsewhere. Case does not matter. */
const BIOMETRIC =
  /embedding|face_?print|face_?vector|faceid|face_?id|biometr|descriptor_vector|person_?vector|re_?id(?:entif)|gender|ethnic|skin_?tone|age_?estimate|emotion|suspicious|licen[cs]e_?plate|plate_?text|\banpr\b|\balpr\b|bounding_?box|landmark/i;

/** All columns that the hub's database has, read from SQLite itself. */
async function columns(): Promise<string[]> {
  await using folder = temporaryFolder();
  await using database = openDatabase(path.join(folder.path, "doorward.db"));
  return database
    .prepare<[], string>(
      `SELECT tables.name || '.' || columns.name FROM sqlite_master AS tables,
         pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'`,
    )
    .pluck()
    .all();
}

describe("nothing that could recognise somebody has a place to be kept", () => {
  test("the database has these columns and no other", async () => {
    const found = (await columns()).filter((name) => !name.startsWith("sqlite_"));
    expect(found.filter((name) => BIOMETRIC.test(name))).toEqual([]);
    const perTable = Object.groupBy(found, (name) => name.split(".")[0] ?? "");
    const listed = Object.fromEntries(
      Object.entries(perTable).map(([table, names]) => [
        table,
        (names ?? []).map((name) => name.split(".")[1]).join(" "),
      ]),
    );
    // A new column must be justified here: what does it say of whom?
    expect(listed).toEqual({
      schema_migrations: "number name sha256 applied_at_ms",
      ledger_entries: "idx kind at_ms subject entry leaf_hash",
      ledger_counts: "name count",
      ledger_nodes: "level idx hash",
      ledger_cosignatures: "size key_name key_id root cosigned_at_ms line",
      clips:
        "sequence id camera kind why event_at_ms started_at_ms ended_at_ms state keyring_head keyring_epoch entry_index",
      clip_hours: "hour camera kind count",
      clip_files:
        "clip name segment track rendition size_bytes payload_sha256 from_ms to_ms derived_from entry_index",
      rendition_uploads: "clip name",
      clip_rewraps: "clip keyring_head keyring_epoch entry_index statement",
      rewrap_files: "clip name header",
      torn_files: "clip name size_bytes sha256 entry_index",
      clip_retention: "sequence clip class counted_ms size_bytes goes_counted_ms",
      clip_holds: "clip until_ms until_counted_ms",
      clip_deletions: "clip entry_index files_gone",
      retention_count: "id counted_ms",
      keyring_statements: "epoch head envelope",
      keyring_proposals: "proposal envelope passed_on pairing newcomer_sealed proposed_at_ms",
      passed_on: "device epoch sealed",
      recovery_runs: "notice ran_ms",
      device_labels: "device label salt",
      sessions: "id token_sha256 device created_at_ms expires_at_ms",
      connections: "what address first_at_ms last_at_ms",
      // What somebody of the household has recorded on purpose, to be said; nothing is made of it.
      replies: "id name sound made_at_ms",
      // Who switched a camera off: a device, as the ledger has it.
      camera_privacy:
        "camera hand hand_by hand_until_ms entered entered_by entered_at_ms hand_is_shared",
      hub_facts: "name value",
      forms: "token_sha256 created_at_ms expires_at_ms spent_at_ms",
      requests:
        "id state received_at_ms expires_at_ms record record_sha256 personal status_token nonce nonce_expires_at_ms nonce_spent_at_ms decision decision_sha256 outcome decided_at_ms request_index decision_index release_index leaves_counted_ms lapses_counted_ms available_until_ms ended_terms ended_at_ms revocation",
      // Of whoever asks: how long and of which hash the sealed document is that he sent along.
      request_documents: "request sha256 size_bytes announced_at_ms received_at_ms",
      request_hold_clips: "clip request until_ms until_counted_ms",
      request_statements: "request type number envelope entry_index",
      shares:
        "token_sha256 request decision_sha256 share_sha256 envelope made_at_ms expires_at_ms views_max views",
      statements: "month envelope entry_index",
      proposals: "request envelope decision_sha256 keyring_head nonce person made_at_ms",
    });
  });

  test("(control: the words are found where they stand)", () => {
    for (const word of ["clips.embedding", "faces.face_id", "reidentify", "PlateText", "emotion"])
      expect(BIOMETRIC.test(word), word).toBe(true);
    expect(BIOMETRIC.test("device")).toBe(false);
  });

  test("no line of the source names one", () => {
    const folders = ["src", "web"].filter((folder) => existsSync(path.join(projectRoot, folder)));
    const found: string[] = [];
    for (const folder of folders)
      for (const file of readdirSync(path.join(projectRoot, folder), {
        recursive: true,
        encoding: "utf8",
      })) {
        if (!/\.(ts|sql|svelte|html)$/.test(file)) continue;
        const lines = readFileSync(path.join(projectRoot, folder, file), "utf8").split("\n");
        for (const line of lines)
          if (BIOMETRIC.test(line)) found.push(`${folder}/${file}: ${line.trim()}`);
      }
    expect(found).toEqual([]);
  });

  test("a clip's reason is an event kind, a zone, a share of its area and a score", () => {
    const migration = readFileSync(
      path.join(projectRoot, "src/base/migrations/0010-clips.sql"),
      "utf8",
    );
    const kinds = /kind IN \(([^)]+)\)/.exec(migration)?.[1];
    expect(kinds).toBe("'bell', 'motion', 'person', 'vehicle', 'animal', 'package'");
  });

  test("the ledger's entries and what they say of a file have no room for more", () => {
    expect(Object.keys(SealedFileSchema.properties)).toEqual([
      "segment",
      "track",
      "rendition",
      "sizeBytes",
      "payloadSha256",
      "fromMs",
      "toMs",
    ]);
    const schemas: { readonly properties: object }[] = [];
    for (const schema of Object.values(LEDGER_ENTRY_SCHEMAS))
      if ("anyOf" in schema) schemas.push(...schema.anyOf);
      else schemas.push(schema);
    const members = schemas.flatMap(({ properties }) => Object.keys(properties));
    expect(members.filter((name) => BIOMETRIC.test(name))).toEqual([]);
    for (const schema of schemas)
      expect("additionalProperties" in schema && schema.additionalProperties).toBe(false);
  });
});
