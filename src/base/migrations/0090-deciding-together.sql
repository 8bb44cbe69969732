-- An approval that one owner has made and that waits for the signatures of others; one a request.
CREATE TABLE proposals (
  request TEXT PRIMARY KEY REFERENCES requests (id),
  -- The signed envelope, with all signatures so far.
  envelope TEXT NOT NULL,
  decision_sha256 TEXT NOT NULL CHECK (length(decision_sha256) = 64),
  -- The keyring it was signed under: with another one in force it is stale.
  keyring_head TEXT NOT NULL CHECK (length(keyring_head) = 64),
  -- Taken out of the request's row, where the next one is issued for whoever refuses meanwhile.
  nonce TEXT NOT NULL CHECK (length(nonce) = 64),
  -- Who made it, and may take it back.
  person TEXT NOT NULL CHECK (length(person) = 32),
  made_at_ms INTEGER NOT NULL
) STRICT;

-- Whatever answers a request ends its proposal, in the same transaction.
CREATE TRIGGER proposals_end_with_their_request AFTER UPDATE OF state ON requests
WHEN NEW.state NOT IN ('received', 'held')
BEGIN
  DELETE FROM proposals WHERE request = NEW.id;
END;

-- Where the count of the hub's running time will stand when a veto comes too late.
ALTER TABLE requests ADD COLUMN leaves_counted_ms INTEGER;
-- Where it will stand when nobody may fetch any more, beside the wall clock's time for the same.
ALTER TABLE requests ADD COLUMN lapses_counted_ms INTEGER;
ALTER TABLE requests ADD COLUMN available_until_ms INTEGER;
-- What was approved, without the release headers: kept when those are destroyed.
ALTER TABLE requests ADD COLUMN ended_terms TEXT;
ALTER TABLE requests ADD COLUMN ended_at_ms INTEGER;
ALTER TABLE requests ADD COLUMN revocation TEXT;

-- Approvals of before there was such a time: as long as the owners' devices ask for by default.
UPDATE requests SET available_until_ms = decided_at_ms + 2592000000
WHERE state IN ('approved', 'packaged', 'accessed');
