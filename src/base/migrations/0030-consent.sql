-- A form that an owner made for one requester, once.
CREATE TABLE forms (
  token_sha256 TEXT PRIMARY KEY CHECK (length(token_sha256) = 64),
  created_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  spent_at_ms INTEGER
) STRICT;

CREATE TABLE requests (
  id TEXT PRIMARY KEY CHECK (length(id) = 32),
  state TEXT NOT NULL CHECK (state IN (
    'received', 'held', 'approved', 'refused', 'expired', 'withdrawn',
    'packaged', 'accessed', 'revoked', 'lapsed')),
  received_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  -- Canonical JSON of the public part: the bytes whose hash the ledger carries.
  record TEXT NOT NULL,
  record_sha256 TEXT NOT NULL CHECK (length(record_sha256) = 64),
  -- The personal part, sealed to the owners. Erasing it leaves the ledger valid.
  personal BLOB CHECK (length(personal) <= 65536),
  -- Capability for the requester: what it fetches is ciphertext for the approved recipient.
  status_token TEXT NOT NULL UNIQUE CHECK (length(status_token) = 64),
  nonce TEXT CHECK (length(nonce) = 64),
  nonce_expires_at_ms INTEGER,
  nonce_spent_at_ms INTEGER,
  -- The signed envelope, as it was accepted.
  decision TEXT,
  decision_sha256 TEXT,
  outcome TEXT,
  decided_at_ms INTEGER,
  -- Leaf indexes, for the proofs in the bundle.
  request_index INTEGER NOT NULL,
  decision_index INTEGER,
  release_index INTEGER
) STRICT;
CREATE INDEX requests_by_time ON requests (received_at_ms);
