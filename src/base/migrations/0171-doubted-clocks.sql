-- How far ahead of what was counted the clock is that is doubted: one that moves again is another.
ALTER TABLE clock_trust ADD COLUMN doubted_ahead_ms INTEGER;
-- Requests are listed in the order of their entries.
CREATE INDEX requests_by_index ON requests (request_index);
