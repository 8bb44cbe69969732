-- What would have to be counted over all clips, kept by the rows themselves: at a million of them each
-- look would hold up everything else.
CREATE TABLE clip_counts (
  state TEXT PRIMARY KEY CHECK (state IN ('recording', 'closed', 'torn')),
  count INTEGER NOT NULL CHECK (count >= 0)
) STRICT, WITHOUT ROWID;
INSERT INTO clip_counts (state, count) SELECT state, count(*) FROM clips GROUP BY state;

CREATE TRIGGER clips_counted AFTER INSERT ON clips
BEGIN
  INSERT INTO clip_counts (state, count) VALUES (NEW.state, 1)
    ON CONFLICT (state) DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER clips_counted_out AFTER DELETE ON clips
BEGIN
  UPDATE clip_counts SET count = count - 1 WHERE state = OLD.state;
END;
CREATE TRIGGER clips_counted_anew AFTER UPDATE OF state ON clips WHEN NEW.state <> OLD.state
BEGIN
  UPDATE clip_counts SET count = count - 1 WHERE state = OLD.state;
  INSERT INTO clip_counts (state, count) VALUES (NEW.state, 1)
    ON CONFLICT (state) DO UPDATE SET count = count + 1;
END;

CREATE TABLE clip_retention_used (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0)
) STRICT;
INSERT INTO clip_retention_used (id, size_bytes)
SELECT 1, coalesce(sum(size_bytes), 0) FROM clip_retention;

CREATE TRIGGER clip_retention_taken_in AFTER INSERT ON clip_retention
BEGIN
  UPDATE clip_retention_used SET size_bytes = size_bytes + NEW.size_bytes;
END;
CREATE TRIGGER clip_retention_gone AFTER DELETE ON clip_retention
BEGIN
  UPDATE clip_retention_used SET size_bytes = size_bytes - OLD.size_bytes;
END;
CREATE TRIGGER clip_retention_resized AFTER UPDATE OF size_bytes ON clip_retention
BEGIN
  UPDATE clip_retention_used SET size_bytes = size_bytes + NEW.size_bytes - OLD.size_bytes;
END;
-- What was recorded in the last week.
CREATE INDEX clip_retention_by_count ON clip_retention (counted_ms, size_bytes);

-- Every clip below this sequence has ended and was taken in: a start needs to look at none of them.
ALTER TABLE retention_count ADD COLUMN taken_in_below INTEGER NOT NULL DEFAULT 0
  CHECK (taken_in_below >= 0);

-- Of the readers for which a clip was sealed anew, where it was; kept with the clip, so that those of
-- before are found without looking at each.
ALTER TABLE clips ADD COLUMN rewrapped_epoch INTEGER CHECK (rewrapped_epoch >= 0);
UPDATE clips SET rewrapped_epoch = (SELECT keyring_epoch FROM clip_rewraps WHERE clip = clips.id)
  WHERE id IN (SELECT clip FROM clip_rewraps);
CREATE TRIGGER clip_rewraps_kept AFTER INSERT ON clip_rewraps
BEGIN
  UPDATE clips SET rewrapped_epoch = NEW.keyring_epoch WHERE id = NEW.clip;
END;
CREATE INDEX clips_sealed_for ON clips (coalesce(rewrapped_epoch, keyring_epoch), sequence)
  WHERE entry_index IS NOT NULL;

-- The newest of a camera, in the order in which they came.
CREATE INDEX clips_of_camera ON clips (camera, sequence);
