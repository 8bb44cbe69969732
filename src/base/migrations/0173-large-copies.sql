-- SQLite does not see that state = ? implies the condition of this index, and never used it.
DROP INDEX copy_objects_open;
CREATE INDEX copy_objects_by_state ON copy_objects (state, sequence, size_bytes);
-- Named by each query with the very same condition, as SQLite asks for.
CREATE INDEX copy_objects_of_few ON copy_objects (content, state, sequence) WHERE content <> 'whole';
CREATE INDEX copy_objects_newer ON copy_objects (revision) WHERE revision > 0;
-- What a listing has is kept in memory while it runs: a write for each object was a write of the disk.
ALTER TABLE copy_objects DROP COLUMN looked;
