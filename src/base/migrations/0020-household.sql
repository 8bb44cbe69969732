-- The signed chain of the household, one envelope a row, as it was accepted.
CREATE TABLE keyring_statements (
  epoch INTEGER PRIMARY KEY CHECK (epoch >= 0),
  head TEXT NOT NULL UNIQUE CHECK (length(head) = 64),
  envelope TEXT NOT NULL
) STRICT;

-- Names that people gave to devices. The chain holds only a salted hash of each, so that a bundle
-- can carry the chain without telling a requester who lives here.
CREATE TABLE device_labels (
  device TEXT PRIMARY KEY CHECK (length(device) = 64),
  label TEXT NOT NULL CHECK (length(label) <= 80),
  salt TEXT NOT NULL CHECK (length(salt) = 32)
) STRICT;

-- Only the hash of a session's token is kept.
CREATE TABLE sessions (
  id TEXT PRIMARY KEY CHECK (length(id) = 32),
  token_sha256 TEXT NOT NULL UNIQUE CHECK (length(token_sha256) = 64),
  device TEXT NOT NULL CHECK (length(device) = 64),
  created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE hub_facts (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT;
