-- New readers on their way to the devices that stay: sealed to each device's own transfer key, kept
-- until it has fetched them. For nobody else, the hub included.
CREATE TABLE passed_on (
  device TEXT NOT NULL CHECK (length(device) = 64),
  epoch INTEGER NOT NULL CHECK (epoch >= 1),
  sealed TEXT NOT NULL CHECK (length(sealed) <= 8000),
  PRIMARY KEY (device, epoch)
) STRICT;

-- How long this hub has run since the recovery notice that is pending. No wall clock is asked: one
-- that jumps would end the time in which owners may object.
CREATE TABLE recovery_runs (
  notice TEXT PRIMARY KEY CHECK (length(notice) = 64),
  ran_ms INTEGER NOT NULL CHECK (ran_ms >= 0)
) STRICT;

-- Keyring changes that wait for another owner's signature.
CREATE TABLE keyring_proposals (
  proposal TEXT PRIMARY KEY CHECK (length(proposal) = 64),
  envelope TEXT NOT NULL,
  passed_on TEXT NOT NULL,
  -- The newcomer whom it would admit, and what it is to get; both null otherwise.
  pairing TEXT CHECK (length(pairing) = 32),
  newcomer_sealed TEXT,
  proposed_at_ms INTEGER NOT NULL
) STRICT;
