-- Every address that the hub was ever told to connect to, and when it did. Nothing is removed: that
-- a camera was there once is what an owner asks.
CREATE TABLE connections (
  -- `camera front`, or `camera trial` for one that was only tried.
  what TEXT NOT NULL CHECK (length(what) BETWEEN 1 AND 60),
  -- Host and port as configured; or `this machine` where nothing leaves it.
  address TEXT NOT NULL CHECK (length(address) BETWEEN 1 AND 300),
  -- Null before it first answered.
  first_at_ms INTEGER,
  last_at_ms INTEGER,
  PRIMARY KEY (what, address),
  CHECK ((first_at_ms IS NULL) = (last_at_ms IS NULL))
) STRICT, WITHOUT ROWID;
