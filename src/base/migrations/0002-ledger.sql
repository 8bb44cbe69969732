-- The append-only ledger (RFC 6962 tree). `kind`, `at_ms` and `subject` repeat what is inside
-- `entry`, for finding; only `entry` is hashed, and `doorward check` compares the two.
CREATE TABLE ledger_entries (
  idx INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (length(kind) BETWEEN 1 AND 64),
  at_ms INTEGER NOT NULL,
  subject TEXT CHECK (length(subject) <= 128),
  entry BLOB NOT NULL CHECK (length(entry) BETWEEN 2 AND 262144),
  leaf_hash BLOB NOT NULL CHECK (length(leaf_hash) = 32)
) STRICT;
CREATE INDEX ledger_entries_by_kind ON ledger_entries (kind, idx);
CREATE INDEX ledger_entries_by_subject ON ledger_entries (subject, idx) WHERE subject IS NOT NULL;

-- Hashes of complete subtrees of 2^level leaves, from level 1 up; level 0 is `leaf_hash` above.
-- They never change once they are there, whatever is appended later.
CREATE TABLE ledger_nodes (
  level INTEGER NOT NULL CHECK (level BETWEEN 1 AND 52),
  idx INTEGER NOT NULL CHECK (idx >= 0),
  hash BLOB NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (level, idx)
) STRICT, WITHOUT ROWID;

-- Signature lines of devices that have seen the tree at `size` with root `root`.
CREATE TABLE ledger_cosignatures (
  size INTEGER NOT NULL CHECK (size > 0),
  key_name TEXT NOT NULL,
  key_id INTEGER NOT NULL,
  root BLOB NOT NULL CHECK (length(root) = 32),
  cosigned_at_ms INTEGER NOT NULL,
  line TEXT NOT NULL CHECK (length(line) <= 1024),
  PRIMARY KEY (size, key_name, key_id)
) STRICT, WITHOUT ROWID;

-- These guard against a slip in the hub's own code. Against somebody with write access to the file
-- stand the owners' devices, which remember the roots they have seen.
CREATE TRIGGER ledger_entries_in_order BEFORE INSERT ON ledger_entries
WHEN NEW.idx IS NOT (SELECT coalesce(max(idx) + 1, 0) FROM ledger_entries)
BEGIN SELECT raise(ABORT, 'ledger entries are only ever appended'); END;
CREATE TRIGGER ledger_entries_no_update BEFORE UPDATE ON ledger_entries
BEGIN SELECT raise(ABORT, 'ledger entries are never changed'); END;
CREATE TRIGGER ledger_entries_no_delete BEFORE DELETE ON ledger_entries
BEGIN SELECT raise(ABORT, 'ledger entries are never deleted'); END;

CREATE TRIGGER ledger_nodes_no_replace BEFORE INSERT ON ledger_nodes
WHEN EXISTS (SELECT 1 FROM ledger_nodes WHERE level = NEW.level AND idx = NEW.idx)
BEGIN SELECT raise(ABORT, 'ledger nodes are never changed'); END;
CREATE TRIGGER ledger_nodes_no_update BEFORE UPDATE ON ledger_nodes
BEGIN SELECT raise(ABORT, 'ledger nodes are never changed'); END;
CREATE TRIGGER ledger_nodes_no_delete BEFORE DELETE ON ledger_nodes
BEGIN SELECT raise(ABORT, 'ledger nodes are never deleted'); END;

CREATE TRIGGER ledger_cosignatures_no_replace BEFORE INSERT ON ledger_cosignatures
WHEN EXISTS (
  SELECT 1 FROM ledger_cosignatures
  WHERE size = NEW.size AND key_name = NEW.key_name AND key_id = NEW.key_id
)
BEGIN SELECT raise(ABORT, 'cosignatures are never changed'); END;
CREATE TRIGGER ledger_cosignatures_no_update BEFORE UPDATE ON ledger_cosignatures
BEGIN SELECT raise(ABORT, 'cosignatures are never changed'); END;
CREATE TRIGGER ledger_cosignatures_no_delete BEFORE DELETE ON ledger_cosignatures
BEGIN SELECT raise(ABORT, 'cosignatures are never deleted'); END;
