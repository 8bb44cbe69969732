-- From what names for Home Assistant are made, so that they say nothing of a camera and stay the same.
CREATE TABLE home_assistant_names (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  key BLOB NOT NULL CHECK (length(key) = 32)
) STRICT;
-- What the broker was told to keep: to be taken back when its camera or the setting goes.
CREATE TABLE home_assistant_kept (
  topic TEXT PRIMARY KEY CHECK (length(topic) BETWEEN 1 AND 300)
) STRICT, WITHOUT ROWID;
-- The broker is one more that may switch a camera off by hand.
CREATE TABLE camera_privacy_wider (
  camera TEXT PRIMARY KEY CHECK (length(camera) BETWEEN 1 AND 32),
  -- By hand; null where the schedule alone decides.
  hand TEXT CHECK (hand IN ('on', 'off')),
  hand_by TEXT CHECK (length(hand_by) = 64 OR hand_by = 'broker'),
  -- UTC at which it ends by itself; null where only somebody ends it.
  hand_until_ms INTEGER,
  -- The ledger's newest entry of this camera.
  entered TEXT NOT NULL CHECK (entered IN ('on', 'off')),
  entered_by TEXT NOT NULL CHECK (length(entered_by) BETWEEN 1 AND 64),
  entered_at_ms INTEGER NOT NULL,
  -- More than one switched it off: only an owner switches it on before its end.
  hand_is_shared INTEGER NOT NULL DEFAULT 0 CHECK (hand_is_shared IN (0, 1)),
  CHECK ((hand IS NULL) = (hand_by IS NULL)),
  CHECK (hand IS NOT NULL OR hand_until_ms IS NULL)
) STRICT, WITHOUT ROWID;
INSERT INTO camera_privacy_wider
  (camera, hand, hand_by, hand_until_ms, entered, entered_by, entered_at_ms, hand_is_shared)
  SELECT camera, hand, hand_by, hand_until_ms, entered, entered_by, entered_at_ms, hand_is_shared
  FROM camera_privacy;
DROP TABLE camera_privacy;
ALTER TABLE camera_privacy_wider RENAME TO camera_privacy;
