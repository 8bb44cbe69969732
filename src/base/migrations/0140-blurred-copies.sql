-- How the blurred copy of each clip stands; no row: faces are kept, and there is none.
CREATE TABLE clip_copies (
  clip TEXT PRIMARY KEY CHECK (length(clip) = 32),
  -- copy: beside the originals. only: no originals are recorded, and the clip's own entry lists it.
  copy_mode TEXT NOT NULL CHECK (copy_mode IN ('copy', 'only')),
  -- waiting: being made. done, absent: nothing more comes.
  copy_state TEXT NOT NULL CHECK (copy_state IN ('waiting', 'done', 'absent')),
  -- Why something is missing, or pixelated whole: the first that was.
  copy_reason TEXT CHECK (length(copy_reason) <= 40),
  copy_segments INTEGER NOT NULL DEFAULT 0 CHECK (copy_segments >= 0),
  copy_whole INTEGER NOT NULL DEFAULT 0 CHECK (copy_whole BETWEEN 0 AND copy_segments)
) STRICT, WITHOUT ROWID;
CREATE INDEX clip_copies_waiting ON clip_copies (clip) WHERE copy_state = 'waiting';

-- Files of a copy that are whole and not listed: they are listed together, with one ledger entry, when
-- no more come.
CREATE TABLE clip_copy_files (
  clip TEXT NOT NULL CHECK (length(clip) = 32),
  name TEXT NOT NULL CHECK (length(name) <= 80),
  -- JSON: the file as the entry will list it.
  file TEXT NOT NULL CHECK (length(file) <= 1000),
  keyring_epoch INTEGER NOT NULL CHECK (keyring_epoch >= 0),
  PRIMARY KEY (clip, name)
) STRICT, WITHOUT ROWID;
