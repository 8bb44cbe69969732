-- The last few marked of one camera are asked for with each look at an event, whatever their number.
CREATE TABLE clip_nothings_placed (
  clip TEXT PRIMARY KEY REFERENCES clips (id) ON DELETE CASCADE,
  camera TEXT NOT NULL,
  sequence INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO clip_nothings_placed (clip, camera, sequence)
  SELECT id, camera, sequence FROM clips JOIN clip_nothings ON clip_nothings.clip = clips.id;
DROP TABLE clip_nothings;
ALTER TABLE clip_nothings_placed RENAME TO clip_nothings;
CREATE INDEX clip_nothings_of_camera ON clip_nothings (camera, sequence);
