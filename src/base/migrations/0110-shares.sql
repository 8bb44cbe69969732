-- Links for people without a key, each for one approval.
CREATE TABLE shares (
  -- SHA-256 of the token that follows from the link's secret; the hub never had either.
  token_sha256 TEXT PRIMARY KEY CHECK (length(token_sha256) = 64),
  request TEXT NOT NULL REFERENCES requests (id),
  decision_sha256 TEXT NOT NULL CHECK (length(decision_sha256) = 64),
  share_sha256 TEXT NOT NULL UNIQUE CHECK (length(share_sha256) = 64),
  -- The signed statement.
  envelope TEXT NOT NULL,
  made_at_ms INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL,
  views_max INTEGER NOT NULL CHECK (views_max > 0),
  -- Counted before the first byte goes out.
  views INTEGER NOT NULL DEFAULT 0 CHECK (views BETWEEN 0 AND views_max)
) STRICT;
CREATE INDEX shares_by_request ON shares (request);
