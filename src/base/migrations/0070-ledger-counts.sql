-- How many entries there are of each kind, and of decisions by their outcome: kept by the insert
-- itself, since counting a million entries would hold up everything else.
CREATE TABLE ledger_counts (
  name TEXT PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 130),
  count INTEGER NOT NULL CHECK (count > 0)
) STRICT, WITHOUT ROWID;

INSERT INTO ledger_counts (name, count)
SELECT
  CASE WHEN kind = 'decision' AND json_valid(CAST(entry AS TEXT))
    THEN coalesce('decision ' || json_extract(CAST(entry AS TEXT), '$.outcome'), kind)
    ELSE kind END AS name,
  count(*)
FROM ledger_entries GROUP BY name;

CREATE TRIGGER ledger_entries_counted AFTER INSERT ON ledger_entries
BEGIN
  INSERT INTO ledger_counts (name, count) VALUES (
    CASE WHEN NEW.kind = 'decision' AND json_valid(CAST(NEW.entry AS TEXT))
      THEN coalesce('decision ' || json_extract(CAST(NEW.entry AS TEXT), '$.outcome'), NEW.kind)
      ELSE NEW.kind END,
    1
  ) ON CONFLICT (name) DO UPDATE SET count = count + 1;
END;
