-- Names by which the hub goes on the local network. `chosen` holds before the claim, where the
-- settings say none; `moving` is served beside the one in force until an owner ends the move.
CREATE TABLE lan_names (
  use TEXT PRIMARY KEY CHECK (use IN ('chosen', 'moving')),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 3 AND 100)
) STRICT, WITHOUT ROWID;
