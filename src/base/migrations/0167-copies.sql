-- The place elsewhere that the queue below is about; no row: nothing is copied, and nothing is queued.
CREATE TABLE copy_place (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  -- Kind and address, without a login.
  place TEXT NOT NULL CHECK (length(place) <= 500),
  -- 1 once this household's marker is there: a place without it is then not the place it was.
  is_marked INTEGER NOT NULL DEFAULT 0 CHECK (is_marked IN (0, 1)),
  -- Recordings below this sequence have been queued; those after it queue themselves.
  queued_from INTEGER,
  -- Whether the place lets objects be removed; null until it was tried.
  can_remove INTEGER CHECK (can_remove IN (0, 1)),
  -- Ledger entries that were sealed into batches or a state.
  ledger_size INTEGER NOT NULL DEFAULT 0 CHECK (ledger_size >= 0),
  -- Of the newest state that was made, and keyring statements in it.
  state_sequence INTEGER NOT NULL DEFAULT 0 CHECK (state_sequence >= 0),
  state_ledger_size INTEGER NOT NULL DEFAULT 0 CHECK (state_ledger_size >= 0),
  state_statements INTEGER NOT NULL DEFAULT 0 CHECK (state_statements >= 0),
  state_at_ms INTEGER,
  -- The highest sequence of a state that another installation had put when this one began.
  others_sequence INTEGER,
  finished_at_ms INTEGER,
  looked_at_ms INTEGER
) STRICT;

-- What must be there, and what is. Without a place it is empty.
CREATE TABLE copy_objects (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT NOT NULL UNIQUE CHECK (length(name) <= 200),
  -- Of a recording's file: which, and whether all of it or its header only.
  clip TEXT CHECK (length(clip) = 32),
  file TEXT CHECK (length(file) <= 80),
  revision INTEGER NOT NULL DEFAULT 0 CHECK (revision >= 0),
  content TEXT NOT NULL CHECK (content IN ('whole', 'header', 'document', 'spool')),
  -- Where the sealed bytes begin in the file that waits beside the database.
  spool_from INTEGER NOT NULL DEFAULT 0,
  -- waiting: to be put. there: put, and looked at. going: to be removed. stays: should be gone.
  state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'there', 'going', 'stays')),
  size_bytes INTEGER NOT NULL DEFAULT 0 CHECK (size_bytes >= 0),
  -- Over the whole object; null until it was read.
  sha256 TEXT CHECK (length(sha256) = 64),
  looked INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX copy_objects_open ON copy_objects (state, sequence) WHERE state <> 'there';
CREATE INDEX copy_objects_by_clip ON copy_objects (clip, file) WHERE clip IS NOT NULL;

CREATE TRIGGER copy_new_file AFTER INSERT ON clip_files WHEN EXISTS (SELECT 1 FROM copy_place)
BEGIN
  INSERT OR IGNORE INTO copy_objects (name, clip, file, revision, content, size_bytes)
  SELECT 'clips/' || strftime('%Y-%m', started_at_ms / 1000, 'unixepoch') || '/' || id || '/' ||
      iif(NEW.entry_index IS NULL, NEW.name,
        replace(NEW.name, '.age', '.' || NEW.entry_index || '.age')),
    id, NEW.name, coalesce(NEW.entry_index, 0), 'whole', NEW.size_bytes
  FROM clips WHERE id = NEW.clip;
END;
CREATE TRIGGER copy_torn_file AFTER INSERT ON torn_files WHEN EXISTS (SELECT 1 FROM copy_place)
BEGIN
  INSERT OR IGNORE INTO copy_objects (name, clip, file, content, size_bytes)
  SELECT 'clips/' || strftime('%Y-%m', started_at_ms / 1000, 'unixepoch') || '/' || id || '/' || NEW.name,
    id, NEW.name, 'whole', NEW.size_bytes
  FROM clips WHERE id = NEW.clip AND NEW.size_bytes > 0;
END;
-- A new header is on the disk.
CREATE TRIGGER copy_new_header AFTER DELETE ON rewrap_files WHEN EXISTS (SELECT 1 FROM copy_place)
BEGIN
  INSERT OR IGNORE INTO copy_objects (name, clip, file, revision, content, size_bytes)
  SELECT 'clips/' || strftime('%Y-%m', started_at_ms / 1000, 'unixepoch') || '/' || id || '/' ||
      replace(OLD.name, '.age', '.' || clip_rewraps.entry_index || '.header'),
    id, OLD.name, clip_rewraps.entry_index, 'header', length(OLD.header)
  FROM clips JOIN clip_rewraps ON clip_rewraps.clip = clips.id WHERE id = OLD.clip;
END;
-- Also what waits: a stop may have come between putting it and saying so.
CREATE TRIGGER copy_gone_file AFTER DELETE ON clip_files
BEGIN
  UPDATE copy_objects SET state = 'going' WHERE clip = OLD.clip AND file = OLD.name;
END;
CREATE TRIGGER copy_gone_torn AFTER DELETE ON torn_files
BEGIN
  UPDATE copy_objects SET state = 'going' WHERE clip = OLD.clip AND file = OLD.name;
END;
