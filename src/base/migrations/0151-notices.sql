-- What people of the house are told of. An id leaves the house; everything else of a row stays here.
CREATE TABLE notices (
  id TEXT PRIMARY KEY CHECK (length(id) = 32),
  kind TEXT NOT NULL
    CHECK (kind IN ('bell', 'motion', 'digest', 'request', 'house', 'trouble', 'test')),
  at_ms INTEGER NOT NULL CHECK (at_ms >= 0),
  expires_at_ms INTEGER NOT NULL CHECK (expires_at_ms >= at_ms),
  camera TEXT CHECK (length(camera) BETWEEN 1 AND 32),
  zone TEXT CHECK (length(zone) <= 80),
  clip TEXT CHECK (length(clip) = 32),
  request TEXT CHECK (length(request) = 32),
  code TEXT CHECK (length(code) BETWEEN 1 AND 40),
  -- Of a digest: where the time begins that it is about.
  since_ms INTEGER CHECK (since_ms <= at_ms),
  -- The only device that may look it up; null where its right decides.
  device TEXT CHECK (length(device) = 64)
) STRICT;
CREATE INDEX notices_by_time ON notices (at_ms);
CREATE INDEX notices_by_clip ON notices (clip) WHERE clip IS NOT NULL;
CREATE INDEX notices_of_bells ON notices (camera, at_ms) WHERE kind = 'bell';

-- A notice ends with the recording that it is about, in the same transaction. That of a bell is the
-- one that was made of its camera while somebody rang.
CREATE TRIGGER notices_end_with_clip AFTER DELETE ON clips BEGIN
  DELETE FROM notices WHERE clip = OLD.id;
  DELETE FROM notices WHERE kind = 'bell' AND camera = OLD.camera
    AND at_ms BETWEEN OLD.started_at_ms - 2000
    AND coalesce(OLD.ended_at_ms, OLD.started_at_ms) + 2000;
END;

-- What is still to be handed to somebody who carries it; gone when he has it, or it is too late.
CREATE TABLE notice_outbox (
  notice TEXT NOT NULL REFERENCES notices (id) ON DELETE CASCADE,
  device TEXT NOT NULL CHECK (length(device) = 64),
  carrier TEXT NOT NULL CHECK (carrier IN ('push', 'ntfy', 'unified-push')),
  -- UTC from which it is too late.
  late_at_ms INTEGER NOT NULL,
  -- The same on the clock of the machine that only runs forward, which begins at each of its starts.
  boot TEXT NOT NULL CHECK (length(boot) <= 64),
  late_at_up_ms INTEGER NOT NULL,
  PRIMARY KEY (notice, device, carrier)
) STRICT, WITHOUT ROWID;

-- What a device wants to be told of; without a row the defaults hold.
CREATE TABLE notice_rules (
  device TEXT PRIMARY KEY CHECK (length(device) = 64),
  -- JSON.
  rules TEXT NOT NULL CHECK (length(rules) <= 8000),
  -- UTC up to which motion was in a digest, or needs to be in none.
  digest_until_ms INTEGER NOT NULL CHECK (digest_until_ms >= 0)
) STRICT, WITHOUT ROWID;
