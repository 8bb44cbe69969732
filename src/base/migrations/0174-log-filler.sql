-- What the write-ahead log is overwritten with before it is cut off: see src/base/cut-off-log.ts.
CREATE TABLE log_filler (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  zeros BLOB NOT NULL
) STRICT;
INSERT INTO log_filler (id, zeros) VALUES (1, x'');
