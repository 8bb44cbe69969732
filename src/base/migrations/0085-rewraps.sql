-- Recordings that an owner's device sealed anew: for which readers, and the signed statement, which
-- a copy elsewhere would follow. One row a clip, of its newest statement.
CREATE TABLE clip_rewraps (
  clip TEXT PRIMARY KEY REFERENCES clips (id) ON DELETE CASCADE,
  keyring_head TEXT NOT NULL CHECK (length(keyring_head) = 64),
  keyring_epoch INTEGER NOT NULL CHECK (keyring_epoch >= 0),
  entry_index INTEGER NOT NULL,
  -- The envelope, canonical JSON.
  statement BLOB NOT NULL
) STRICT;

-- New headers that are entered in the ledger and not known to be on the disk yet: what a stop of the
-- hub left is done at the next start. A header holds no secret; it is what the file will begin with.
CREATE TABLE rewrap_files (
  clip TEXT NOT NULL REFERENCES clips (id) ON DELETE CASCADE,
  name TEXT NOT NULL CHECK (length(name) <= 80),
  header BLOB NOT NULL CHECK (length(header) <= 65536),
  PRIMARY KEY (clip, name)
) STRICT, WITHOUT ROWID;
