-- How long clips have been kept, by the hub's own count of time and not by a wall clock that may
-- jump. One row a clip that has ended; `sequence` is the order in which they go.
CREATE TABLE clip_retention (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  clip TEXT NOT NULL UNIQUE CHECK (length(clip) = 32),
  class TEXT NOT NULL CHECK (class IN ('motion', 'bell')),
  -- Where the count stood when the clip had ended.
  counted_ms INTEGER NOT NULL CHECK (counted_ms >= 0),
  size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
  -- Where the count will stand when an owner's deletion can no longer be undone.
  goes_counted_ms INTEGER
) STRICT;
CREATE INDEX clip_retention_by_class ON clip_retention (class, sequence);
CREATE INDEX clip_retention_going ON clip_retention (sequence) WHERE goes_counted_ms IS NOT NULL;

-- A hold keeps a clip from every deletion until it lapses. A clip may be held while it is recorded.
CREATE TABLE clip_holds (
  clip TEXT PRIMARY KEY CHECK (length(clip) = 32),
  -- What the owner said, for people to read.
  until_ms INTEGER NOT NULL,
  -- What the hub goes by.
  until_counted_ms INTEGER NOT NULL
) STRICT;

-- Clips that are gone: written in the transaction that appends the deletion's ledger entry and
-- removes the rows of the clip, before the first file is touched.
CREATE TABLE clip_deletions (
  clip TEXT PRIMARY KEY CHECK (length(clip) = 32),
  entry_index INTEGER NOT NULL UNIQUE,
  files_gone INTEGER NOT NULL DEFAULT 0 CHECK (files_gone IN (0, 1))
) STRICT;
CREATE INDEX clip_deletions_unfinished ON clip_deletions (clip) WHERE files_gone = 0;

-- Time that this hub has run, which no setting of the clock can move.
CREATE TABLE retention_count (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  counted_ms INTEGER NOT NULL CHECK (counted_ms >= 0)
) STRICT;
