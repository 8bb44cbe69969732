-- Where a device of the household has said that its browser takes pushes. Its end goes with the
-- device: nothing here outlives a logout or a removal.
CREATE TABLE push_subscriptions (
  endpoint TEXT PRIMARY KEY CHECK (length(endpoint) BETWEEN 12 AND 1024),
  device TEXT NOT NULL CHECK (length(device) = 64),
  -- The page's own address, which a tap on a notification opens.
  origin TEXT NOT NULL CHECK (length(origin) BETWEEN 8 AND 300),
  language TEXT NOT NULL CHECK (language IN ('en', 'fr')),
  -- Of the browser: an uncompressed point of P-256, and a shared secret (RFC 8291).
  p256dh BLOB NOT NULL CHECK (length(p256dh) = 65),
  auth BLOB NOT NULL CHECK (length(auth) = 16),
  created_at_ms INTEGER NOT NULL,
  taken_at_ms INTEGER,
  problem TEXT CHECK (length(problem) <= 40)
) STRICT, WITHOUT ROWID;

CREATE INDEX push_subscriptions_by_device ON push_subscriptions (device, created_at_ms);
