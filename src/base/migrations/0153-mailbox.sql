-- What this hub has put into the household's mailbox, by names that tell nothing. The keys in here
-- are of the outer wrapping alone: what is inside is sealed to the owners, as it is on this disk.
CREATE TABLE mailbox_place (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  -- SHA-256 of the address: elsewhere, everything begins anew.
  place_sha256 TEXT NOT NULL CHECK (length(place_sha256) = 64)
) STRICT;
CREATE TABLE mailbox_devices (
  device TEXT PRIMARY KEY CHECK (length(device) = 64),
  state_item TEXT NOT NULL CHECK (length(state_item) = 32),
  sequence INTEGER NOT NULL,
  -- What was last put, apart from time and proofs.
  material_sha256 TEXT,
  size INTEGER NOT NULL DEFAULT 0,
  put_at_ms INTEGER,
  expires_at_ms INTEGER,
  inbox_item TEXT NOT NULL CHECK (length(inbox_item) = 32),
  inbox_key BLOB NOT NULL CHECK (length(inbox_key) = 32),
  -- The inbox before this one: a reply may be on its way to it.
  earlier_item TEXT,
  earlier_key BLOB,
  -- JSON: what became of the replies.
  answers TEXT NOT NULL DEFAULT '[]'
) STRICT;
-- Sizes of the ledger that a device was shown: one of them is what it has seen last.
CREATE TABLE mailbox_seen (
  device TEXT NOT NULL,
  size INTEGER NOT NULL,
  -- 1: while it was at home, so that it has seen it for certain.
  at_home INTEGER NOT NULL,
  PRIMARY KEY (device, size)
) STRICT;
CREATE TABLE mailbox_parts (
  item TEXT PRIMARY KEY CHECK (length(item) = 32),
  clip TEXT NOT NULL,
  name TEXT NOT NULL,
  part INTEGER NOT NULL,
  key BLOB NOT NULL CHECK (length(key) = 32),
  file_bytes INTEGER NOT NULL,
  put_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER,
  UNIQUE (clip, name, part)
) STRICT;
-- Whose recordings' pieces a device was given this way; each is in the ledger as a look.
CREATE TABLE mailbox_given (
  device TEXT NOT NULL,
  clip TEXT NOT NULL,
  PRIMARY KEY (device, clip)
) STRICT;
CREATE TABLE mailbox_nonces (
  request TEXT PRIMARY KEY CHECK (length(request) = 32),
  nonce TEXT NOT NULL CHECK (length(nonce) = 64),
  first_at_ms INTEGER NOT NULL
) STRICT;
-- To be deleted from the carrier.
CREATE TABLE mailbox_unwanted (
  item TEXT PRIMARY KEY CHECK (length(item) = 32),
  since_ms INTEGER NOT NULL
) STRICT;
