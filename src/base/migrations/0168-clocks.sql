-- What ends by a clock ends by two: that of the wall, which may be set, and the hub's own count of
-- the time it has run. Sessions of before are over: their devices log in again by themselves.
ALTER TABLE sessions ADD COLUMN expires_counted_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN age_counted_ms INTEGER NOT NULL DEFAULT 0;
-- Null: of before this, and given one as soon as a hub opens them.
ALTER TABLE requests ADD COLUMN expires_counted_ms INTEGER;
ALTER TABLE requests ADD COLUMN nonce_expires_counted_ms INTEGER;
ALTER TABLE shares ADD COLUMN expires_counted_ms INTEGER;
ALTER TABLE forms ADD COLUMN expires_counted_ms INTEGER;
-- Where the clock on the wall stood when it was last believed, and since when it is not.
CREATE TABLE clock_trust (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  wall_ms INTEGER NOT NULL,
  counted_ms INTEGER NOT NULL,
  doubted_counted_ms INTEGER
) STRICT;
