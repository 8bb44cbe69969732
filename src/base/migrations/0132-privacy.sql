-- Cameras that were ever switched off: what somebody set by hand, and what the ledger says. A camera
-- without a row is on, and was never anything else.
CREATE TABLE camera_privacy (
  camera TEXT PRIMARY KEY CHECK (length(camera) BETWEEN 1 AND 32),
  -- By hand; null where the schedule alone decides.
  hand TEXT CHECK (hand IN ('on', 'off')),
  hand_by TEXT CHECK (length(hand_by) = 64),
  -- UTC at which it ends by itself; null where only somebody ends it.
  hand_until_ms INTEGER,
  -- The ledger's newest entry of this camera.
  entered TEXT NOT NULL CHECK (entered IN ('on', 'off')),
  entered_by TEXT NOT NULL CHECK (length(entered_by) BETWEEN 1 AND 64),
  entered_at_ms INTEGER NOT NULL,
  CHECK ((hand IS NULL) = (hand_by IS NULL)),
  CHECK (hand IS NOT NULL OR hand_until_ms IS NULL)
) STRICT, WITHOUT ROWID;
