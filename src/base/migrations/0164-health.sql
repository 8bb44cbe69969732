-- How long each camera was watched in an hour, and for how much of it no picture came. Of the last
-- 25 hours, and of 16 cameras at the most.
CREATE TABLE camera_gaps (
  camera TEXT NOT NULL CHECK (length(camera) BETWEEN 1 AND 32),
  -- Hours since 1970, UTC.
  hour INTEGER NOT NULL CHECK (hour >= 0),
  watched_ms INTEGER NOT NULL CHECK (watched_ms >= 0),
  gap_ms INTEGER NOT NULL CHECK (gap_ms BETWEEN 0 AND watched_ms),
  PRIMARY KEY (camera, hour)
) STRICT, WITHOUT ROWID;

-- What owners were told is wrong and goes on: a restart tells them neither again nor never of its end.
CREATE TABLE told_troubles (
  code TEXT NOT NULL CHECK (length(code) BETWEEN 1 AND 40),
  -- Empty where it is about none.
  camera TEXT NOT NULL CHECK (length(camera) <= 32),
  told_at_ms INTEGER NOT NULL CHECK (told_at_ms >= 0),
  -- Null while it goes on.
  over_at_ms INTEGER,
  PRIMARY KEY (code, camera)
) STRICT, WITHOUT ROWID;
