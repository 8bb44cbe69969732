-- What owners have said for a month, as they signed it; its hash is in the ledger's entry.
CREATE TABLE statements (
  month TEXT PRIMARY KEY CHECK (length(month) = 7),
  envelope TEXT NOT NULL CHECK (length(envelope) <= 65536),
  entry_index INTEGER NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;
