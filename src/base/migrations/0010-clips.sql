-- One row a recording. `sequence` is the order in which the hub learnt of them, whatever the wall
-- clock did meanwhile.
CREATE TABLE clips (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE CHECK (length(id) = 32),
  camera TEXT NOT NULL CHECK (length(camera) BETWEEN 1 AND 32),
  kind TEXT NOT NULL CHECK (kind IN ('bell', 'motion', 'person', 'vehicle', 'animal', 'package')),
  -- JSON: event kind, zone, share of its area, score.
  why TEXT NOT NULL CHECK (length(why) <= 1000),
  event_at_ms INTEGER NOT NULL CHECK (event_at_ms >= 0),
  started_at_ms INTEGER NOT NULL CHECK (started_at_ms >= 0),
  -- Null while it is recorded.
  ended_at_ms INTEGER CHECK (ended_at_ms >= started_at_ms),
  state TEXT NOT NULL CHECK (state IN ('recording', 'closed', 'torn')),
  keyring_head TEXT NOT NULL CHECK (length(keyring_head) = 64),
  keyring_epoch INTEGER NOT NULL CHECK (keyring_epoch >= 0),
  -- Ledger index of the entry that lists the clip's files; null while it is recorded, and where
  -- no file of it became whole.
  entry_index INTEGER,
  CHECK ((state = 'recording') = (ended_at_ms IS NULL)),
  CHECK (state <> 'closed' OR entry_index IS NOT NULL)
) STRICT;
CREATE INDEX clips_by_state ON clips (state) WHERE state = 'recording';

-- Sealed files that are whole.
CREATE TABLE clip_files (
  clip TEXT NOT NULL REFERENCES clips (id),
  name TEXT NOT NULL CHECK (length(name) <= 80),
  segment INTEGER CHECK (segment BETWEEN 0 AND 9999),
  track TEXT NOT NULL CHECK (track IN ('video', 'audio', 'poster')),
  rendition TEXT NOT NULL CHECK (rendition IN ('original', 'blurred')),
  size_bytes INTEGER NOT NULL CHECK (size_bytes > 0),
  payload_sha256 TEXT NOT NULL CHECK (length(payload_sha256) = 64),
  from_ms INTEGER NOT NULL CHECK (from_ms >= 0),
  to_ms INTEGER NOT NULL CHECK (to_ms >= from_ms),
  PRIMARY KEY (clip, name),
  CHECK ((track = 'poster') = (segment IS NULL))
) STRICT, WITHOUT ROWID;

-- Files that a crash, a full disk or a power cut left unfinished. A folder may be all that is left
-- of a clip, so these need no row in `clips`.
CREATE TABLE torn_files (
  clip TEXT NOT NULL CHECK (length(clip) = 32),
  name TEXT NOT NULL CHECK (length(name) <= 80),
  size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
  -- Over all bytes of the file as it was found.
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
  entry_index INTEGER NOT NULL,
  PRIMARY KEY (clip, name)
) STRICT, WITHOUT ROWID;
