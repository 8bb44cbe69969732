-- What an owner's device made a file from (the payload hash of the original), and the ledger entry
-- that lists it; null for what was recorded, which the clip's own entry lists.
ALTER TABLE clip_files ADD COLUMN derived_from TEXT CHECK (length(derived_from) = 64);
ALTER TABLE clip_files ADD COLUMN entry_index INTEGER
  CHECK (derived_from IS NULL OR entry_index IS NOT NULL);

-- Names that an owner's device is about to fill: what a stop of the hub leaves under them is removed
-- at the next start, since nothing of it was listed. The row goes when the file is listed.
CREATE TABLE rendition_uploads (
  clip TEXT NOT NULL CHECK (length(clip) = 32),
  name TEXT NOT NULL CHECK (length(name) <= 80),
  PRIMARY KEY (clip, name)
) STRICT, WITHOUT ROWID;
