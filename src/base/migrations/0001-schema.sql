-- What has been applied to this file, so that a later start neither repeats a migration nor runs
-- on a schema it does not know.
CREATE TABLE schema_migrations (
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  applied_at_ms INTEGER NOT NULL
) STRICT;
