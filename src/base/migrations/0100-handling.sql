-- What owners have stated about a request beside deciding it: signed envelopes, as they were
-- accepted, in their order.
CREATE TABLE request_statements (
  request TEXT NOT NULL REFERENCES requests (id),
  type TEXT NOT NULL CHECK (type IN ('assurance', 'hold')),
  number INTEGER NOT NULL CHECK (number >= 0),
  envelope TEXT NOT NULL CHECK (length(envelope) <= 200000),
  entry_index INTEGER NOT NULL UNIQUE,
  PRIMARY KEY (request, type, number)
) STRICT, WITHOUT ROWID;

-- Clips that are kept for a request. Like an owner's hold on one clip, it goes by the hub's own count
-- of time, and ends by itself.
CREATE TABLE request_hold_clips (
  clip TEXT NOT NULL CHECK (length(clip) = 32),
  request TEXT NOT NULL REFERENCES requests (id),
  -- What the owner said, for people to read.
  until_ms INTEGER NOT NULL,
  -- What the hub goes by.
  until_counted_ms INTEGER NOT NULL,
  PRIMARY KEY (clip, request)
) STRICT, WITHOUT ROWID;
CREATE INDEX request_hold_clips_by_request ON request_hold_clips (request);

-- The one document that may come with a request: an age file in `documents`, named by its request.
CREATE TABLE request_documents (
  request TEXT PRIMARY KEY REFERENCES requests (id),
  -- Of the age file, as the request announced it.
  sha256 TEXT NOT NULL UNIQUE CHECK (length(sha256) = 64),
  size_bytes INTEGER NOT NULL CHECK (size_bytes > 0),
  announced_at_ms INTEGER NOT NULL,
  -- Null until it is here.
  received_at_ms INTEGER
) STRICT, WITHOUT ROWID;
