-- How a device is reached by carriers that the hub itself made or was given an address of.
CREATE TABLE notice_ways (
  device TEXT NOT NULL CHECK (length(device) = 64),
  carrier TEXT NOT NULL CHECK (carrier IN ('ntfy', 'unified-push')),
  -- ntfy: the secret topic. UnifiedPush: the endpoint.
  address TEXT NOT NULL CHECK (length(address) BETWEEN 1 AND 1000),
  -- UnifiedPush: JSON of the keys that what is sent is encrypted to; null where it takes it plain.
  keys TEXT CHECK (length(keys) <= 300),
  PRIMARY KEY (device, carrier)
) STRICT, WITHOUT ROWID;
