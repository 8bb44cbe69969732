-- Short replies that somebody has recorded, to be said at a door. The only sound that the hub itself
-- can read: it has to say it.
CREATE TABLE replies (
  id TEXT PRIMARY KEY CHECK (length(id) = 32),
  name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 40),
  -- G.711 mu-law, 8,000 samples a second, a byte each.
  sound BLOB NOT NULL CHECK (length(sound) BETWEEN 1600 AND 120000),
  made_at_ms INTEGER NOT NULL
) STRICT;
