-- What was signed where the hub went on from a copy, and by owners who know what is gone.
CREATE TABLE restorations (
  entry_index INTEGER PRIMARY KEY CHECK (entry_index > 0),
  envelope TEXT NOT NULL CHECK (length(envelope) <= 65536)
) STRICT;
CREATE TABLE restoration_acceptances (
  entry_index INTEGER PRIMARY KEY CHECK (entry_index > 0),
  restored_index INTEGER NOT NULL REFERENCES restorations (entry_index),
  device TEXT NOT NULL CHECK (length(device) = 64),
  envelope TEXT NOT NULL CHECK (length(envelope) <= 262144),
  UNIQUE (restored_index, device)
) STRICT;
